// Signals of calls that are not here: their request is still to come, since relays keep no order, or the call was lost with an older
// state. After two complete replays it is lost, and the other side is told.

import { callId, parseSignal } from '../call/signal-codec.ts'
import type { Rumor } from '../nostr/event.ts'
import { type AdmissionPolicy, acquaintanceIn, mayCall } from './admission.ts'
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

/** How many complete replays without its request make a call lost; how often a peer is told, in seconds, and how many strangers a day. */
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

/**
 * Bounds what others can make us keep by making up calls without end. Of everybody the latest stay; whoever is known goes first, and
 * strangers take turns. The attack: two keys, so that nobody else's has room.
 */
export function boundOrphans(
  edit: Transaction,
  { now, gate }: { now: number; gate: Pick<AdmissionPolicy, 'trust'> },
): void {
  const { orphans } = edit.index
  if (orphans.length === 0) return
  const isKnown = acquaintanceIn(edit.index, gate)
  const bySender = new Map<string, number>()
  const ranked = orphans.toReversed().flatMap((orphan) => {
    const { pubkey } = orphan.rumor
    const turn = bySender.get(pubkey) ?? 0
    bySender.set(pubkey, turn + 1)
    const isLeft = now - orphan.heard < DEEP_REPLAY && turn < MAX_ORPHANS.sender
    return isLeft ? [{ orphan, turn, known: isKnown(pubkey) }] : []
  })
  const kept = new Set<Orphan>()
  let [strangers, text, strangersText] = [0, 0, 0]
  for (const { orphan, known } of ranked.sort(sooner)) {
    const { length } = orphan.rumor.content
    if (kept.size >= MAX_ORPHANS.all || text + length > MAX_ORPHANS.text) continue
    if (!known) {
      if (strangersText + length > MAX_ORPHANS.strangersText || strangers >= MAX_ORPHANS.strangers) continue
      strangers += 1
      strangersText += length
    }
    text += length
    kept.add(orphan)
  }
  if (kept.size < orphans.length) edit.index.orphans = orphans.filter((orphan) => kept.has(orphan))
}

type RankedOrphan = { turn: number; known: boolean }

function sooner(a: RankedOrphan, b: RankedOrphan): number {
  return Number(b.known) - Number(a.known) || (a.known ? 0 : a.turn - b.turn)
}

/** A call of a peer's that is unknown here, of which it is to be told; without one: the keys of its calls are. */
export type LostCall = { call: string | undefined; to: string }

/**
 * "`lost`, once a day and peer, to one whose numbered signals in a call are unknown here after two complete replays (never for a call
 * that we forgot)." Whom the policy refuses hears nothing of it: that call is unknown here because its request was refused. Whoever
 * is known stands first, and is told whatever strangers have used up.
 */
export function lostCalls({ index, logs }: State, { now, gate }: { now: number; gate: AdmissionPolicy }): LostCall[] {
  const isKnown = acquaintanceIn(index, gate)
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
  const all = [...lost].map(([to, call]) => ({ call, to }))
  const strangers = all.filter(({ to }) => !isKnown(to))
  const left = Math.max(0, MAX_TOLD - strangersToldToday(index, isKnown, now))
  return [...all.filter(({ to }) => isKnown(to)), ...strangers.slice(0, left)]
}

/**
 * "A ringing request of that peer is not accepted before that is told": whether a peer is still to hear that what it has said in its calls
 * opens with nothing here. A request that rings once more may be that of such a call, and a second accept would fork it at the peer,
 * which would not know why. Where no more can be told today, nothing is held up.
 */
export function isOwedLoss(
  index: Index,
  peer: string,
  { now, gate }: { now: number; gate: Pick<AdmissionPolicy, 'trust'> },
): boolean {
  if (index.unreadable?.[peer] === undefined || isToldToday(index, peer, now)) return false
  const isKnown = acquaintanceIn(index, gate)
  return isKnown(peer) || strangersToldToday(index, isKnown, now) < MAX_TOLD
}

function strangersToldToday({ lostTold }: Index, isKnown: (pubkey: string) => boolean, now: number): number {
  const today = Object.entries(lostTold).filter(([peer, at]) => !isKnown(peer) && !hasPassed(at, TOLD_EVERY, now))
  return today.length
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
