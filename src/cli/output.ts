// What is printed: an outcome or a failure, as text on a pipe, as text at a terminal, or as one JSON document.

import { fstatSync, writeFileSync } from 'node:fs'
import type { IntentType } from '../call/intent.ts'
import { inQuotes } from '../call/wording.ts'
import { P2P, spellOut } from '../command-name.ts'
import type { Command } from '../commands/command.ts'
import { noticeLines } from '../commands/text.ts'
import { EXIT, Failure } from '../errors.ts'
import { diskFailure, errno, lastDiskFailure } from '../io/store/disk-errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { cleanLine, cleanText, isBlank } from '../sanitize.ts'
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
    await write(`${JSON.stringify(document)}\n`, true)
    return EXIT.ok
  }
  // What was asked for by name is printed, quiet or not.
  const silent = quiet && outcome.news.length === 0 && !style.always
  const lines = silent ? [] : command.text(outcome)
  const notes = quiet || command.notices === 'within' ? [] : noticeLines(outcome)
  const typed = [...lines, ...notes].map((line) => spellOut(line))
  const { page, exact = false } = style
  const rows = page ? typed : typed.flatMap((line) => rowsOf(line, { width, now, exact }))
  await write(rows.map((row) => `${row}\n`).join(''))
  return failure === undefined ? EXIT.ok : await printFailure(verb, failure, false, {})
}

/**
 * Ends the program when stdout takes no more. A reader that has seen enough (`p2p list | head -1`) is no fault; whatever else
 * keeps our words from where they were to go is one.
 */
export function watchOutput(): void {
  process.stdout.on('error', (error) => {
    if (errno(error) === 'EPIPE') process.exit(EXIT.ok)
    // Whoever waits for it hears of it, and tells what else there is to tell.
    if (awaited > 0) return
    sayFailure(outputFailure(error))
    process.exit(EXIT.fault)
  })
  // There is nobody left to tell.
  process.stderr.on('error', () => {})
}

/** Prints a failure; its exit code. `fields`: what there is to tell all the same. */
export async function printFailure(
  verb: string,
  failure: Failure,
  json: boolean,
  fields: Record<string, unknown>,
): Promise<number> {
  // Where stdout takes nothing, a program is told by the exit code.
  if (!json || failure.code === 'OUTPUT_FAILED') {
    sayFailure(failure)
    return failure.exit
  }
  const { message, hint } = cleanWords(failure)
  const error = { code: failure.code, message, hint }
  try {
    await write(`${JSON.stringify({ ok: false, command: verb, ...fields, error })}\n`, true)
    return failure.exit
  } catch (unwritten) {
    sayFailure(failure)
    return await printFailure(verb, failureIn(unwritten), false, {})
  }
}

function sayFailure(failure: Failure): void {
  const { message, hint } = cleanWords(failure)
  const lines = [`p2p: error: ${message}`, ...(hint === '' ? [] : [`p2p: hint: ${hint}`])]
  const width = terminalWidth(process.stderr, process.env)
  const rows = lines.flatMap((line) => rowsOf(line, { width }))
  process.stderr.write(rows.map((row) => `${row}\n`).join(''))
}

// Errors repeat what was typed, and agents type what they have read. A fault of ours keeps its lines.
function cleanWords(failure: Failure): { message: string; hint: string } {
  const { code, hint } = failure
  const clean = (text: string) => withoutSecrets(code === 'FAULT' ? cleanText(text) : cleanLine(text, MAX_ERROR))
  // What is to be typed next stands in the hint, so that is spelled out; cleaning leaves `p2p` of any other.
  return { hint: clean(spellOut(hint)), message: clean(whole(failure)) }
}

function whole({ message, theirs }: Failure): string {
  return theirs === undefined || isBlank(theirs) ? message : `${message}: ${inQuotes(theirs)}`
}

// Errors repeat what was typed; a secret key typed in the wrong place must not reach logs and transcripts that way.
function withoutSecrets(text: string): string {
  return text.replace(/nsec1[02-9ac-hj-np-z]{10,}/gi, 'nsec1…')
}

/** An expected failure as it is; what a disk did as a plain error; anything else is a fault of ours. */
export function failureIn(error: unknown): Failure {
  if (error instanceof Failure) return error
  const disk = lastDiskFailure(error)
  if (disk !== undefined) return disk
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Failure('FAULT', `a fault of p2p's own: ${what}`, 'please report it')
}

/** Texts that somebody waits for; one that has failed is never counted off, since nothing gets out any more. */
let awaited = 0

/** Resolves when the text is out, all of it. Rejects with OUTPUT_FAILED. `json`: it is a document. */
export async function write(text: string, json = false): Promise<void> {
  const output = spellOut(text, json)
  try {
    // Node's stream takes it for written when a disk that is nearly full has taken the first part.
    if (isFile(process.stdout.fd)) return writeFileSync(process.stdout.fd, output)
    awaited++
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(output, (error) => (error ? reject(error) : resolve()))
    })
    awaited--
  } catch (error) {
    throw outputFailure(error)
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}

function outputFailure(error: unknown): Failure {
  const why = diskFailure(error, 'stdout')?.message ?? `stdout takes nothing (${errno(error) || 'no word why'})`
  // Not to run it again: what was said would be said twice.
  const hint = `what the command did stands, and nothing was marked read; \`${P2P} status\` shows it`
  return new Failure('OUTPUT_FAILED', `what was to be printed did not get out: ${why}`, hint)
}
