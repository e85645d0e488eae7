// `--max-chars`: how much of a transcript is printed.
import { MOST } from '../../call/transcript/excerpt.ts'
import { EXIT, Failure } from '../../errors.ts'
import { optionalText } from '../args.ts'
import type { Args } from '../command.ts'

export const MAX_CHARS = {
  type: 'string',
  describe: `print about so many characters of it (${MOST}); 0 for all of it`,
} as const

/** Throws USAGE. */
export function maxCharsOption(args: Args, preset = MOST): number {
  const text = optionalText(args, 'max-chars').trim()
  if (text === '') return preset
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Failure('USAGE', EXIT.usage, '--max-chars takes a number of characters, 0 for all', '')
}
