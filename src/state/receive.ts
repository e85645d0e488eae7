// What came in, merged into the state. Pure, and the same whatever the order and however often: it is applied to what was
// loaded, and once more under the lock to what is newest.
// One rumor that came in: whether it may, what it belongs to, and what it makes of that.
// Rumors of calls whose request has not come yet: kept for it, since relays keep no order.

import { type Log, signalOf, withoutContent } from '../call/log.ts'
import { precedes } from '../call/replay.ts'
import type { Signal } from '../call/signal.ts'
import { callId, onlyRecipient, parseSignal } from '../call/signal-codec.ts'
import type { Rumor } from '../nostr/event.ts'
import type { OpenedWrap } from '../nostr/nip59.ts'
import { type AdmissionPolicy, lacksWork, mayCall, mayRefuse, meterFor, overBounds } from './admission.ts'
import { catchUp, commitCalls, meetRivals } from './call-index.ts'
import { type CompleteReplay, DEEP_REPLAY, forgetSeen, moveCursors, rereadLostCalls } from './cursors.ts'
import { expireRinging, pruneCalls } from './expiry.ts'
import { boundLetters, receiveLetter } from './letters.ts'
import type { State } from './state.ts'
import { beginTransaction, seqKey, type Transaction } from './transaction.ts'

/** `deep`: wraps that are known are heard once more. `now` and `replayed` are by the relays' clock. */
export type ReceiveContext = Omit<RumorContext, 'known'> & { replayed: readonly CompleteReplay[]; deep?: boolean }

/** @returns the state, and the calls in which something numbered was new. */
export function receiveAll(
  state: State,
  opened: readonly OpenedWrap[],
  hearing: ReceiveContext,
): { state: State; touched: string[] } {
  const edit = beginTransaction(state)
  const touched = new Set<string>()
  rereadLostCalls(edit)
  edit.index.meter = meterFor(edit.index.meter, hearing.now)
  for (const { wrap, stamp, bits, rumor, reason } of opened) {
    const known = edit.index.seen[wrap] !== undefined
    if (known && hearing.deep !== true) continue
    edit.table('seen')[wrap] = stamp
    const dropped = rumor === undefined ? reason : admitRumor(edit, rumor, bits, { ...hearing, known }, touched)
    if (dropped !== undefined) edit.table('dropped')[dropped] = (edit.index.dropped[dropped] ?? 0) + 1
  }
  edit.commit()
  catchUp(edit, hearing)
  expireRinging(edit, { ...hearing, isNew: (id) => state.logs[id] === undefined })
  moveCursors(edit, hearing.replayed, hearing.now)
  forgetSeen(edit, hearing.now)
  boundOrphans(edit, hearing.now)
  boundLetters(edit, hearing.gate)
  pruneCalls(edit, hearing.gate)
  return { state: commitCalls(edit, hearing), touched: [...touched] }
}

/** `now` is by the relays' clock where that is known. `known`: the wrap has been opened before. */
export type RumorContext = { me: string; now: number; gate: AdmissionPolicy; known: boolean }

/** Takes in one rumor; why it was dropped, if it was. `touched`: calls in which something numbered was new. */
export function admitRumor(
  edit: Transaction,
  rumor: Rumor,
  bits: number,
  reception: RumorContext,
  touched: Set<string>,
): string | undefined {
  const { gate, me } = reception
  if (rumor.pubkey === me) return 'own-copy'
  // The attack: anybody can fill a mailbox. What the gate stops costs a count and nothing else.
  const trust = gate.trust(rumor.pubkey)
  if (trust === 'blocked') return 'blocked'
  const first = callId(rumor) === undefined
  const dropped = first ? lacksWork(bits, trust, gate) : undefined
  return dropped ?? overBounds(edit.index.meter, rumor, first, gate) ?? receiveRumor(edit, rumor, reception, touched)
}

function receiveRumor(
  edit: Transaction,
  rumor: Rumor,
  reception: RumorContext,
  touched: Set<string>,
): string | undefined {
  const signal = parseSignal(rumor)
  if (signal === undefined) return receiveLetter(edit, rumor, reception)
  if (signal.to !== reception.me) return 'not-for-us'
  if (signal.body.type === 'request') return receiveRequest(edit, signal, rumor, reception, touched)
  const log = edit.state.logs[signal.call]
  return log === undefined
    ? keepOrphan(edit, rumor, reception.now)
    : receiveInCall(edit, log, signal, rumor, reception, touched)
}

function receiveRequest(
  edit: Transaction,
  signal: Signal,
  rumor: Rumor,
  reception: RumorContext,
  touched: Set<string>,
): string | undefined {
  const { gate, now, me } = reception
  const held = edit.state.logs[signal.id]
  const welcome = mayCall(gate, gate.trust(signal.from))
  if (held === undefined) {
    if (!welcome && !mayRefuse(edit.index.meter, signal.from, gate)) return 'policy'
    if (!welcome) edit.index.meter.refused = { ...edit.index.meter.refused, [signal.from]: true }
    const log = edit.log(signal.id)
    edit.entries(log)[signal.id] = { rumor, heard: now }
    if (welcome) log.unread.push(signal.id)
    touched.add(signal.id)
  } else {
    ackAgain(edit.log(signal.id), signal, reception)
  }
  meetRivals(edit, signal.id, me)
  for (const early of takeOrphans(edit, signal.id)) receiveRumor(edit, early, reception, touched)
  return held === undefined ? undefined : 'duplicate'
}

