// What the relay keeps, by which rules: kinds (NIP-01), deletion (NIP-09) and expiration (NIP-40).
import { type Event, tag } from '../../src/nostr/event.ts'
import { tagValues } from './filter.ts'

/** What became of an event. `reason`: the fourth element of the OK; `fresh`: whether subscribers get it. */
export interface StoreVerdict {
  readonly accepted: boolean
  readonly reason: string
  readonly fresh: boolean
}

export interface EventStore {
  /** Takes an event whose signature was verified. `now`: unix seconds. */
  put(event: Event, now: number): StoreVerdict
  /** The events that pass the test and have not expired, newest first, at most `most` of them. */
  find(test: (event: Event) => boolean, now: number, most?: number): Event[]
  clear(): void
}

/** Opens an empty store in memory. */
export function openEventStore(): EventStore {
  const kept = new Map<string, Event>()
  const newest = new Map<string, Event>()
  const deletions: Event[] = []
  let inOrder: Event[] | undefined

  function remove(event: Event): void {
    inOrder = undefined
    kept.delete(event.id)
    const address = addressOf(event)
    if (address !== undefined && newest.get(address)?.id === event.id) newest.delete(address)
  }

  return {
    put(event, now) {
      if (hasExpired(event, now)) return { accepted: false, reason: 'invalid: event expired', fresh: false }
      if (kept.has(event.id)) return { accepted: true, reason: 'duplicate: already have this event', fresh: false }
      if (deletions.some((deletion) => deletes(deletion, event))) {
        return { accepted: false, reason: 'blocked: its deletion was requested', fresh: false }
      }
      if (event.kind >= 20000 && event.kind < 30000) return { accepted: true, reason: '', fresh: true }

      const address = addressOf(event)
      const rival = address === undefined ? undefined : newest.get(address)
      if (rival !== undefined && compareByAge(rival, event) < 0) {
        return { accepted: true, reason: 'duplicate: have a newer event', fresh: false }
      }
      if (rival !== undefined) remove(rival)
      if (address !== undefined) newest.set(address, event)
      if (event.kind === 5) {
        deletions.push(event)
        for (const other of kept.values()) if (deletes(event, other)) remove(other)
      }
      inOrder = undefined
      kept.set(event.id, event)
      return { accepted: true, reason: '', fresh: true }
    },
    find(test, now, most = Number.POSITIVE_INFINITY) {
      // Kept sorted: answers with thousands of events are asked for again and again, and must not take long.
      inOrder ??= [...kept.values()].sort(compareByAge)
      const found: Event[] = []
      for (const event of inOrder) {
        if (found.length >= most) break
        if (test(event) && !hasExpired(event, now)) found.push(event)
      }
      return found
    },
    clear() {
      inOrder = undefined
      kept.clear()
      newest.clear()
      deletions.length = 0
    },
  }
}

/** The order of an answer. NIP-01: "Newer events should appear first, and in the case of ties the event with the lowest id". */
export function compareByAge(a: Event, b: Event): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : 1)
}

/** The address `kind:pubkey:d` (NIP-01) of a kind of which only the latest event is kept; undefined for other kinds. */
function addressOf(event: Event): string | undefined {
  const { kind, pubkey } = event
  if (kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)) return `${kind}:${pubkey}:`
  if (kind < 30000 || kind >= 40000) return undefined
  return `${kind}:${pubkey}:${tag(event, 'd') ?? ''}`
}

function deletes(deletion: Event, event: Event): boolean {
  // NIP-09: "Publishing a deletion request event against a deletion request has no effect."
  if (event.kind === 5) return false
  const own = deletion.pubkey === event.pubkey
  // NIP-59: a wrap's key is random, so the receiver in its p tag may have it deleted.
  const received = event.kind === 1059 && tagValues(event, 'p').includes(deletion.pubkey)
  if ((own || received) && tagValues(deletion, 'e').includes(event.id)) return true
  // NIP-09: by address, all versions up to the created_at of the request.
  const address = addressOf(event)
  return (
    own &&
    address !== undefined &&
    event.created_at <= deletion.created_at &&
    tagValues(deletion, 'a').includes(address)
  )
}

/** Whether an event has expired (NIP-40). An expiration that is no number never comes. */
function hasExpired(event: Event, now: number): boolean {
  const at = tag(event, 'expiration')
  return at !== undefined && Number(at) <= now
}
