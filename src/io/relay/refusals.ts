// What relays have shown that they do not take, in this run and before: when they want to be left alone, how large a message may be, and
// how many questions may be open.
import type { Refusal } from '../../nostr/messages.ts'
import { FIRST_REST, secondsIn } from '../../nostr/rate-limit.ts'
import { type Foreign, foreign, matches } from '../../sanitize.ts'
import type { Rebuff, RelayFacts, RelayObservation } from '../../state/relay-memory.ts'

export type Refusals = {
  setKnownLimits(facts: ReadonlyMap<string, RelayFacts>): void
  /** Why a relay is left alone now, for questions or for events, and until when, Unix ms; undefined where it is not. */
  barred(url: string, what: 'read' | 'write'): (Refusal & { until: number }) | undefined
  /** No other relay is left: ends the rest of this one, unless it named the time itself or has refused us in this run. */
  liftRest(url: string): void
  recordRebuff(url: string, rebuff: Rebuff): void
  /** The relay said `rate-limited:` until time was up. `only`: for which of the two it is left alone. */
  recordRateLimited(url: string, only: 'read' | 'write', text: Foreign): void
  /** Why a relay does not take a message of `size` bytes; undefined where it may. */
  tooLarge(url: string, size: number): Refusal | undefined
  /** The relay has taken a message of that size. */
  recordAccepted(url: string, size: number): void
  /** The relay has closed the connection on a message of that size. */
  recordClosedOn(url: string, size: number): void
  /** How many questions a relay answers at a time; undefined where that is not known. */
  subscriptions(url: string): number | undefined
  /** The relay has shown that it answers this many questions at a time. */
  recordLimit(url: string, subscriptions: number): void
  /** What this run has found out about a relay. */
  found(url: string): Findings
}

type Findings = Pick<RelayObservation, 'rebuff' | 'frame' | 'took' | 'subscriptions'>

const LEFT_ALONE = 'left alone'
const LEFT_ALONE_AGAIN = /^left alone/

/** The smallest limit, in bytes, that a relay is assumed to have. */
const SMALLEST_FRAME = 4_096

/**
 * A memory of what relays refuse, empty at first.
 * @param now Unix milliseconds
 */
export function openRefusals(now: () => number): Refusals {
  const facts = new Map<string, RelayFacts>()
  const found = new Map<string, Findings>()
  const largest = new Map<string, number>()
  const note = (url: string, one: Findings) => void found.set(url, { ...found.get(url), ...one })

  const recordRebuff = (url: string, rebuff: Rebuff) => {
    note(url, { rebuff })
    const { why, only } = rebuff
    const { seconds = FIRST_REST[only ?? 'read'] } = rebuff
    const backoff = { until: now() + 1000 * seconds, why, firm: rebuff.seconds !== undefined, ...(only && { only }) }
    facts.set(url, { ...facts.get(url), backoff })
  }

  const barred: Refusals['barred'] = (url, what) => {
    const backoff = facts.get(url)?.backoff
    if (backoff === undefined || backoff.until <= now() || (backoff.only ?? what) !== what) return undefined
    const seconds = Math.ceil((backoff.until - now()) / 1000)
    return {
      reason: 'rate-limited',
      text: foreign`${LEFT_ALONE} for ${seconds} s more: ${backoff.why}`,
      until: backoff.until,
    }
  }

  return {
    setKnownLimits(known) {
      for (const [url, one] of known) facts.set(url, one)
    },
    barred,
    liftRest(url) {
      const one = facts.get(url)
      // What the relay has said in this run holds for this run.
      if (one?.backoff?.firm === false && !found.get(url)?.rebuff) facts.set(url, { ...one, backoff: undefined })
    },
    recordRebuff,
    recordRateLimited(url, only, why) {
      // This text is our own, of a message that was never sent: the relay has said nothing.
      if (facts.get(url)?.backoff !== undefined && matches(why, LEFT_ALONE_AGAIN)) return
      const seconds = secondsIn(why)
      recordRebuff(url, { at: now(), why, only, ...(seconds !== undefined && { seconds }) })
    },
    tooLarge(url, size) {
      const maxSize = facts.get(url)?.frame
      if (maxSize === undefined || size <= maxSize) return undefined
      return { reason: 'too-large', text: foreign`too large for this relay: ${size} bytes, and it takes ${maxSize}` }
    },
    recordAccepted(url, size) {
      largest.set(url, Math.max(size, largest.get(url) ?? 0))
      note(url, { took: now() })
    },
    recordClosedOn(url, size) {
      // Limits are round, so that the real one is found in a few steps, and not by a lost connection for every message.
      const frame = Math.max(2 ** Math.floor(Math.log2(size - 1)), largest.get(url) ?? 0, SMALLEST_FRAME)
      if (frame >= size) return
      note(url, { frame })
      facts.set(url, { ...facts.get(url), frame })
    },
    subscriptions: (url) => facts.get(url)?.subscriptions,
    recordLimit(url, subscriptions) {
      note(url, { subscriptions })
      facts.set(url, { ...facts.get(url), subscriptions })
    },
    found: (url) => found.get(url) ?? {},
  }
}
