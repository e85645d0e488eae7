// What is printed: an outcome or a failure, as text on a pipe, as text at a terminal, or as one JSON document.
import { basename } from 'node:path'
import type { IntentType } from '../call/intent.ts'
import type { Command } from '../commands/command.ts'
import { noticeLines } from '../commands/text.ts'
import { EXIT, Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { cleanLine, cleanText } from '../sanitize.ts'
import { rowsOf, terminalWidth } from './terminal.ts'

/** Most characters of an error's message. */
const MAX_ERROR = 4_000

/** How text is printed: `width` in columns, at a terminal. */
export type OutputOptions = { quiet: boolean; width: number | undefined }

/** Prints what came of a command, and its failure; the exit code. */
export async function printOutcome<T extends IntentType>(
  command: Command<T>,
  verb: T,
  outcome: OutcomeOf<T>,
  json: boolean,
  { quiet, width }: OutputOptions,
): Promise<number> {
  const { failure, now } = outcome
  const style = command.print?.(outcome.intent) ?? {}
  if (json || style.json) {
    const fields = { ...command.json(outcome), notices: outcome.notices }
    if (failure !== undefined) return await printFailure(verb, failure, true, fields)
    const document = { ok: true, command: verb, ...fields }
    await write(`${JSON.stringify(document, shellWord)}\n`)
    return EXIT.ok
  }
  // What was asked for by name is printed, quiet or not.
  const silent = quiet && outcome.news.length === 0 && !style.always
  const lines = silent ? [] : command.text(outcome)
  const notes = quiet || command.notices === 'within' ? [] : noticeLines(outcome)
  const typed = [...lines, ...notes].map(withCommandName)
  const { page, exact = false } = style
  const rows = page ? typed : typed.flatMap((line) => rowsOf(line, { width, now, exact }))
  await write(rows.map((row) => `${row}\n`).join(''))
  return failure === undefined ? EXIT.ok : await printFailure(verb, failure, false, {})
}

/** Prints a failure; its exit code. `fields`: what there is to tell all the same. */
export async function printFailure(
  verb: string,
  failure: Failure,
  json: boolean,
  fields: Record<string, unknown>,
): Promise<number> {
  const { code } = failure
  // Errors repeat what was typed, and agents type what they have read. A fault of ours keeps its lines.
  const clean = (text: string) => withoutSecrets(code === 'FAULT' ? cleanText(text) : cleanLine(text, MAX_ERROR))
  const [message, hint] = [clean(failure.message), withCommandName(clean(failure.hint))]
  if (json) {
    const error = { code, message, hint }
    await write(`${JSON.stringify({ ok: false, command: verb, ...fields, error })}\n`)
  } else {
    const lines = [`p2p: error: ${message}`, ...(hint === '' ? [] : [`p2p: hint: ${hint}`])]
    const width = terminalWidth(process.stderr, process.env)
    process.stderr.write(
      lines
        .flatMap((line) => rowsOf(line, { width }))
        .map((row) => `${row}\n`)
        .join(''),
    )
  }
  return failure.exit
}

// Errors repeat what was typed; a secret key typed in the wrong place must not reach logs and transcripts that way.
function withoutSecrets(text: string): string {
  return text.replace(/nsec1[02-9ac-hj-np-z]{10,}/gi, 'nsec1…')
}

/** An expected failure as it is; anything else is a fault of ours. */
export function failureIn(error: unknown): Failure {
  if (error instanceof Failure) return error
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Failure('FAULT', EXIT.fault, `a fault of p2p's own: ${what}`, 'please report it')
}

/**
 * Our texts name commands as `p2p …`; a reader must be able to type them, however we were started. What peers wrote stands on
 * lines of their own and is left alone.
 */
export function withCommandName(line: string): string {
  return /^ {2}\S+> /.test(line) ? line : line.replace(/`p2p /g, `\`${program()} `)
}

/** For JSON: the one field that holds a command. */
function shellWord(key: string, value: unknown): unknown {
  return key === 'next' && typeof value === 'string' ? value.replace(/^p2p /, `${program()} `) : value
}

function program(): string {
  const script = process.argv[1] ?? 'p2p'
  return basename(script) === 'p2p' ? 'p2p' : `node "${script}"`
}

/** Resolves when the text is out. */
export function write(output: string): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(output, (error) => (error ? reject(error) : resolve())))
}
