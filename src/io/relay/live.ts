// What comes after the answers: a queue of live events, and the patience to ask again where a subscription was lost.
import type { Event } from '../../nostr/event.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import { abortAfter, beforeAbort, deferred } from '../timers.ts'
import { recentIds } from './recent-ids.ts'

export type LiveEvent = { event: Event; relay: string }

/** Pauses before asking again: doubled from the first to the longest, in milliseconds. */
export type Backoff = { firstMs: number; longestMs: number }

export type LiveSubscriptions = {
  /** Queues an event, unless it was delivered before. `size` is its length as JSON. */
  arrived(arrival: LiveEvent, size: number): void
  /** Was given to the caller in another way. */
  delivered(event: Event): void
  /**
   * A subscription that began at `since` was lost: `again` is called after a pause, unless the relay's no was final. One that was not
   * asked for, since the relay is left alone `until` then (Unix ms), is no failure.
   */
  lost(refusal: Refusal & { until?: number }, since: number, failures: number, again: (failures: number) => void): void
  /** All that is queued, as soon as there is something; nothing at the deadline (Unix ms) or when closed. */
  next(deadline: number): Promise<LiveEvent[]>
  close(): void
}

// So many ids are remembered, and so much is queued for a caller who does not come back for it.
const MAX_IDS = 20_000
const MAX_QUEUED_BYTES = 64 * 1_048_576

/** A subscription that held so long, in ms, was no failure: a relay that is restarted is asked again at once. */
const HELD_MS = 5_000

// NIP-42: restricted is for who "is still not allowed". The others do not get better by being asked again either.
const FINAL_REASONS: ReadonlySet<Reason> = new Set<Reason>(['restricted', 'blocked', 'invalid', 'pow'])

/**
 * Subscriptions that outlive their connection: each is opened anew, after a pause that grows, and gives every event once.
 */
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

  // Half the pause is certain and half is random, so that a relay that comes back is not met by everybody at once.
  function pause(failures: number, held: boolean): number {
    if (held) return (retry.firstMs * random()) / 2
    const pauseMs = Math.min(retry.longestMs, retry.firstMs * 2 ** failures)
    return Math.max(retry.firstMs, pauseMs * (0.5 + random() / 2))
  }

  return {
    arrived(arrival, size) {
      const name = eventKey(arrival.event)
      // Over the bound it is left out and not remembered: the relays have it, and the next replay brings it.
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

// The attack: a copy with a spoilt signature, sent first so that the good one is taken for known. The id is the hash of
// the rest, which was checked when it came.
function eventKey({ id, sig }: Event): string {
  return id + sig
}
