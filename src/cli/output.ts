// Prints an outcome or a failure, as text on a pipe, as text at a terminal, or as one JSON document.

import type { IntentType } from '../call/intent.ts'
import { hintLine, type PrintedLine, span } from '../call/span.ts'
import { inQuotes, plain } from '../call/wording.ts'
import { expandCommandName, P2P } from '../command-name.ts'
import type { Command } from '../commands/command.ts'
import { noticeLines } from '../commands/text.ts'
import { EXIT, Failure } from '../errors.ts'
import { diskFailure, errno, lastDiskFailure } from '../io/store/disk-errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { cleanLine, cleanText, isBlank } from '../sanitize.ts'
import type { Host } from './host.ts'
import { terminalWidth } from './terminal.ts'

/** Most characters of an error's message. */
const MAX_ERROR = 4_000

/** How text is printed. `width`: columns of the terminal, undefined where there is none. */
export type OutputOptions = { quiet: boolean; width: number | undefined }

type PrintedOutcome<T extends IntentType> = OutputOptions & {
  command: Command<T>
  verb: T
  outcome: OutcomeOf<T>
  json: boolean
}

/** Prints the outcome of a command, and its failure. Gives the exit code. */
export async function printOutcome<T extends IntentType>(
  host: Host,
  { command, verb, outcome, json, quiet, width }: PrintedOutcome<T>,
): Promise<number> {
  const { failure, now } = outcome
  const style = command.print?.(outcome.intent) ?? {}
  if (json || style.json) {
    const fields = { ...command.json(outcome), notices: outcome.notices }
    if (failure !== undefined) return await printFailure(host, { verb, failure, json: true, fields })
    const document = { ok: true, command: verb, ...fields }
    await write(host, `${JSON.stringify(document)}\n`, true)
    return EXIT.ok
  }
  // A transcript was asked for by name: it is printed, quiet or not.
  const silent = quiet && outcome.news.length === 0 && !style.always
  const lines = silent ? [] : command.text(outcome)
  const notes = quiet || command.notices === 'within' ? [] : noticeLines(outcome)
  const { page, exact } = style
  await write(host, await textOf([...lines, ...notes], page ? undefined : width, exact ? undefined : now))
  return failure === undefined ? EXIT.ok : await printFailure(host, { verb, failure, json: false })
}

/** Lines as a text, each with a line break. `width`: columns of the terminal; `now`: unix seconds, to show times as ages there. */
export async function textOf(lines: readonly PrintedLine[], width: number | undefined, now?: number): Promise<string> {
  if (width === undefined) return breakLines(lines.map(plain))
  const { rowsOf } = await import('./terminal-rows.ts')
  return breakLines(lines.flatMap((line) => rowsOf(line, { width, now })))
}

function breakLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/**
 * Ends the program when the reader of stdout has seen enough (`p2p list | head -1`), which is no fault. Any other error of stdout reaches
 * the caller of `write`.
 */
export function watchOutput(host: Host): void {
  host.stdout.on('error', (error) => {
    if (errno(error) === 'EPIPE') host.exit(EXIT.ok)
  })
  // There is nobody left to tell.
  host.stderr.on('error', () => {})
}

/** `fields`: what is printed beside the error, with --json. */
export type PrintedFailure = { verb: string; failure: Failure; json: boolean; fields?: Record<string, unknown> }

/** Prints a failure, on stderr or, with --json, on stdout. Gives its exit code. */
export async function printFailure(host: Host, { verb, failure, json, fields = {} }: PrintedFailure): Promise<number> {
  // Where stdout takes nothing, the exit code alone tells a program.
  if (!json || failure.code === 'OUTPUT_FAILED') {
    await sayFailure(host, failure)
    return failure.exit
  }
  const { message, hint } = cleanWords(failure)
  const error = { code: failure.code, message, hint }
  try {
    await write(host, `${JSON.stringify({ ok: false, command: verb, ...fields, error })}\n`, true)
    return failure.exit
  } catch (unwritten) {
    await sayFailure(host, failure)
    return await printFailure(host, { verb, failure: failureIn(unwritten), json: false })
  }
}

async function sayFailure({ stderr, env }: Host, failure: Failure): Promise<void> {
  const { message, hint } = cleanWords(failure)
  const lines: PrintedLine[] = [
    [span('fault', 'p2p: error:'), ` ${message}`],
    ...(hint === '' ? [] : [hintLine(`p2p: hint: ${hint}`)]),
  ]
  stderr.write(await textOf(lines, terminalWidth(stderr, env)))
}

// Errors repeat what was typed, and agents type what they have read. A fault of ours keeps its lines.
function cleanWords(failure: Failure): { message: string; hint: string } {
  const { code, hint } = failure
  const clean = (text: string) => withoutSecrets(code === 'FAULT' ? cleanText(text) : cleanLine(text, MAX_ERROR))
  // The hint has commands to type, so the program's whole name is spelled out there; in the message it stays `p2p`.
  return { hint: clean(expandCommandName(hint)), message: clean(whole(failure)) }
}

function whole({ message, theirs }: Failure): string {
  return theirs === undefined || isBlank(theirs) ? message : `${message}: ${inQuotes(theirs)}`
}

// Errors repeat what was typed: a secret key that was typed in the wrong place must not get into logs that way.
function withoutSecrets(text: string): string {
  return text.replace(/nsec1[02-9ac-hj-np-z]{10,}/gi, 'nsec1…')
}

/** The Failure for anything that was thrown: a Failure as it is, an error of the disk as a plain one, anything else as FAULT. */
export function failureIn(error: unknown): Failure {
  if (error instanceof Failure) return error
  const disk = lastDiskFailure(error)
  if (disk !== undefined) return disk
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Failure('FAULT', `a fault of p2p's own: ${what}`, 'please report it')
}

/** Writes a text on stdout; resolves when all of it is out. Rejects with OUTPUT_FAILED. `json`: whether it is a JSON document. */
export async function write({ stdout }: Host, text: string, json = false): Promise<void> {
  const output = expandCommandName(text, json)
  try {
    await new Promise<void>((resolve, reject) => {
      stdout.write(output, (error) => (error ? reject(error) : resolve()))
    })
  } catch (error) {
    throw outputFailure(error)
  }
}

/** Writes a text on stdout without waiting for it. Ends the program with OUTPUT_FAILED where the text does not get out. */
export function writeSoon(host: Host, text: string): void {
  host.stdout.write(expandCommandName(text), (error) => {
    // EPIPE, a reader that has seen enough, is for `watchOutput`.
    if (!error || errno(error) === 'EPIPE') return
    const failure = outputFailure(error)
    void sayFailure(host, failure).then(() => host.exit(failure.exit))
  })
}

function outputFailure(error: unknown): Failure {
  const why = diskFailure(error, 'stdout')?.message ?? `stdout takes nothing (${errno(error) || 'no word why'})`
  // The hint is not to run it again: what was said would be said twice.
  const hint = `what the command did stands, and nothing was marked read; \`${P2P} status\` shows it`
  return new Failure('OUTPUT_FAILED', `what was to be printed did not get out: ${why}`, hint)
}
