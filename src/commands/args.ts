// Reads what was typed: texts, numbers, flags, `--wait` and `--settle`, `--max-chars`, and the days of `--since` and `--until`.

import type { WaitWish } from '../call/intent.ts'
import { MAX_EXCERPT_CHARS } from '../call/transcript/excerpt.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { inputText } from '../input-text.ts'
import type { Wait } from '../run/needs.ts'
import type { Args, InputRequest } from './command.ts'

/** A text as typed, or what stdin held for "-". Throws TEXT_EMPTY. */
export function wordsArgument(args: Args, name: string): string {
  const text = spokenText(args, name)
  if (text.trim() === '')
    throw new Failure('TEXT_EMPTY', `the ${name} is empty`, EMPTY[name] ?? 'say something, in quotes')
  return text
}

/** The hint for an empty argument that is no text to say. */
const EMPTY: Readonly<Record<string, string>> = {
  agent: `\`${P2P} list\` shows who is on line, \`${P2P} contacts\` whom you know`,
  'call-id': `\`${P2P} transcript\` lists the calls there are`,
  name: `\`${P2P} sendfile <path>\` sends a file`,
}

/** A text that may be left out, which gives "". */
export function optionalText(args: Args, name: string): string {
  const value = args[name]
  return typeof value === 'string' ? value : ''
}

/** A text that may be left out; "-" is what came on stdin. */
export function spokenText(args: Args, name: string): string {
  const typed = optionalText(args, name)
  return typed === '-' && args.input !== undefined ? stdinText(args.input) : typed
}

/** Asks for stdin where one of these texts is "-": between double quotes a shell changes "$100". */
export function stdinFor(...names: string[]): (args: Args) => InputRequest | undefined {
  return (args) => (names.some((name) => optionalText(args, name) === '-') ? { from: 'stdin', as: 'text' } : undefined)
}

/**
 * The seconds of an option, from 0 to a day: `defaultValue` where it has no number, undefined without the option. Throws USAGE.
 */
export function secondsOption(args: Args, name: string, defaultValue: number): number | undefined {
  const value = args[name]
  if (value === undefined) return undefined
  if (value === '' || value === true) return defaultValue
  const number = Number(value)
  if (Number.isFinite(number) && number >= 0 && number <= 86_400) return number
  throw new Failure('USAGE', `${name} takes a number of seconds from 0 to 86400`, 'for example 60')
}

/** Seconds that a command stays unless told otherwise: tools that run commands often kill them after 60. */
export const WAIT_SECONDS = 45

const SETTLE_SECONDS = 1

/** `--wait` and `--settle`, for a command that can stay. @param until what it waits for, put after "until" */
export function waitOptions(until: string) {
  return {
    wait: { type: 'string', describe: `stay until ${until}, at most that many seconds (${WAIT_SECONDS})` },
    settle: SETTLE,
  } as const
}

export const SETTLE = {
  type: 'string',
  describe: `seconds to stay for more after the last thing that came (${SETTLE_SECONDS})`,
} as const

/** `--wait` and `--settle` in seconds; `wait` is undefined without --wait. Throws USAGE. */
export function stayOption(args: Args): { wait: number | undefined; settle: number } {
  return { wait: secondsOption(args, 'wait', WAIT_SECONDS), settle: settleOption(args) }
}

/** The wait of a command that has said something in a call; undefined without --wait. */
export function replyWait({ wait, settle = 0 }: WaitWish): Wait | undefined {
  return wait === undefined ? undefined : { type: 'reply', seconds: wait, settle }
}

/** `--settle`: seconds that a wait goes on after the last item of a burst. Throws USAGE. */
export function settleOption(args: Args): number {
  return secondsOption(args, 'settle', SETTLE_SECONDS) ?? SETTLE_SECONDS
}

/** Whether a flag was typed. */
export function flagOption(args: Args, name: string): boolean {
  return args[name] === true
}

function stdinText(bytes: Uint8Array): string {
  const { text, wrong } = inputText('file', bytes)
  // A line break at the end comes from the shell, not from the author.
  if (text !== undefined) return text.replace(/\r?\n$/, '')
  const hint = `\`${P2P} sendfile <name> -\` sends bytes`
  throw new Failure('TEXT_NOT_UTF8', `what came on stdin ${wrong}`, hint)
}

export const MAX_CHARS = {
  type: 'string',
  describe: `print about so many characters of it (${MAX_EXCERPT_CHARS}); 0 for all of it`,
} as const

/** `--max-chars`: how many characters to print, 0 for all; `defaultValue` without the option. Throws USAGE. */
export function maxCharsOption(args: Args, defaultValue = MAX_EXCERPT_CHARS): number {
  const text = optionalText(args, 'max-chars').trim()
  if (text === '') return defaultValue
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Failure('USAGE', '--max-chars takes a number of characters, 0 for all', 'for example --max-chars 5000')
}

/** `--since` and `--until` in unix seconds, both included; undefined where not typed. Throws USAGE. */
export function periodOptions(args: Args): { since: number | undefined; until: number | undefined } {
  const since = momentOption(args, 'since')
  const until = momentOption(args, 'until')
  if (since !== undefined && until !== undefined && since > until)
    throw new Failure('USAGE', '--since is later than --until', 'swap the two')
  return { since, until }
}

function momentOption(args: Args, name: 'since' | 'until'): number | undefined {
  const text = optionalText(args, name).trim()
  if (text === '') return undefined
  const at = /^\d{1,11}$/.test(text) ? Number(text) : parseDate(text, name === 'until' ? END_OF_DAY : 0)
  if (at !== undefined) return at
  throw new Failure(
    'USAGE',
    `--${name} "${text.slice(0, 40)}" is no date`,
    'a day (2026-07-31), a moment (2026-07-31T09:30Z; without a zone it is UTC) or unix seconds',
  )
}

/** A day in --until reaches to its last second. */
const END_OF_DAY = 24 * 3600 - 1

function parseDate(text: string, last: number): number | undefined {
  const [, day = '', clock, zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?(Z|[+-]\d{2}:\d{2})?$/i.exec(text) ?? []
  const midnight = Date.parse(`${day}T00:00Z`)
  // Date.parse takes the 30th of February for the 2nd of March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined
  const ms = Date.parse(`${day}T${clock ?? '00:00'}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : ms / 1000 + (clock === undefined ? last : 0)
}
