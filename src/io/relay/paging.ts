// Reading an answer page by page: what a page held, and whether to ask for another one. Pure.
import type { Filter } from '../../nostr/filter.ts'
import type { Hint, Reason, Refusal } from '../../nostr/messages.ts'
import { matches, numbersIn } from '../../sanitize.ts'
import { tellsTooMany } from './turns.ts'

/** Events that are asked for at a time: strfry's default cap, which most relays share. */
export const DEFAULT_PAGE_LIMIT = 500

/** A page of fewer events, from a relay that gives no hint, is the last one. No relay is known to cap lower. */
const SMALL_PAGE = 50

/** What came for one REQ before its EOSE, events known already among them. Stamps are created_at, Unix seconds. */
export type Page = {
  filter: Filter
  /** Until its EOSE. What comes later, on a live subscription, belongs to no page. */
  open: boolean
  /** Whether its EOSE came. */
  whole: boolean
  ids: Set<string>
  /** How many of the ids no earlier page had. */
  fresh: number
  /** The lowest and the highest stamp. */
  oldest: number
  newest: number
  /** Whether no event was newer than the one before it. */
  ordered: boolean
  /** Events past `until`, which the relay should not have sent. */
  beyond: number
}

/**
 * What follows a page. `second`: the whole page lies in the second `at`, and the relay may have more of that; `below`: the filter for what
 * is older, undefined where nothing older is asked for. `lacking`: why the relay has more that cannot be asked for.
 */
export type NextPage =
  | { type: 'done'; lacking?: string }
  | { type: 'ask'; filter: Filter }
  | { type: 'second'; at: number; below: Filter | undefined }

/** A page before anything has come. */
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

/** What follows a page that has ended (NIP-67 where the relay gives hints). `largest`: the most events that a page of this relay had. */
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
 * The stamp above which all of an answer has come, when this page ended or broke off; events of that very second may still lack. Undefined
 * where it is not known.
 *
 * NIP-01 has relays send newer events first. A relay that has done so up to here is believed, or a connection on which no page ever comes
 * whole would bring the same events forever.
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

/** Limits that are tried where a relay does not take ours and does not name its own. */
const SMALLER_LIMITS = [100, 20]

/** A refusal with one of these reasons is about us, and would be the same for any question. */
const ABOUT_US: ReadonlySet<Reason> = new Set<Reason>(['auth-required', 'rate-limited', 'pow', 'mute', 'unreachable'])

/**
 * How many events to ask a relay for that has refused to be asked for `limit` of them; undefined where its refusal is about something else.
 * Each relay has its own words for it.
 */
export function smallerLimit(limit: number | undefined, { reason, text }: Refusal): number | undefined {
  if (limit === undefined || ABOUT_US.has(reason)) return undefined
  if (tellsTooMany({ reason, text })) return undefined
  const isNamed = matches(text, /limit|too many|at most|max/i)
  if (!isNamed && reason !== 'invalid' && reason !== 'error') return undefined
  const named = isNamed ? numbersIn(text) : []
  return [...named, ...SMALLER_LIMITS].filter((n) => n > 0 && n < limit).sort((a, b) => b - a)[0]
}
