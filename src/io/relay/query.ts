// One question to one relay, page after page, until it has really told all, or why it has not.
import type { Event } from '../../nostr/event.ts'
import type { Filter } from '../../nostr/filter.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import type { Held } from '../../nostr/nip77.ts'
import { beforeAbort, onAbort, sleep } from '../timers.ts'
import { type Collector, type EventHandling, openCollector } from './collector.ts'
import type { Connection } from './connection.ts'
import { type NegQuery, negQuery } from './negentropy.ts'
import { defaultPageLimit, pageAfter } from './paging.ts'
import type { Subscription, SubscriptionEnd, SubscriptionRequest } from './subscription.ts'

export type Query = EventHandling & {
  filter: Filter
  /** Unix time in milliseconds. */
  deadline: number
  /** Ends the answer before the deadline. */
  cut?: AbortSignal | undefined
  /** What is known already of the filter's events, where there is much of it and the relay speaks NIP-77. */
  held?: Held | undefined
  /** Reads until the relay has sent all that it keeps, not only what it sends for one REQ. */
  page?: boolean | undefined
  /** Stays open: what comes after the answer was given goes to `onEvent`, until `onEnd` says why no more will. */
  live?: boolean | undefined
  onEnd?: ((refusal: Refusal) => void) | undefined
}

/** `complete` only by an EOSE that may be believed; otherwise `reason` and `text` say why not. `events` is what came. */
export type QueryAnswer = {
  relay: string
  events: Event[]
  complete: boolean
  /** How many events came that we had not asked for, or that were forged. */
  dropped: number
  /** How many events came that were known already. */
  known: number
  /** Whether what it has was found out by NIP-77; absent where that was not tried. */
  reconciled?: boolean
  reason?: Reason
  text?: string
}

type QueryProgress = {
  line: Connection
  ask: Query
  gathering: Collector
  current: Subscription | undefined
  /** The relay's last no, while we wait to ask again. */
  refusal: Refusal | undefined
  comparison: NegQuery | undefined
  reconciled: boolean | undefined
}

const giftWrap = 1059
const longestPauseMs = 60_000

/** Ids in one REQ: with their 67 characters each well below what relays take. */
const idsAtOnce = 200

/** Asks one relay. Ends at the deadline and never rejects; throws RangeError when kind 1059 is asked for with others. */
export function query(line: Connection, ask: Query): Promise<QueryAnswer> {
  // The trap: strfry answers a mixed REQ with a normal EOSE and leaves the 1059s out, to whoever has not done AUTH.
  const { kinds = [] } = ask.filter
  if (kinds.length > 1 && kinds.includes(giftWrap)) throw new RangeError('kind 1059 stands alone in its REQ')
  return answer({
    line,
    ask,
    gathering: openCollector(ask, line.bounds),
    current: undefined,
    refusal: undefined,
    comparison: undefined,
    reconciled: undefined,
  })
}

async function answer(reading: QueryProgress): Promise<QueryAnswer> {
  const { line, ask, gathering } = reading
  const stop = line.until(ask.deadline, ask.cut)
  const end = await beforeAbort(stop.signal, read(reading, ask.live ? line.gone : stop.signal))
  stop.clear()
  const reconciled = reading.comparison?.ignored() ? false : reading.reconciled
  const given = { relay: line.url, ...gathering.give(), ...(reconciled !== undefined && { reconciled }) }
  if (end?.eose) return { ...given, complete: true }
  const { reason, text } = end ?? reading.refusal ?? reading.current?.complaint() ?? line.late(gathering.touched())
  return { ...given, complete: false, reason, text }
}

async function read(reading: QueryProgress, signal: AbortSignal): Promise<SubscriptionEnd> {
  const { line, ask } = reading
  if (ask.held === undefined || ask.live) return await readPages(reading, signal)
  reading.comparison = negQuery(line, ask.filter, ask.held, signal)
  const ids = await reading.comparison.ids
  if (!signal.aborted) reading.reconciled = ids !== undefined
  return ids === undefined ? await readPages(reading, signal) : await readIds(reading, ids, signal)
}

/**
 * What a relay has told us by NIP-77 that it has. A relay that lists an event and then does not send it, though it is asked for
 * nothing else, is believed like any other that ends an answer: one that never listed it would have kept it back as well.
 */
async function readIds(reading: QueryProgress, ids: readonly string[], signal: AbortSignal): Promise<SubscriptionEnd> {
  const { ask, gathering } = reading
  let left = [...ids]
  while (left.length > 0) {
    const some = left.slice(0, idsAtOnce)
    const filter = { ...ask.filter, ids: some }
    const { page, take } = gathering.page(filter)
    const end = await readPage(reading, { filter, live: false, take }, signal)
    page.open = false
    if (!end.eose) return end
    // Where only some of them came the relay may send no more at a time. Each round is about fewer than the one before.
    const rest = some.filter((id) => !page.ids.has(id))
    left = [...(rest.length === some.length ? [] : rest), ...left.slice(some.length)]
  }
  return { eose: true }
}

async function readPages(reading: QueryProgress, signal: AbortSignal): Promise<SubscriptionEnd> {
  const { line, ask, gathering } = reading
  let filter = ask.page ? { ...ask.filter, limit: defaultPageLimit } : ask.filter
  let largest = 0
  let hole: string | undefined
  for (let pages = 1; ; pages++) {
    const { page, take } = gathering.page(filter)
    const end = await readPage(reading, { filter, live: pages === 1 && ask.live === true, take }, signal)
    page.open = false
    if (!end.eose || !ask.page) return end
    largest = Math.max(largest, page.ids.size)
    const next = pageAfter(page, end.hint, largest)
    hole ??= next.hole
    if (next.type === 'done') return hole === undefined ? end : partial(hole)
    if (pages >= line.bounds.pages) return partial(`stopped after ${pages} pages`)
    filter = next.filter
  }
}

/** One REQ until its EOSE. `rate-limited` is waited out: it says nothing about the relay's health. */
async function readPage(
  reading: QueryProgress,
  request: SubscriptionRequest,
  signal: AbortSignal,
): Promise<SubscriptionEnd> {
  const { line, ask } = reading
  for (let pauseMs = line.backoffMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const subscription = line.subscribe(request)
    reading.current = subscription
    onAbort(signal, subscription.close)
    const end = await subscription.stored
    signal.removeEventListener('abort', subscription.close)
    reading.refusal = !end.eose && end.reason === 'rate-limited' ? end : undefined
    if (reading.refusal && (await sleep(pauseMs, signal))) continue
    if (request.live) void subscription.over.then((over) => over.eose || ask.onEnd?.(over))
    return end
  }
}

function partial(text: string): SubscriptionEnd {
  return { eose: false, reason: 'partial', text }
}
