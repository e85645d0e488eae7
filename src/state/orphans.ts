// Signals of calls that are not here: their request is still to come, since relays keep no order, or the call was lost with an older
// state. After two complete replays it is lost, and the other side is told.

import { callId, parseSignal } from '../call/signal-codec.ts'
import type { Rumor } from '../nostr/event.ts'
import { type AdmissionPolicy, mayCall } from './admission.ts'
import { type CompleteRead, DEEP_REPLAY } from './cursors.ts'
import { hasPassed } from './retry.ts'
import type { Index, Orphan, State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'
import { forgetUnreadable, unreadablePeers } from './unreadable.ts'

/**
 * Most orphans of all, of one sender, and of all strangers; and most characters of text that all have together, and those of strangers:
 * each command reads and writes them. What finds no room is offered again by who has said it.
 */
const MAX_ORPHANS = { all: 400, sender: 40, strangers: 80, text: 1_048_576, strangersText: 65_536 }

/** How many complete replays without its request make a call lost; how often a peer is told, in seconds, and how many a day. */
const REPLAYS = 2
const TOLD_EVERY = 86_400
const MAX_TOLD = 40

/** Keeps the place of a signal whose call is not here; why it was dropped, if it was. */
export function keepOrphan(
  edit: Transaction,
  rumor: Rumor,
  { now, underCallKey }: { now: number; underCallKey: boolean },
): string | undefined {
  if (edit.index.orphans.some((orphan) => orphan.rumor.id === rumor.id)) return 'duplicate'
  const orphan = { rumor, heard: now, replays: 0, ...(underCallKey && { underCallKey: true as const }) }
  edit.index.orphans = [...edit.index.orphans, orphan]
  return undefined
}

/** Takes out what has been waiting for this call. */
export function takeOrphans(edit: Transaction, call: string): Orphan[] {
  const mine = edit.index.orphans.filter((orphan) => callId(orphan.rumor) === call)
  if (mine.length > 0) edit.index.orphans = edit.index.orphans.filter((orphan) => callId(orphan.rumor) !== call)
  return mine
}

/** Counts a complete replay for every orphan that was there before it began. */
export function countReplay(edit: Transaction, { completeReads }: { completeReads: readonly CompleteRead[] }): void {
  const began = Math.max(0, ...completeReads.map((read) => read.began))
  if (began === 0 || edit.index.orphans.length === 0) return
  edit.index.orphans = edit.index.orphans.map((orphan) =>
    orphan.heard < began ? { ...orphan, replays: orphan.replays + 1 } : orphan,
  )
}

/** Bounds what strangers can make us keep by making up calls without end. */
export function boundOrphans(
  edit: Transaction,
  { now, gate }: { now: number; gate: Pick<AdmissionPolicy, 'trust'> },
): void {
  const bySender = new Map<string, number>()
  let [strangers, text, strangersText] = [0, 0, 0]
  const kept = edit.index.orphans.toReversed().filter(({ rumor, heard }, n) => {
    const { length } = rumor.content
    const before = bySender.get(rumor.pubkey) ?? 0
    bySender.set(rumor.pubkey, before + 1)
    if (now - heard >= DEEP_REPLAY || before >= MAX_ORPHANS.sender || n >= MAX_ORPHANS.all) return false
    if (text + length > MAX_ORPHANS.text) return false
    if (gate.trust(rumor.pubkey) === 'unknown') {
      if (strangersText + length > MAX_ORPHANS.strangersText || ++strangers > MAX_ORPHANS.strangers) return false
      strangersText += length
    }
    text += length
    return true
  })
  if (kept.length < edit.index.orphans.length) edit.index.orphans = kept.reverse()
}

/** A call of a peer's that is unknown here, of which it is to be told; without one: the keys of its calls are. */
export type LostCall = { call: string | undefined; to: string }

/**
 * "`lost`, once a day and peer, to one whose numbered signals in a call are unknown here after two complete replays (never for a call
 * that we forgot)." Whom the policy refuses hears nothing of it: that call is unknown here because its request was refused.
 */
export function lostCalls({ index, logs }: State, { now, gate }: { now: number; gate: AdmissionPolicy }): LostCall[] {
  const told = toldToday(index, now)
  const lost = new Map<string, string | undefined>()
  // First: this says it of all its calls. The attack: a thief of its identity names a call that never was, and that is all that is told today.
  for (const peer of unreadablePeers(index)) {
    if (mayCall(gate, gate.trust(peer)) && !isToldToday(index, peer, now)) lost.set(peer, undefined)
  }
  for (const { rumor, replays } of index.orphans) {
    const signal = parseSignal(rumor)
    if (replays < REPLAYS || signal === undefined || signal.seq === 0) continue
    if (logs[signal.call] !== undefined || index.calls[signal.call] !== undefined) continue
    if (index.forgotten[signal.call] !== undefined || lost.has(signal.from)) continue
    if (!mayCall(gate, gate.trust(signal.from))) continue
    if (isToldToday(index, signal.from, now)) continue
    lost.set(signal.from, signal.call)
  }
  return [...lost].slice(0, Math.max(0, MAX_TOLD - told)).map(([to, call]) => ({ call, to }))
}

/**
 * "A ringing request of that peer is not accepted before that is told": whether a peer is still to hear that what it has said in its calls
 * opens with nothing here. A request that rings once more may be that of such a call, and a second accept would fork it at the peer,
 * which would not know why. Where no more can be told today, nothing is held up.
 */
export function isOwedLoss(index: Index, peer: string, now: number): boolean {
  return index.unreadable?.[peer] !== undefined && !isToldToday(index, peer, now) && toldToday(index, now) < MAX_TOLD
}

function toldToday({ lostTold }: Index, now: number): number {
  return Object.values(lostTold).filter((at) => !hasPassed(at, TOLD_EVERY, now)).length
}

function isToldToday({ lostTold }: Index, peer: string, now: number): boolean {
  return !hasPassed(lostTold[peer] ?? Number.NEGATIVE_INFINITY, TOLD_EVERY, now)
}

/** Notes who is about to be told, and forgets whom that was long ago. */
export function markLostTold(state: State, lost: readonly LostCall[], now: number): State {
  if (lost.length === 0) return state
  const edit = beginTransaction(state)
  const recent = Object.entries(state.index.lostTold).filter(([, at]) => !hasPassed(at, TOLD_EVERY, now))
  edit.index.lostTold = Object.fromEntries([...recent, ...lost.map(({ to }) => [to, now] as const)])
  // Of several calls with one peer each is told in its turn: what still speaks in this one comes once more.
  const calls = new Set(lost.map(({ call }) => call))
  edit.index.orphans = edit.index.orphans.filter(({ rumor }) => !calls.has(callId(rumor)))
  if (edit.index.unreadable !== undefined)
    edit.index.unreadable = forgetUnreadable(
      edit.index,
      lost.map(({ to }) => to),
    )
  return edit.commit()
}
