// The events of one answer as they come in: known ones skipped, foreign and forged ones dropped, all of it bounded.
import { type Event, eventId, parseEvent } from '../../nostr/event.ts'
import { type Filter, isWithin, matchesFilter } from '../../nostr/filter.ts'
import { countIn, newPage, type Page } from './paging.ts'
import { recentIds } from './recent-ids.ts'
import type { EventFrame, SubscriptionRequest } from './subscription.ts'

/** Where an answer stops, whatever the relay still has. A character of JSON is taken for a byte. Known events count for nothing. */
export type AnswerBounds = { events: number; bytes: number; pages: number }

export const ANSWER_BOUNDS: AnswerBounds = { events: 20_000, bytes: 16 * 1_048_576, pages: 400 }

/** What becomes of an event that was taken: go on, wait until there is room for more, or no more are wanted, and why. */
export type TakeResult = Promise<void> | string | undefined

/** What is done with events. `size` is the length of the frame that brought one. */
export type EventHandling = {
  /** Whether an id is known already. Asked before anything else of its event is looked at. */
  skip?: ((id: string) => boolean) | undefined
  /** Takes what comes before the answer is given, which then holds no events: for more than memory should hold at a time. */
  take?: ((event: Event, size: number) => TakeResult) | undefined
  sift?: Sift | undefined
  /** Takes what comes after the answer was given. */
  onEvent?: ((event: Event, size: number) => void) | undefined
}

/** Of more than is wanted: whether an event is held (asked once of each), and after each page whether no further one is wanted. */
export type Sift = { keep: (event: Event) => boolean; enough: () => boolean }

export type Collector = {
  /** Opens the next page and takes its events. */
  page(filter: Filter): { page: Page; take: SubscriptionRequest['take'] }
  /** When the relay last sent an event for this answer, in `now`'s time; undefined if never. */
  touchedAt(): number | undefined
  /** What came so far, and how much of what came was not what we had asked for. From then on events go to `onEvent`. */
  finish(): { events: Event[]; dropped: number; known: number; newest?: number }
}

export type CollectorContext = {
  bounds: AnswerBounds
  now: () => number
  /** Takes nothing more from the relay until then. */
  hold: (until: Promise<void>) => void
}

/** Collects the events of one answer within its bounds: each once, those that match, and what they come to. */
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
    // Who takes them as they come sees to it that they do not fill the memory; of those that are sifted what is held counts.
    if (take !== undefined || sift !== undefined) return undefined
    sum.bytes += size
    return sum.bytes > bounds.bytes ? `stopped after ${bounds.bytes} bytes` : undefined
  }

  /** The event, when it is what we had asked for and nobody has it yet. */
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

// The attack: a relay that sends us other people's wraps, or junk under the id of a message, so that whoever remembers ids
// takes the message itself for known when another relay brings it. The signature is for those who know the kind.
function verifiedEvent(value: unknown, filter: Filter): Event | undefined {
  const event = parseEvent(value)
  return event && matchesFilter(event, filter) && eventId(event) === event.id ? event : undefined
}

// Of a known event only its time is of interest, and only for paging: a relay that lies there cheats its own answer.
function stampOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('created_at' in value)) return Number.NaN
  return typeof value.created_at === 'number' ? value.created_at : Number.NaN
}
