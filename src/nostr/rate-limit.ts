// NIP-01's `rate-limited:`, HTTP's 429 and whatever else asks us to come back later: for how long a relay is left alone.
import type { Foreign } from '../sanitize.ts'

/**
 * Seconds for which a relay that names no time is left alone: `read` with questions, `write` with what we publish. The latter is shorter,
 * since a limit on publishing is over within seconds, and what is owed may have no other way.
 */
export const FIRST_REST = { read: 30, write: 5 } as const

const UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The seconds that a relay names in words of its own ("retry in 30 seconds"); undefined where it names none. */
export function secondsIn(text: Foreign): number | undefined {
  const [, count, unit = ''] =
    /(?<!\d)(\d{1,6}) ?(s|m|h|secs?|seconds?|mins?|minutes?|hours?)\b/i.exec(String(text)) ??
    ([] as (string | undefined)[])
  return count === undefined ? undefined : Number(count) * (UNIT[unit[0]?.toLowerCase() ?? ''] ?? 1)
}

/**
 * The seconds of a Retry-After header (RFC 9110, 10.2.3), by our clock where it is a date; undefined where it makes no sense.
 * @param now Unix milliseconds
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000)
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}
