// Reading what was typed: text that is neither empty nor endless, whole numbers, words of a list.
import { EXIT, Failure } from '../errors.ts'
import type { Args } from './command.ts'

/** A text as typed, or what stdin held for "-". Throws TEXT_EMPTY. */
export function wordsArgument(args: Args, name: string): string {
  const typed = optionalText(args, name)
  const text = typed === '-' && args.input !== undefined ? decodeUtf8(args.input) : typed
  if (text.trim() === '')
    throw new Failure('TEXT_EMPTY', EXIT.usage, `the ${name} is empty`, 'say something, in quotes')
  return text
}

/** A text that may be left out. */
export function optionalText(args: Args, name: string): string {
  const value = args[name]
  return typeof value === 'string' ? value : ''
}

/** A number of seconds; undefined when the option is not there. Throws USAGE. */
export function secondsOption(args: Args, name: string, preset: number): number | undefined {
  const value = args[name]
  if (value === undefined) return undefined
  if (value === '' || value === true) return preset
  const number = Number(value)
  if (Number.isFinite(number) && number >= 0 && number <= 86_400) return number
  throw new Failure('USAGE', EXIT.usage, `${name} takes a number of seconds from 0 to 86400`, 'for example 60')
}

export function flagOption(args: Args, name: string): boolean {
  return args[name] === true
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // One line break at the end is the shell's, not the author's.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new Failure(
      'TEXT_NOT_UTF8',
      EXIT.usage,
      'what came on stdin is no UTF-8 text',
      '`p2p sendfile <name> -` sends bytes',
    )
  }
}
