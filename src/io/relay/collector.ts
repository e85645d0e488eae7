// Collects the events of one answer: skips known ones, drops those that were not asked for or are forged, and bounds all of it.
import { type Event, eventId, parseEvent } from '../../nostr/event.ts'
import { type Filter, isWithin, matchesFilter } from '../../nostr/filter.ts'
import { countIn, newPage, type Page } from './paging.ts'
import { recentIds } from './recent-ids.ts'
import type { EventFrame, SubscriptionRequest } from './subscription.ts'

/** Where an answer stops, whatever the relay still has. A character of JSON counts as a byte, and known events do not count. */
export type AnswerBounds = { events: number; bytes: number; pages: number }

export const ANSWER_BOUNDS: AnswerBounds = { events: 20_000, bytes: 16 * 1_048_576, pages: 400 }

/** What follows when an event was taken: undefined: go on; a promise: wait for it; a text: no more are wanted, and why. */
export type TakeResult = Promise<void> | string | undefined

/** What is done with events. `size`: characters of the frame that brought one. */
export type EventHandling = {
  /** Whether an id is known already. Asked before anything else in the event is looked at. */
  skip?: ((id: string) => boolean) | undefined
  /** Takes events that come before the answer is given, which then holds none: for more than memory should hold at a time. */
  take?: ((event: Event, size: number) => TakeResult) | undefined
  sift?: Sift | undefined
  /** Takes events that come after the answer was given. */
  onEvent?: ((event: Event, size: number) => void) | undefined
}

/** For answers of which only a part is wanted. `keep`: whether to hold an event, asked once; `enough`: whether to end after a page. */
export type Sift = { keep: (event: Event) => boolean; enough: () => boolean }

export type Collector = {
  /** Opens the next page and takes its events. */
  page(filter: Filter): { page: Page; take: SubscriptionRequest['take'] }
  /** When the relay last sent an event for this answer, in the time of `now`; undefined for never. */
  touchedAt(): number | undefined
  /** Gives what has come; later events go to `onEvent`. `dropped`: how many were not asked for, or forged; `known`: how many were known. */
  finish(): { events: Event[]; dropped: number; known: number; newest?: number }
}

export type CollectorContext = {
  bounds: AnswerBounds
  now: () => number
  /** Reads nothing more from the relay until the promise resolves. */
  hold: (until: Promise<void>) => void
}

/** Opens a collector for one answer: it takes each matching event once, within the bounds. */
export function openCollector({ skip, take, sift, onEvent }: EventHandling, context: CollectorContext): Collector {
  const { bounds, now, hold } = context
  const events: Event[] = []
  // A live subscription may stay open for weeks.
  const seen = recentIds(2 * bounds.events)
  const sum = { events: 0, bytes: 0, dropped: 0, known: 0, newest: 0, given: false }
  let touchedAt: number | undefined

  function hear(page: Page, frame: EventFrame, size: number): string | undefined {
    touchedAt = now()
    const isNew = !seen.has(frame.id) && !skip?.(frame.id)
    const spent = isNew && page.open ? spend(size) : undefined
    if (spent !== undefined) return spent
    const event = admit(page, frame, isNew)
    if (event === undefined) return undefined
    if (sum.given) {
      onEvent?.(event, size)
      return undefined
    }
    if (sift !== undefined) {
      if (!sift.keep(event)) return undefined
      sum.bytes += size
      if (sum.bytes > bounds.bytes) return `stopped after ${bounds.bytes} bytes`
    }
    const taken = take === undefined ? void events.push(event) : take(event, size)
    if (typeof taken === 'string') return taken
    if (taken !== undefined) hold(taken)
    return undefined
  }

  function spend(size: number): string | undefined {
    sum.events += 1
    if (sum.events > bounds.events) return `stopped after ${bounds.events} events`
    // `take` sees to it that events do not fill the memory; of sifted events only those that are held count.
    if (take !== undefined || sift !== undefined) return undefined
    sum.bytes += size
    return sum.bytes > bounds.bytes ? `stopped after ${bounds.bytes} bytes` : undefined
  }

  /** The event, where it was asked for and is new. */
  function admit(page: Page, { id, event: value }: EventFrame, isNew: boolean): Event | undefined {
    const stamp = stampOf(value)
    if (stamp > (page.filter.until ?? Number.POSITIVE_INFINITY)) page.beyond += 1
    const isFresh = !seen.has(id)
    const event = isNew ? verifiedEvent(value, page.filter) : undefined
    if (!isWithin(stamp, page.filter) || (isNew && !event)) {
      sum.dropped += 1
      return undefined
    }
    seen.add(id)
    sum.known += isFresh && !isNew ? 1 : 0
    sum.newest = Math.max(sum.newest, stamp)
    countIn(page, id, stamp, isFresh)
    return event
  }

  return {
    page(filter) {
      const page = newPage(filter)
      return { page, take: (frame, size) => hear(page, frame, size) }
    },
    touchedAt: () => touchedAt,
    finish() {
      sum.given = true
      const { dropped, known, newest } = sum
      return { events, dropped, known, ...(newest > 0 && { newest }) }
    },
  }
}

// The attack: a relay sends us other people's wraps, or junk under the id of a message, so that the message itself counts as known when
// another relay brings it. Signatures are verified later, by code that knows the kind.
function verifiedEvent(value: unknown, filter: Filter): Event | undefined {
  const event = parseEvent(value)
  return event && matchesFilter(event, filter) && eventId(event) === event.id ? event : undefined
}

// Of a known event only the created_at is used, and only for paging: a relay that lies there spoils only its own answer.
function stampOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('created_at' in value)) return Number.NaN
  return typeof value.created_at === 'number' ? value.created_at : Number.NaN
}
