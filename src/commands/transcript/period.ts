// `--since` and `--until`: days, moments or unix seconds.
import { EXIT, Failure } from '../../errors.ts'
import { optionalText } from '../args.ts'
import type { Args } from '../command.ts'

/** Unix seconds, both included; undefined for what was not given. Throws USAGE. */
export function periodOptions(args: Args): { since: number | undefined; until: number | undefined } {
  const since = momentOption(args, 'since')
  const until = momentOption(args, 'until')
  if (since !== undefined && until !== undefined && since > until)
    throw new Failure('USAGE', EXIT.usage, '--since is later than --until', '')
  return { since, until }
}

function momentOption(args: Args, name: 'since' | 'until'): number | undefined {
  const text = optionalText(args, name).trim()
  if (text === '') return undefined
  const at = /^\d{1,11}$/.test(text) ? Number(text) : parseDate(text, name === 'until' ? END_OF_DAY : 0)
  if (at !== undefined) return at
  throw new Failure(
    'USAGE',
    EXIT.usage,
    `--${name} "${text.slice(0, 40)}" is no date`,
    'a day (2026-07-31), a moment (2026-07-31T09:30Z; without a zone it is UTC) or unix seconds',
  )
}

/** A day reaches until its last second. */
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
