// Reading a relay's answer page by page: what a page held, and whether to ask for another. Pure.
import type { Filter } from '../../nostr/filter.ts'
import type { Hint, Reason, Refusal } from '../../nostr/messages.ts'
import { matches, numbersIn } from '../../sanitize.ts'
import { tellsTooMany } from './turns.ts'

/** Events asked for at a time: strfry's default cap, which most relays share. */
export const DEFAULT_PAGE_LIMIT = 500

/** A page of fewer events, from a relay that gives no hint, is the last. No relay is known to cap lower. */
const SMALL_PAGE = 50

/** What came for one REQ before its EOSE, events known already among them. Stamps are created_at, Unix seconds. */
export type Page = {
  filter: Filter
  /** Until its EOSE. What comes later, on a live subscription, belongs to no page. */
  open: boolean
  /** Whether its EOSE came. */
  whole: boolean
  ids: Set<string>
  /** How many of them no earlier page had. */
  fresh: number
  /** Bounds of their stamps. */
  oldest: number
  newest: number
  /** Whether none was newer than the one before it. */
  ordered: boolean
  /** Events past `until`, which the relay should not have sent. */
  beyond: number
}

/**
 * What follows a page. `second`: all of the page lies in that one second, and the relay may have more of it; `below` is what
 * comes after it, if anything does. `lacking`: the relay has more and there is no way to ask for it, and why.
 */
export type NextPage =
  | { type: 'done'; lacking?: string }
  | { type: 'ask'; filter: Filter }
  | { type: 'second'; at: number; below: Filter | undefined }

/** A page of which nothing has come yet. */
export function newPage(filter: Filter): Page {
  const bounds = { oldest: Number.POSITIVE_INFINITY, newest: 0 }
  return { filter, open: true, whole: false, ids: new Set(), fresh: 0, ...bounds, ordered: true, beyond: 0 }
}

/** Counts an event that matches the page's filter. */
export function countIn(page: Page, id: string, createdAt: number, isFresh: boolean): void {
  if (!page.open || page.ids.has(id)) return
  page.ids.add(id)
  if (isFresh) page.fresh += 1
  if (createdAt > page.oldest) page.ordered = false
  page.oldest = Math.min(page.oldest, createdAt)
  page.newest = Math.max(page.newest, createdAt)
}

/** What follows a page that has ended. `largest` is the most events that a page of this relay has had. */
export function pageAfter(page: Page, hint: Hint | undefined, largest: number): NextPage {
  const size = page.ids.size
  if (page.beyond > 0) return { type: 'done', lacking: 'the relay ignores until, so older events cannot be asked for' }
  // NIP-67: after "finish" "the client SHOULD NOT paginate"; without a hint it goes on from the oldest created_at.
  if (hint === 'finish' || (hint === undefined && size < SMALL_PAGE)) return { type: 'done' }
  // To ask for the same second once more would bring the same events.
  if (size >= largest && isOneSecond(page)) return { type: 'second', at: page.oldest, below: belowSecond(page) }
  // Inclusive, because other events may share that second. They come again and are known by their ids.
  if (page.fresh > 0) return { type: 'ask', filter: { ...page.filter, until: page.oldest } }
  return hint === 'more'
    ? { type: 'done', lacking: 'the relay says that it has more and does not send it' }
    : { type: 'done' }
}

/**
 * Down to which stamp all of an answer has come, when this page ended or broke off: what is newer is here, and what is as old
 * may not be. Undefined where that is unknown.
 *
 * NIP-01 has relays send "newer events" first. One that has done so up to here is taken at its word, or a connection on which no page
 * ever comes whole would bring the same events forever.
 */
export function reachedByPage(page: Page): number | undefined {
  const isTold = page.ids.size > 0 && page.beyond === 0 && (page.ordered || page.whole)
  return isTold ? page.oldest : page.filter.until
}

function isOneSecond(page: Page): boolean {
  return page.ids.size > 0 && page.oldest === page.filter.until && page.newest === page.filter.until
}

// NIP-67, ties: more events of one second than the relay sends at a time.
function belowSecond({ filter, oldest }: Page): Filter | undefined {
  const until = oldest - 1
  return until < (filter.since ?? 0) ? undefined : { ...filter, until }
}

/** Limits to fall back to where a relay does not take ours and does not name its own. */
const SMALLER_LIMITS = [100, 20]

/** A no of these kinds is about us, and would be the same to any question. */
const ABOUT_US: ReadonlySet<Reason> = new Set<Reason>(['auth-required', 'rate-limited', 'pow', 'mute', 'unreachable'])

/**
 * For how many events to ask a relay that would not be asked for `limit` of them; undefined where its no is about something
 * else. Relays word it as they like, and some say nothing.
 */
export function smallerLimit(limit: number | undefined, { reason, text }: Refusal): number | undefined {
  if (limit === undefined || ABOUT_US.has(reason)) return undefined
  if (tellsTooMany({ reason, text })) return undefined
  const isNamed = matches(text, /limit|too many|at most|max/i)
  if (!isNamed && reason !== 'invalid' && reason !== 'error') return undefined
  const named = isNamed ? numbersIn(text) : []
  return [...named, ...SMALLER_LIMITS].filter((n) => n > 0 && n < limit).sort((a, b) => b - a)[0]
}
