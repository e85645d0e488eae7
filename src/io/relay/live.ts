// What comes after the answers: a queue of live events, and when to ask again where a subscription was lost.
import type { Event } from '../../nostr/event.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import { abortAfter, beforeAbort, deferred } from '../timers.ts'
import { recentIds } from './recent-ids.ts'

export type LiveEvent = { event: Event; relay: string }

/** Pauses before asking again, in ms: doubled from the first up to the longest. */
export type Backoff = { firstMs: number; longestMs: number }

export type LiveSubscriptions = {
  /** Queues an event, unless it was delivered before. `size`: characters of its JSON. */
  arrived(arrival: LiveEvent, size: number): void
  /** Remembers an event that the caller has got in another way. */
  delivered(event: Event): void
  /**
   * A subscription that began at `since` (Unix ms) was lost: calls `again` after a pause, unless the relay's refusal is final. One that was
   * never asked for, since the relay is left alone until `until` (Unix ms), does not count as a failure.
   */
  lost(refusal: Refusal & { until?: number }, since: number, failures: number, again: (failures: number) => void): void
  /** Gives all that is queued, as soon as there is something; nothing at the deadline (Unix ms) or when closed. */
  next(deadline: number): Promise<LiveEvent[]>
  close(): void
}

// Most ids that are remembered, and most bytes that are queued for a caller who does not fetch them.
const MAX_IDS = 20_000
const MAX_QUEUED_BYTES = 64 * 1_048_576

/** A subscription that lasted longer than this many ms was no failure: a relay that was restarted is asked again at once. */
const HELD_MS = 5_000

// NIP-42: `restricted` is for a key that "is still not allowed". To ask again does not help with the others either.
const FINAL_REASONS: ReadonlySet<Reason> = new Set<Reason>(['restricted', 'blocked', 'invalid', 'pow'])

/** Opens the queue of live events. `now`: Unix ms. Each event is given once, however often its subscription was opened anew. */
export function openLiveSubscriptions(
  now: () => number,
  retry: Backoff,
  random: () => number = Math.random,
): LiveSubscriptions {
  const known = recentIds(MAX_IDS)
  const timers = new Set<NodeJS.Timeout>()
  const closed = new AbortController()
  let queue: LiveEvent[] = []
  let queued = 0
  let bell = deferred<void>()

  // Half of the pause is random, so that not everybody comes back to a relay at the same moment.
  function pause(failures: number, held: boolean): number {
    if (held) return (retry.firstMs * random()) / 2
    const pauseMs = Math.min(retry.longestMs, retry.firstMs * 2 ** failures)
    return Math.max(retry.firstMs, pauseMs * (0.5 + random() / 2))
  }

  return {
    arrived(arrival, size) {
      const name = eventKey(arrival.event)
      // Beyond the bound an event is left out and not remembered: the next read of the mailbox brings it.
      if (known.has(name) || queued + size > MAX_QUEUED_BYTES) return
      known.add(name)
      queue.push(arrival)
      queued += size
      bell.resolve()
    },
    delivered: (event) => known.add(eventKey(event)),
    lost({ reason, until }, since, failures, again) {
      if (closed.signal.aborted || FINAL_REASONS.has(reason)) return
      const held = now() - since > HELD_MS
      const [wait, count] =
        until === undefined
          ? [pause(failures, held), held ? 0 : failures + 1]
          : [until - now() + retry.firstMs * random(), failures]
      const timer = setTimeout(() => {
        timers.delete(timer)
        again(count)
      }, wait)
      timers.add(timer)
    },
    async next(deadline) {
      const stop = abortAfter(deadline - now(), closed.signal)
      if (queue.length === 0) await beforeAbort(stop.signal, bell.promise)
      stop.clear()
      const arrivals = queue
      queue = []
      queued = 0
      bell = deferred()
      return arrivals
    },
    close() {
      for (const timer of timers) clearTimeout(timer)
      closed.abort()
    },
  }
}

// With the signature. The attack: a copy with a bad signature is sent first, so that the good one counts as known. The id was checked to be
// the hash of the rest.
function eventKey({ id, sig }: Event): string {
  return id + sig
}
