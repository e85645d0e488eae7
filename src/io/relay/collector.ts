// The events of one answer as they come in: known ones skipped, foreign and forged ones dropped, all of it bounded.
import { type Event, eventId, parseEvent } from '../../nostr/event.ts'
import { type Filter, matches, within } from '../../nostr/filter.ts'
import { recentIds } from './live.ts'
import { countIn, newPage, type Page } from './paging.ts'
import type { EventFrame, SubscriptionRequest } from './subscription.ts'

/** Where an answer stops, whatever the relay still has. A character of JSON is taken for a byte. */
export type AnswerBounds = { events: number; bytes: number; pages: number }

export const answerBounds: AnswerBounds = { events: 20_000, bytes: 64 * 1_048_576, pages: 400 }

/** What is done with events. `size` is the length of the frame that brought one. */
export type EventHandling = {
  /** Whether an id is known already. Asked before anything else of its event is looked at. */
  skip?: ((id: string) => boolean) | undefined
  /** Takes what comes after the answer was given. */
  onEvent?: ((event: Event, size: number) => void) | undefined
}

export type Collector = {
  /** Opens the next page and takes its events. */
  page(filter: Filter): { page: Page; take: SubscriptionRequest['take'] }
  /** Whether the relay has sent anything at all for this answer. */
  touched(): boolean
  /** What came so far, and how much of what came was not what we had asked for. From then on events go to `onEvent`. */
  give(): { events: Event[]; dropped: number; known: number }
}

export function openCollector({ skip, onEvent }: EventHandling, most: AnswerBounds): Collector {
  const events: Event[] = []
  // A live subscription may stay open for weeks.
  const seen = recentIds(2 * most.events)
  const sum = { events: 0, bytes: 0, dropped: 0, known: 0, touched: false, given: false }

  function take(page: Page, frame: EventFrame, size: number): string | undefined {
    sum.touched = true
    if (page.open) {
      sum.bytes += size
      if (sum.bytes > most.bytes) return `stopped after ${most.bytes} bytes`
      if (sum.events >= most.events) return `stopped after ${most.events} events`
    }
    const event = admit(page, frame)
    if (event && sum.given) onEvent?.(event, size)
    else if (event) events.push(event)
    return undefined
  }

  /** The event, when it is what we had asked for and nobody has it yet. */
  function admit(page: Page, { id, event: value }: EventFrame): Event | undefined {
    const stamp = claimedStamp(value)
    if (stamp > (page.filter.until ?? Number.POSITIVE_INFINITY)) page.beyond += 1
    const isFresh = !seen.has(id)
    const isNew = isFresh && !skip?.(id)
    const event = isNew ? verifiedEvent(value, page.filter) : undefined
    if (!within(stamp, page.filter) || (isNew && !event)) {
      sum.dropped += 1
      return undefined
    }
    seen.add(id)
    sum.events += isFresh ? 1 : 0
    sum.known += isFresh && !isNew ? 1 : 0
    countIn(page, id, stamp, isFresh)
    return event
  }

  return {
    page(filter) {
      const page = newPage(filter)
      return { page, take: (frame, size) => take(page, frame, size) }
    },
    touched: () => sum.touched,
    give() {
      sum.given = true
      return { events, dropped: sum.dropped, known: sum.known }
    },
  }
}

// The attack: a relay that sends us other people's wraps, or junk under the id of a message, so that whoever remembers ids
// takes the message itself for known when another relay brings it. The signature is for those who know the kind.
function verifiedEvent(value: unknown, filter: Filter): Event | undefined {
  const event = parseEvent(value)
  return event && matches(event, filter) && eventId(event) === event.id ? event : undefined
}

// Of a known event only its time is of interest, and only for paging: a relay that lies there cheats its own answer.
function claimedStamp(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('created_at' in value)) return Number.NaN
  return typeof value.created_at === 'number' ? value.created_at : Number.NaN
}
