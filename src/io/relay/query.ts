// Asks one relay one question, page after page, until it has told all, or gives why it has not.
import type { Event } from '../../nostr/event.ts'
import type { Filter } from '../../nostr/filter.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import type { HeldIds } from '../../nostr/nip77.ts'
import { type Foreign, foreign } from '../../sanitize.ts'
import { beforeAbort, onAbort, sleep } from '../timers.ts'
import { type Collector, type EventHandling, openCollector } from './collector.ts'
import type { Connection } from './connection.ts'
import { type NegQuery, startNegQuery } from './negentropy.ts'
import { DEFAULT_PAGE_LIMIT, type NextPage, type Page, pageAfter, reachedByPage, smallerLimit } from './paging.ts'
import type { Subscription, SubscriptionEnd } from './subscription.ts'
import { tellsTooMany } from './turns.ts'

export type Query = EventHandling & {
  filter: Filter
  /** Unix time in milliseconds. */
  deadline: number
  /** Ends the answer before the deadline. */
  cut?: AbortSignal | undefined
  /** The ids that we hold already, where they are many: the relay is asked by NIP-77 first. */
  held?: HeldIds | undefined
  /** Reads until the relay has sent all that it keeps, not only what it sends for one REQ. */
  page?: boolean | undefined
  /** Most events that the relay is known to let itself be asked for at a time. */
  limit?: number | undefined
  /** Whether the relay is known not to speak NIP-77. */
  plain?: boolean | undefined
  /** Stays open: events that come after the answer go to `onEvent`, until `onEnd` is told why no more will come. */
  live?: boolean | undefined
  onEnd?: ((refusal: Refusal) => void) | undefined
}

/** `complete`: ended by an EOSE that may be believed; otherwise `reason` and `text` say why it is not. `events`: what came. */
export type QueryAnswer = {
  relay: string
  events: Event[]
  complete: boolean
  /** How many events came that were not asked for, or were forged. */
  dropped: number
  /** How many events came that were known already. */
  known: number
  /** The newest stamp of all that came, Unix s; absent where nothing did. */
  newest?: number
  /** Of an answer that is not complete: all that is newer than this stamp has come. Absent where that is not known. */
  reached?: number
  /** Of a complete answer: the relay may have more, which was not wanted. */
  more?: true
  /** Of a complete answer: a second (Unix s) of which the relay may have more than it gives out. */
  gap?: number
  /** The most events that the relay let itself be asked for at a time, where it has refused more. */
  limit?: number
  /** Whether NIP-77 told what the relay has; absent where it was not tried. */
  reconciled?: boolean
  reason?: Reason
  text?: Foreign
}

type QueryProgress = {
  connection: Connection
  ask: Query
  collector: Collector
  current: Subscription | undefined
  /** The page that is being read; undefined where everything is read by ids. */
  page: Page | undefined
  /** The relay's last refusal, while we wait to ask again. */
  refusal: Refusal | undefined
  comparison: NegQuery | undefined
  reconciled: boolean | undefined
  gap: number | undefined
  more: boolean
  limit: number | undefined
  /** Whether a second that fills a page may be read by NIP-77. */
  mayCompare: boolean
}

const GIFT_WRAP = 1059
const MAX_PAUSE_MS = 60_000

/** Ms that are waited where our only open question is one too many: the relay has not yet closed an earlier one, which takes no longer. */
const MAX_ALONE_PAUSE_MS = 1_000

/** Ids in one REQ: with 67 characters each it stays well below what relays take. */
const IDS_AT_ONCE = 200

/** Events that are asked for where one second fills a page: some relays send more than their default if asked for more. */
const SECOND_LIMIT = 5_000

/** A relay that has sent nothing for this many ms has stopped sending. */
const FLOW_MS = 1_000

/** Asks one relay. Ends at the deadline and never rejects; throws RangeError where kind 1059 is asked for together with others. */
export function query(connection: Connection, ask: Query): Promise<QueryAnswer> {
  // The trap: to a client without AUTH strfry answers a mixed REQ with a normal EOSE, and leaves kind 1059 out.
  const { kinds = [] } = ask.filter
  if (kinds.length > 1 && kinds.includes(GIFT_WRAP)) throw new RangeError('kind 1059 must be alone in its REQ')
  const { bounds, now, hold } = connection
  return answerQuery({
    ...{ connection, ask, collector: openCollector(ask, { bounds, now, hold }) },
    ...{ current: undefined, page: undefined, refusal: undefined, comparison: undefined, reconciled: undefined },
    ...{ gap: undefined, more: false, limit: ask.limit, mayCompare: ask.plain !== true },
  })
}

async function answerQuery(reading: QueryProgress): Promise<QueryAnswer> {
  const { connection, ask, collector } = reading
  const stop = connection.until(ask.deadline, ask.cut)
  const end = await beforeAbort(stop.signal, readAll(reading, ask.live ? connection.gone : stop.signal))
  stop.clear()
  const reconciled = reading.comparison?.ignored() ? false : reading.reconciled
  const { gap, more, limit } = reading
  const given = {
    relay: connection.url,
    ...collector.finish(),
    ...(reconciled !== undefined && { reconciled }),
    ...(gap !== undefined && { gap }),
    ...(more && { more }),
    ...(limit !== undefined && limit !== ask.limit && { limit }),
  }
  if (end?.eose) return { ...given, complete: true }
  const reached = reachedStamp(reading, end)
  const { reason, text } =
    end ?? reading.refusal ?? reading.current?.complaint() ?? connection.late(collector.touchedAt() !== undefined)
  return { ...given, complete: false, ...(reached !== undefined && { reached }), reason, text }
}

