// Calls that are not here, though somebody speaks in them: their request is still to come, since relays keep no order, or they were lost
// with an older state. After two complete reads such a call is lost, and the other side is told. Its words are not kept: when its request
// comes it is unanswered, and before an answer all but the caller's hang-up is only counted, and offered again.

import type { Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { type AdmissionPolicy, acquaintanceTest, mayCall } from './admission.ts'
import { type CompleteRead, DEEP_WINDOW } from './cursors.ts'
import { hasPassed } from './retry.ts'
import type { Index, OrphanCall, State } from './state.ts'
import { beginTransaction, countDropped, type Transaction } from './transaction.ts'
import { isHangUp } from './unanswered.ts'
import { forgetUnreadable, unreadablePeers } from './unreadable.ts'

/**
 * Most such calls in all, of one author, and of all strangers; and most bytes that the farewells in them take, and those of strangers:
 * each command reads and writes them. What finds no room is offered again by whoever has said it.
 */
const MAX_ORPHANS = { all: 400, author: 40, strangers: 80, bytes: 65_536, strangersBytes: 16_384 }

/** How many complete reads without its request make a call lost; seconds until a peer is told again; and most strangers told in a day. */
const MIN_READS = 2
const TOLD_EVERY = 86_400
const MAX_TOLD = 40

/** Notes a signal whose call is not here. @param now unix seconds @returns why it was dropped, as all is but the first hang-up */
export function noteOrphan(
  edit: Transaction,
  { signal, rumor }: { signal: Signal; rumor: Rumor },
  now: number,
): string | undefined {
  // Receipts are not numbered: nobody is told that they are lost.
  if (signal.seq === 0) return 'unknown-call'
  const { orphanCalls } = edit.index
  const known = orphanCalls.find(({ call, from }) => call === signal.call && from === signal.from)
  if (known?.end?.id === rumor.id) return 'duplicate'
  const keepsEnd = isHangUp(signal) && known?.end === undefined
  const held = known ?? { call: signal.call, from: signal.from, heard: now, completeReads: 0, said: 0 }
  const noted = keepsEnd ? { ...held, end: rumor } : { ...held, said: held.said + 1 }
  edit.index.orphanCalls = [...orphanCalls.filter((one) => one !== known), noted]
  return keepsEnd ? undefined : 'unknown-call'
}

/** Takes out what was noted of a call whose request is here now. @returns what its caller has said in it, if anything */
export function takeOrphanCall(edit: Transaction, { id, from }: Signal): OrphanCall | undefined {
  const { orphanCalls } = edit.index
  const noted = orphanCalls.filter(({ call }) => call === id)
  if (noted.length > 0) edit.index.orphanCalls = orphanCalls.filter(({ call }) => call !== id)
  return noted.find((one) => one.from === from)
}

/** Counts a complete read of the mailbox for every such call that was noted before it began, up to MIN_READS. */
export function countCompleteRead(
  edit: Transaction,
  { completeReads }: { completeReads: readonly CompleteRead[] },
): void {
  const began = Math.max(0, ...completeReads.map((read) => read.began))
  const isCounted = ({ heard, completeReads: reads }: OrphanCall) => heard < began && reads < MIN_READS
  if (!edit.index.orphanCalls.some(isCounted)) return
  edit.index.orphanCalls = edit.index.orphanCalls.map((one) =>
    isCounted(one) ? { ...one, completeReads: one.completeReads + 1 } : one,
  )
}

/**
 * Bounds what others can make us keep by making up calls without end: the latest of each author stay, those of known authors first, and
 * strangers take turns. The attack: two keys use up the room for everybody. A farewell that finds no room is counted.
 */
export function boundOrphans(
  edit: Transaction,
  { now, admission }: { now: number; admission: Pick<AdmissionPolicy, 'trust'> },
): void {
  const { orphanCalls } = edit.index
  if (orphanCalls.length === 0) return
  const isKnown = acquaintanceTest(edit.index, admission)
  const byAuthor = new Map<string, number>()
  const ranked = orphanCalls.toReversed().flatMap((orphan) => {
    const turn = byAuthor.get(orphan.from) ?? 0
    byAuthor.set(orphan.from, turn + 1)
    const isLeft = now - orphan.heard < DEEP_WINDOW && turn < MAX_ORPHANS.author
    return isLeft ? [{ orphan, turn, known: isKnown(orphan.from) }] : []
  })
  const kept = new Map<OrphanCall, OrphanCall>()
  let [strangers, bytes, strangersBytes] = [0, 0, 0]
  for (const { orphan, known } of ranked.sort(sooner)) {
    if (kept.size >= MAX_ORPHANS.all || (!known && strangers >= MAX_ORPHANS.strangers)) continue
    const size = sizeOf(orphan)
    const fits = bytes + size <= MAX_ORPHANS.bytes && (known || strangersBytes + size <= MAX_ORPHANS.strangersBytes)
    kept.set(orphan, fits ? orphan : withoutEnd(orphan))
    if (!known) strangers += 1
    if (fits) bytes += size
    if (fits && !known) strangersBytes += size
  }
  const lost = orphanCalls.filter((orphan) => orphan.end !== undefined && kept.get(orphan)?.end === undefined)
  for (const _ of lost) countDropped(edit, 'unknown-call')
  if (lost.length > 0 || kept.size < orphanCalls.length)
    edit.index.orphanCalls = orphanCalls.flatMap((orphan) => kept.get(orphan) ?? [])
}

type RankedOrphan = { turn: number; known: boolean }

function sooner(a: RankedOrphan, b: RankedOrphan): number {
  return Number(b.known) - Number(a.known) || (a.known ? 0 : a.turn - b.turn)
}

function withoutEnd({ end, ...rest }: OrphanCall): OrphanCall {
  return { ...rest, said: rest.said + 1 }
}

/** About how many bytes a farewell takes on disk. */
function sizeOf({ end }: OrphanCall): number {
  return end === undefined ? 0 : Buffer.byteLength(JSON.stringify(end))
}

/** What a peer is to be told: that this call is unknown here, or where `call` is undefined, that the keys of its calls are lost here. */
export type LostCall = { call: string | undefined; to: string }

/**
 * Whom to tell `lost` now, once a day and peer: those whose numbered signals belong to a call that is unknown here after two complete
 * reads, and was not deleted on purpose (docs/PROTOCOL.md, "Delivery"). Whom the policy refuses hears nothing of it: that call is unknown
 * here because its request was refused. Known peers come first, and are told whatever strangers have used up.
 */
export function lostCalls(
  { index, logs }: State,
  { now, admission }: { now: number; admission: AdmissionPolicy },
): LostCall[] {
  const isKnown = acquaintanceTest(index, admission)
  const lost = new Map<string, string | undefined>()
  // First, since this covers all of its calls. The attack: a thief of its identity names a call that never was, and that is all it is told today.
  for (const peer of unreadablePeers(index)) {
    if (mayCall(admission, admission.trust(peer)) && !isToldToday(index, peer, now)) lost.set(peer, undefined)
  }
  for (const { call, from, completeReads } of index.orphanCalls) {
    if (completeReads < MIN_READS || logs[call] !== undefined || index.calls[call] !== undefined) continue
    if (index.forgotten[call] !== undefined || lost.has(from)) continue
    if (!mayCall(admission, admission.trust(from)) || isToldToday(index, from, now)) continue
    lost.set(from, call)
  }
  const all = [...lost].map(([to, call]) => ({ call, to }))
  const strangers = all.filter(({ to }) => !isKnown(to))
  const left = Math.max(0, MAX_TOLD - strangersToldToday(index, isKnown, now))
  return [...all.filter(({ to }) => isKnown(to)), ...strangers.slice(0, left)]
}

/**
 * Whether a peer has still to be told that its messages in calls cannot be decrypted here, before any request of it is accepted. A request
 * that rings once more may be that of such a call, and a second accept would fork it at the peer, which would not know why. Where
 * nobody else can be told today, nothing is held up.
 */
export function mustReportLoss(
  index: Index,
  peer: string,
  { now, admission }: { now: number; admission: Pick<AdmissionPolicy, 'trust'> },
): boolean {
  if (index.unreadable?.[peer] === undefined || isToldToday(index, peer, now)) return false
  const isKnown = acquaintanceTest(index, admission)
  return isKnown(peer) || strangersToldToday(index, isKnown, now) < MAX_TOLD
}

function strangersToldToday({ lossReportedAt }: Index, isKnown: (pubkey: string) => boolean, now: number): number {
  const today = Object.entries(lossReportedAt).filter(([peer, at]) => !isKnown(peer) && !hasPassed(at, TOLD_EVERY, now))
  return today.length
}

function isToldToday({ lossReportedAt }: Index, peer: string, now: number): boolean {
  return !hasPassed(lossReportedAt[peer] ?? Number.NEGATIVE_INFINITY, TOLD_EVERY, now)
}

/** Notes who is about to be told, and forgets those who were told long ago. */
export function markLostTold(state: State, lost: readonly LostCall[], now: number): State {
  if (lost.length === 0) return state
  const edit = beginTransaction(state)
  const recent = Object.entries(state.index.lossReportedAt).filter(([, at]) => !hasPassed(at, TOLD_EVERY, now))
  edit.index.lossReportedAt = Object.fromEntries([...recent, ...lost.map(({ to }) => [to, now] as const)])
  // Of several calls with one peer, each is told in its turn; whatever is still said in this one comes once more.
  const calls = new Set(lost.map(({ call }) => call))
  edit.index.orphanCalls = edit.index.orphanCalls.filter(({ call }) => !calls.has(call))
  if (edit.index.unreadable !== undefined)
    edit.index.unreadable = forgetUnreadable(
      edit.index,
      lost.map(({ to }) => to),
    )
  return edit.commit()
}