function receiveInCall(
  edit: Transaction,
  log: Log,
  signal: Signal,
  rumor: Rumor,
  reception: RumorContext,
  touched: Set<string>,
): string | undefined {
  // A third party that knows a call's id (a former relay operator, a leaked log) is not part of it.
  if (signal.from !== peerOf(log, reception.me)) return 'third-party'
  const mine = edit.log(log.id)
  acknowledge(edit, mine, signal)
  if (signal.body.type === 'receipt') return undefined
  if (mine.entries[signal.id] !== undefined) {
    ackAgain(mine, signal, reception)
    return 'duplicate'
  }
  const { said } = edit.logIndex(mine)
  const taken = said.get(seqKey(signal))
  if (taken !== undefined) {
    if (!precedes(signal, taken)) return 'seq-taken'
    delete edit.entries(mine)[taken.id]
    mine.unread = mine.unread.filter((id) => id !== taken.id)
  }
  edit.entries(mine)[signal.id] = { rumor, heard: reception.now }
  said.set(seqKey(signal), signal)
  if (isNews(said, signal, reception.me)) mine.unread.push(signal.id)
  touched.add(log.id)
  return taken === undefined ? undefined : 'seq-taken'
}

// Whoever wraps anew what we have does not know that we have it: the receipt was lost, also where a relay said OK to it.
function ackAgain(log: Log, { seq }: Signal, { known }: RumorContext): void {
  if (!known && seq <= log.told.taken) log.told = { ...log.told, taken: seq - 1, tried: seq - 1 }
}

// What the peer says it has is delivered; what it says it misses is wrapped anew by the outbox. Whatever is not in the
// outbox has been acked before.
function acknowledge(edit: Transaction, log: Log, { ack, body }: Signal): void {
  const { owed, last } = edit.logIndex(log)
  // An ack beyond what we have said is a lie or another device's: it confirms nothing.
  if (ack > log.acked && ack <= last) {
    log.acked = ack
    for (const [seq, id] of owed) {
      if (seq > ack) break
      owed.delete(seq)
      markDelivered(edit, log, id)
    }
  }
  if (body.type !== 'receipt' || body.missing.length === 0) return
  for (const [seq, id] of owed) {
    const posting = log.outbox[id]
    const wanted = body.missing.some(([first, last]) => seq >= first && seq <= last)
    if (wanted && posting !== undefined) log.outbox[id] = { ...posting, wanted }
  }
}

// The peer has it: nothing is owed, and the bytes of a file need not be kept for another try.
function markDelivered(edit: Transaction, log: Log, id: string): void {
  delete log.outbox[id]
  const body = signalOf(log, id)?.body
  const entry = log.entries[id]
  if (body?.type === 'file' && body.remote === undefined && entry !== undefined)
    edit.entries(log)[id] = withoutContent(entry)
}

// A file is news once it is whole. The end that confirms our own is not news, unless it says something.
function isNews(said: ReadonlyMap<string, Signal>, { body }: Signal, me: string): boolean {
  if (body.type === 'file') return false
  if (body.type !== 'end' || body.text !== '') return true
  for (const signal of said.values()) if (signal.from === me && signal.body.type === 'end') return false
  return true
}

function peerOf(log: Log, me: string): string | undefined {
  const request = log.entries[log.id]?.rumor
  if (request === undefined) return undefined
  return request.pubkey === me ? onlyRecipient(request) : request.pubkey
}

/** Most of all of them, and of one sender: a stranger can make up calls without end. */
const MAX_ORPHANS = { all: 400, sender: 40 }

export function keepOrphan(edit: Transaction, rumor: Rumor, now: number): string | undefined {
  if (edit.index.strays.some((s) => s.rumor.id === rumor.id)) return 'duplicate'
  edit.index.strays = [...edit.index.strays, { rumor, heard: now }]
  return undefined
}

/** Takes out what has been waiting for this call. */
export function takeOrphans(edit: Transaction, call: string): Rumor[] {
  const mine = edit.index.strays.filter((s) => callId(s.rumor) === call)
  if (mine.length > 0) edit.index.strays = edit.index.strays.filter((s) => callId(s.rumor) !== call)
  return mine.map((s) => s.rumor)
}

export function boundOrphans(edit: Transaction, now: number): void {
  const bySender = new Map<string, number>()
  const kept = edit.index.strays.toReversed().filter(({ rumor, heard }, n) => {
    const before = bySender.get(rumor.pubkey) ?? 0
    bySender.set(rumor.pubkey, before + 1)
    return now - heard < DEEP_REPLAY && before < MAX_ORPHANS.sender && n < MAX_ORPHANS.all
  })
  if (kept.length < edit.index.strays.length) edit.index.strays = kept.reverse()
}