// The trap: a relay sends what it has and never an EOSE. It is not still sending, so where it got to is not given: a caller that went on
// below that would never see what comes in above.
function reachedStamp(
  { connection, collector, page }: QueryProgress,
  end: SubscriptionEnd | undefined,
): number | undefined {
  if (page === undefined) return undefined
  const isFlowing =
    end !== undefined || connection.isHeld() || connection.now() - (collector.touchedAt() ?? 0) < FLOW_MS
  return isFlowing ? reachedByPage(page) : page.filter.until
}

async function readAll(reading: QueryProgress, signal: AbortSignal): Promise<SubscriptionEnd> {
  const { connection, ask } = reading
  if (ask.held === undefined || ask.live) return await readPages(reading, signal)
  reading.comparison = startNegQuery(connection, ask.filter, ask.held, signal)
  const ids = await reading.comparison.ids
  if (!signal.aborted) reading.reconciled = ids !== undefined
  return ids === undefined ? await readPages(reading, signal) : await readIds(reading, ids, signal)
}

/**
 * Reads the events that a relay says by NIP-77 that it has. A relay that lists an event, and then does not send it though it is asked for
 * nothing else, is believed like any other that ends an answer: it could as well have kept the event off its list.
 */
async function readIds(reading: QueryProgress, ids: readonly string[], signal: AbortSignal): Promise<SubscriptionEnd> {
  let left = [...ids]
  while (left.length > 0) {
    const some = left.slice(0, IDS_AT_ONCE)
    const { page, end } = await readPage(reading, { ...reading.ask.filter, ids: some }, signal)
    if (!end.eose) return end
    // Where only some came, the relay may send no more at a time: the rest is asked for again. Each round asks for fewer.
    const rest = some.filter((id) => !page.ids.has(id))
    left = [...(rest.length === some.length ? [] : rest), ...left.slice(some.length)]
  }
  return { eose: true }
}

async function readPages(reading: QueryProgress, signal: AbortSignal): Promise<SubscriptionEnd> {
  const { connection, ask } = reading
  const limit = Math.min(DEFAULT_PAGE_LIMIT, reading.limit ?? DEFAULT_PAGE_LIMIT)
  let filter: Filter = ask.page ? { ...ask.filter, limit } : ask.filter
  let largest = 0
  for (let pages = 1; ; pages++) {
    const { page, end } = await readPage(reading, filter, signal, pages === 1 && ask.live === true)
    if (!ask.page || !end.eose) return end
    filter = page.filter
    largest = Math.max(largest, page.ids.size)
    const next = pageAfter(page, end.hint, largest)
    if (next.type === 'done') return next.lacking === undefined ? end : partial(next.lacking)
    if (ask.sift?.enough() === true) {
      reading.more = true
      return { eose: true }
    }
    if (pages >= connection.bounds.pages) return partial(`stopped after ${pages} pages`)
    const below = next.type === 'ask' ? next.filter : await readSecond(reading, page, next, signal)
    if (below === undefined) return { eose: true }
    filter = below
  }
}

/**
 * Reads the rest of a second that fills a page, which any stranger can bring about: by asking for more at a time, else by NIP-77; where
 * neither helps, the second is a `gap`. Gives the filter for what is older.
 */
async function readSecond(
  reading: QueryProgress,
  page: Page,
  { at, below }: Extract<NextPage, { type: 'second' }>,
  signal: AbortSignal,
): Promise<Filter | undefined> {
  const filter = { ...reading.ask.filter, since: at, until: at }
  if (reading.limit === undefined) {
    const larger = await readPage(reading, { ...filter, limit: SECOND_LIMIT }, signal)
    if (larger.end.eose && larger.page.ids.size > page.ids.size) return below
  }
  const known = new Map([...page.ids].map((id) => [id, at]))
  const ids = reading.mayCompare ? await startNegQuery(reading.connection, filter, known, signal).ids : undefined
  reading.mayCompare = ids !== undefined
  const rest = ids === undefined ? undefined : await readIds(reading, ids, signal)
  if (rest?.eose !== true) reading.gap ??= at
  return below
}

/**
 * One REQ until its EOSE. `rate-limited` is waited out. A relay that refuses so high a limit is asked for fewer events.
 */
async function readPage(
  reading: QueryProgress,
  filter: Filter,
  signal: AbortSignal,
  live = false,
): Promise<{ page: Page; end: SubscriptionEnd }> {
  const { connection, ask, collector } = reading
  let asked = filter
  for (let pauseMs = connection.backoffMs; ; ) {
    const { page, take } = collector.page(asked)
    if (filter.ids === undefined) reading.page = page
    const subscription = connection.subscribe({ filter: asked, live, take, ...(ask.page && { settles: true }) })
    reading.current = subscription
    onAbort(signal, subscription.close)
    const end = await subscription.stored
    signal.removeEventListener('abort', subscription.close)
    const isBusy = !end.eose && (end.reason === 'rate-limited' || (tellsTooMany(end) && pauseMs <= MAX_ALONE_PAUSE_MS))
    reading.refusal = isBusy ? end : undefined
    if (reading.refusal && (await sleep(pauseMs, signal))) {
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
      continue
    }
    const fewer = end.eose || signal.aborted || page.ids.size > 0 ? undefined : smallerLimit(asked.limit, end)
    if (fewer !== undefined) {
      // That SECOND_LIMIT was refused says nothing about the usual limit.
      if (asked.limit !== SECOND_LIMIT) reading.limit = fewer
      asked = { ...asked, limit: fewer }
      continue
    }
    page.open = false
    page.whole = end.eose
    if (live) void subscription.over.then((over) => over.eose || ask.onEnd?.(over))
    return { page, end }
  }
}

function partial(text: string): SubscriptionEnd {
  return { eose: false, reason: 'partial', text: foreign`${text}` }
}
