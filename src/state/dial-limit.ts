// Relays that limit how often we connect. Cron, which may come 30 times an hour, connects to such a relay less often than its limit
// allows, whatever comes of it, so that there is room for other commands.

import type { DialLimit, RelayMemory } from './kept-relay.ts'
import { hasPassed } from './retry.ts'
import type { Index } from './state.ts'

/**
 * Seconds between two connections of cron to such a relay: 11.6 an hour, where khatru's own defaults allow 12, and a burst of 100. No
 * hour holds more than 12, also where a run takes a minute from its beginning to its last connection.
 */
const SPACING = 310

/** More connections of one run are not counted: a relay that breaks one after the other would be left alone for too long. */
const MAX_COUNTED = 3

/** Seconds for which a relay is known to limit connections. It may have been set up anew since, and soon shows if not. */
const REMEMBERED = 7 * 24 * 3600

type Memory = Pick<RelayMemory, 'dialLimit'>

/** Whether a relay has limited lately how often we connect. @param now unix seconds */
export function limitsDials(memory: Memory | undefined, now: number): boolean {
  return memory?.dialLimit !== undefined && !hasPassed(memory.dialLimit.at, REMEMBERED, now)
}

/** Until when cron leaves a relay alone that limits connections, unix seconds; undefined where it may go there. */
export function spacedUntil(memory: Memory | undefined, now: number): number | undefined {
  if (memory?.dialLimit === undefined || !limitsDials(memory, now)) return undefined
  const { cron, dials = 1 } = memory.dialLimit
  const spacing = SPACING * Math.min(dials, MAX_COUNTED)
  return hasPassed(cron, spacing, now) ? undefined : cron + spacing
}

/** Whether this run of cron, whose time is `now`, does not go there, as an earlier one did. */
export function isSkippedByCron(memory: Memory | undefined, now: number): boolean {
  return spacedUntil(memory, now) !== undefined && memory?.dialLimit?.cron !== now
}

/** The connections of one run: how many it has made or tried; when the relay refused one, unix milliseconds; and whether cron runs it. */
export type Dialing = { dials: number; refusedAt: number | undefined; unattended: boolean }

/** A relay's limit as it is known after a run; undefined where it has shown none lately. */
export function afterDials(
  held: DialLimit | undefined,
  { dials, refusedAt, unattended }: Dialing,
  now: number,
): DialLimit | undefined {
  const at = refusedAt === undefined ? held?.at : Math.floor(refusedAt / 1000)
  if (at === undefined || hasPassed(at, REMEMBERED, now)) return undefined
  if (!unattended || dials === 0) return { cron: at, ...held, at }
  return { at, cron: now, ...(dials > 1 && { dials }) }
}

/**
 * Minutes until the next presence reaches every relay of `urls`. It is one event for all of them: where one limits connections, and gets
 * it less often, it has to be good for longer at all of them.
 * @param every minutes from one to the next where no relay limits connections
 */
export function presenceEvery(
  { relays }: Pick<Index, 'relays'>,
  urls: readonly string[],
  every: number,
  now: number,
): number {
  const isLimited = urls.some((url) => limitsDials(relays[url], now))
  return isLimited ? every * Math.ceil(SPACING / (60 * every)) : every
}
