// Reading a relay's answer page by page: what a page held, and whether to ask for another. Pure.
import type { Filter } from '../../nostr/filter.ts'
import type { Hint } from '../../nostr/messages.ts'

/** Events asked for at a time: strfry's default cap, which most relays share. */
export const defaultPageLimit = 500

/** A page of fewer events, from a relay that gives no hint, is the last. No relay is known to cap lower. */
export const smallPage = 50

/** What came for one REQ before its EOSE, events known already among them. */
export type Page = {
  filter: Filter
  /** Until its EOSE. What comes later, on a live subscription, belongs to no page. */
  open: boolean
  ids: Set<string>
  /** How many of them no earlier page had. */
  fresh: number
  /** Bounds of their created_at. */
  oldest: number
  newest: number
  /** Events past `until`, which the relay should not have sent. */
  beyond: number
}

/** `hole`: something may be missing from here on, and why. */
export type NextPage = { type: 'done'; hole?: string } | { type: 'ask'; filter: Filter; hole?: string }

export function newPage(filter: Filter): Page {
  return { filter, open: true, ids: new Set(), fresh: 0, oldest: Number.POSITIVE_INFINITY, newest: 0, beyond: 0 }
}

/** Counts an event that matches the page's filter. */
export function countIn(page: Page, id: string, createdAt: number, isFresh: boolean): void {
  if (!page.open || page.ids.has(id)) return
  page.ids.add(id)
  if (isFresh) page.fresh += 1
  page.oldest = Math.min(page.oldest, createdAt)
  page.newest = Math.max(page.newest, createdAt)
}

/** What follows a page. `largest` is the most events that a page of this relay has had. */
export function pageAfter(page: Page, hint: Hint | undefined, largest: number): NextPage {
  const size = page.ids.size
  if (page.beyond > 0) return { type: 'done', hole: 'the relay ignores until, so older events cannot be asked for' }
  // NIP-67: after "finish" "the client SHOULD NOT paginate"; without a hint it goes on from the oldest created_at.
  if (hint === 'finish' || (hint === undefined && size < smallPage)) return { type: 'done' }
  // Inclusive, because other events may share that second. They come again and are known by their ids.
  if (page.fresh > 0) return { type: 'ask', filter: { ...page.filter, until: page.oldest } }
  if (size >= largest && allTies(page)) return belowTies(page)
  return hint === 'more'
    ? { type: 'done', hole: 'the relay says that it has more and does not send it' }
    : { type: 'done' }
}

function allTies(page: Page): boolean {
  return page.ids.size > 0 && page.oldest === page.filter.until && page.newest === page.filter.until
}

// NIP-67, ties: more events of one second than the relay sends at a time. There is no way to ask for the rest of them.
function belowTies({ filter, oldest }: Page): NextPage {
  const hole = `there may be more events of ${oldest} than the relay sends at a time`
  const until = oldest - 1
  return until < (filter.since ?? 0) ? { type: 'done', hole } : { type: 'ask', filter: { ...filter, until }, hole }
}
