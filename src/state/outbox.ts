// The outbox: what must go out now, and what the relays made of it. What no relay has taken is owed until one has.

import { type DeliveryState, deliveryStateOf, type Log, type OutboxEntry, slowestState } from '../call/log.ts'
import { onlyRecipient } from '../call/signal-codec.ts'
import { foreignRefusal } from '../call/wording.ts'
import { type Event, eventId, type Rumor } from '../nostr/event.ts'
import type { Foreign } from '../sanitize.ts'
import { commitCalls } from './call-index.ts'
import { isPresent, noteRecord } from './peer-record.ts'
import type { AuthorContext } from './record-signals.ts'
import { claimBy, hasPassed, type IsAlive, isClaimed, waitAfter } from './retry.ts'
import { OPEN_AFTER_END, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds for which the same wrap may be published again; after that its stamp may lie below the receiver's window. */
const SAME_WRAP = 300

/** Seconds until what a peer reports missing is wrapped anew once more, and most rumors that are in one run. */
const MISSING_GRACE = 60
const MAX_MISSING = 100

/** Relays that took a rumor may still lose it: while the peer has not acknowledged it, it is wrapped anew after these waits, in seconds. */
const REWRAP_WAITS = [600, 3600, 6 * 3600, 24 * 3600, 48 * 3600]

/**
 * While the peer is there and has not acknowledged what relays have taken: seconds from the first wrap to the second, and from that to the
 * third, since many relays say OK and store nothing. Never more than three within ten minutes. `MAX_EARLY`: most of these in one run.
 */
const EARLY_WAITS = [20, 40]
const MAX_EARLY = 30

/** Seconds until a relay that has not taken what others took is tried again, since it may be the honest one; after such a try all wait as long. */
const RETRY_WAIT = 900

/** Seconds after which a claim on publishing counts for nothing. A command that takes longer may see its rumor wrapped twice. */
const CLAIM_LIFETIME = 20

/**
 * A rumor to publish now, in the same wrap, or in a new one where that is undefined; to all relays but those in `skip`, which have taken
 * it, or refuse this wrap for good while another relay has it.
 */
export type PendingPublish = { to: string; rumor: Rumor; wrap: Event | undefined; skip: string[] }

/** A rumor of a call to publish now; without a call it is a letter. */
export type PendingSignal = PendingPublish & { call: string }

/** Reasons for which a relay would refuse the same wrap again. */
const FINAL: ReadonlySet<string> = new Set(['blocked', 'invalid', 'pow', 'too-large'])

export type OkAnswer = { relay: string; event: string; accepted: boolean; reason: string; text: Foreign }

/** A published wrap, the id of its rumor, and what every relay answered. */
export type PublishResult = { rumor: string; wrap: Event; oks: OkAnswer[] }

export type SignalPublishResult = PublishResult & { call: string }

/**
 * What is to be published now: what is owed, not claimed by a process that still runs, and whose time has come. Nothing in a call that
 * has forked, and nothing to anybody who was blocked meanwhile.
 * @param alive whether a process of this machine still runs
 */
export function dueRumors(
  state: State,
  now: number,
  alive: IsAlive,
  isBlocked: (pubkey: string) => boolean = () => false,
): PendingSignal[] {
  let [missing, early] = [0, 0]
  return Object.values(state.logs).flatMap((log) => {
    if (log.fork !== undefined) return []
    const { last = now, overAt = last } = state.index.calls[log.id] ?? {}
    // What is owed is offered until the call is over for 7 days: then its key is deleted. The attack: a peer goes on speaking in a call
    // that is over.
    if (now - Math.min(last, overAt) > OPEN_AFTER_END) return []
    return Object.entries(log.outbox).flatMap(([id, entry]) => {
      const rumor = log.entries[id]?.rumor
      const to = rumor === undefined ? undefined : onlyRecipient(rumor)
      if (rumor === undefined || to === undefined || isPublishing(entry, now, alive)) return []
      if (isBlocked(to)) return []
      const there = early < MAX_EARLY && isPresent(state.index.peers[to], now)
      const turn = nextPublish(entry, now, there)
      if (turn === undefined || !isSealable(rumor, to, turn.wrap)) return []
      // The attack: a peer reports everything as missing, again and again, also what it has acknowledged.
      const isReported = entry.reportedMissing === true || entry.offeredAgain === true
      if (isReported && ++missing > MAX_MISSING) return []
      if (there && isEarly(entry, now)) early += 1
      return [{ call: log.id, to, rumor, ...turn }]
    })
  })
}

/**
 * Whether what is owed can go out: in a wrap that was sealed before, or as the rumor that it was when its id was taken. One that a disk
 * has damaged could not be sealed, and every command would end with that.
 */
export function isSealable(rumor: Rumor, to: string, wrap: Event | undefined): boolean {
  return wrap !== undefined || (eventId(rumor) === rumor.id && onlyRecipient(rumor) === to)
}

/** Whether a process that still runs is publishing this right now. */
export function isPublishing({ claim }: OutboxEntry, now: number, alive: IsAlive): boolean {
  return isClaimed(claim, now, alive, CLAIM_LIFETIME)
}

/** What to publish of an entry now; undefined when its time has not come. @param there whether the peer is there */
export function nextPublish(
  entry: OutboxEntry,
  now: number,
  there = false,
): Pick<PendingPublish, 'wrap' | 'skip'> | undefined {
  const { wrap, wrapCount, accepted, failed, reportedMissing, earlyWraps = 0 } = entry
  const anew = { wrap: undefined, skip: [] }
  const isPast = (seconds: number, since = entry.wrappedAt) => hasPassed(since, seconds, now)
  if (wrapCount === 0) return anew
  if (reportedMissing && isPast(MISSING_GRACE)) return anew
  if (there && isEarly(entry, now)) return anew
  if (!isPast(SAME_WRAP + 1)) {
    // A relay that refuses this wrap for good is not asked again while another relay has it.
    const refused = accepted.length === 0 ? [] : failed.flatMap(({ url, final }) => (final ? url : []))
    const isOwed = accepted.length === 0 || failed.length > refused.length
    return wrap !== undefined && isOwed ? { wrap, skip: [...accepted, ...refused] } : undefined
  }
  if (accepted.length === 0) return anew
  if (entry.retriedAt !== undefined && !isPast(RETRY_WAIT, entry.retriedAt)) return undefined
  if (isPast(waitAfter(wrapCount - earlyWraps - 1, REWRAP_WAITS))) return anew
  return failed.length > 0 && isPast(RETRY_WAIT) ? { wrap: undefined, skip: accepted } : undefined
}

/** Whether a new wrap would go out early now, if the peer is there. */
function isEarly({ wrappedAt, wrapCount, accepted, retriedAt, reportedMissing }: OutboxEntry, now: number): boolean {
  const wait = EARLY_WAITS[wrapCount - 1]
  // What the peer asks for has a pace of its own. The attack: it asks for everything, and gets each several times.
  if (wait === undefined || accepted.length === 0 || reportedMissing) return false
  return hasPassed(wrappedAt, wait, now) && hasPassed(retriedAt ?? 0, wait, now)
}

/** Marks what this process is about to publish, so that a parallel one does not do the same. */
export function claimRumors(state: State, dues: readonly PendingSignal[], author: AuthorContext): State {
  if (dues.length === 0) return state
  const edit = beginTransaction(state)
  for (const { call, rumor, wrap, skip } of dues) {
    const { outbox } = edit.log(call)
    const entry = outbox[rumor.id]
    if (entry === undefined) continue
    const remainingOnly = wrap === undefined && skip.length > 0
    const to = onlyRecipient(rumor) ?? ''
    // The peer is there, and does not have what these relays have taken.
    if (wrap === undefined && !remainingOnly && isPresent(edit.index.peers[to], author.now))
      noteRecord(edit, to, entry.accepted, 'unacked')
    const claim = { ...claimBy(author), ...(remainingOnly && { remainingOnly }) }
    outbox[rumor.id] = { ...entry, claim, ...(remainingOnly && { retriedAt: author.now }) }
  }
  return edit.commit()
}

/** Writes down what the relays answered. */
export function recordPublished(state: State, results: readonly SignalPublishResult[], author: AuthorContext): State {
  const edit = beginTransaction(state)
  for (const { call, rumor, wrap, oks } of results) {
    if (edit.state.logs[call] === undefined) continue
    const log = edit.log(call)
    const entry = log.outbox[rumor]
    if (entry === undefined) continue
    const after = entryAfterPublish(entry, wrap, oks, author.now)
    // What was acknowledged before is owed only until a relay has it.
    if (entry.offeredAgain === true && after.accepted.length > 0) delete log.outbox[rumor]
    else log.outbox[rumor] = after
  }
  return commitCalls(edit, author)
}

/** An entry after what the relays have answered to a wrap of it. */
export function entryAfterPublish(entry: OutboxEntry, wrap: Event, oks: readonly OkAnswer[], now: number): OutboxEntry {
  const same = entry.wrap?.id === wrap.id
  const taken = oks.filter((r) => r.accepted).map((r) => r.relay)
  const accepted = [...new Set([...entry.accepted, ...taken])]
  // A new wrap that went only to the remaining relays, or that none took, does not put off the next one for all of them.
  const isUntaken = taken.length === 0 && entry.accepted.length > 0
  const keepsTimer = !same && (isUntaken || entry.claim?.remainingOnly === true)
  const refused = oks
    .filter((r) => !r.accepted && !accepted.includes(r.relay))
    .map((r) => ({ url: r.relay, reason: foreignRefusal(r), ...(FINAL.has(r.reason) && { final: true as const }) }))
  const tried = new Set([...accepted, ...refused.map(({ url }) => url)])
  const before = same ? entry.failed.filter(({ url, final }) => final && !tried.has(url)) : []
  const isEarlier =
    !same && !keepsTimer && entry.accepted.length > 0 && !entry.reportedMissing && now - entry.wrappedAt < SAME_WRAP
  const early = (entry.earlyWraps ?? 0) + (isEarlier ? 1 : 0)
  // The wrap is kept only while there is a relay left to offer it to.
  const keep = accepted.length === 0 || refused.length > 0
  return {
    wrappedAt: same || keepsTimer ? entry.wrappedAt : now,
    wrapCount: entry.wrapCount + (same || keepsTimer ? 0 : 1),
    accepted,
    failed: [...before, ...refused],
    ...(keep && !keepsTimer ? { wrap } : {}),
    ...(isUntaken ? { retriedAt: now } : entry.retriedAt === undefined ? {} : { retriedAt: entry.retriedAt }),
    // What nobody took is still missed.
    ...(entry.reportedMissing && taken.length === 0 ? { reportedMissing: true } : {}),
    ...(entry.offeredAgain ? { offeredAgain: true } : {}),
    ...(early === 0 ? {} : { earlyWraps: early }),
  }
}

export type Delivery = { state: DeliveryState; accepted: string[]; failed: { url: string; reason: Foreign }[] }

/** `delivery` of several rumors that belong together: a relay that has not taken one of them has failed. */
export function deliveryOf(log: Log, rumors: readonly string[]): Delivery {
  const all = rumors.map((id) => delivery(log, id))
  const state = slowestState(all.map((d) => d.state))
  const failed = new Map(all.flatMap((d) => d.failed).map((f) => [f.url, f]))
  const accepted = [...new Set(all.flatMap((d) => d.accepted))].filter((url) => !failed.has(url))
  return { state, accepted, failed: [...failed.values()] }
}

/** How far an own rumor has come, and what each relay said. */
export function delivery(log: Log, rumor: string): Delivery {
  const entry = log.outbox[rumor]
  const failed = (entry?.failed ?? []).map(({ url, reason }) => ({ url, reason }))
  return { state: deliveryStateOf(log, rumor), accepted: entry?.accepted ?? [], failed }
}
