// One rumor that came in: whether it may, what it belongs to, and what it makes of that.

import { type Log, signalOf, withoutContent } from '../call/log.ts'
import { precedes } from '../call/replay.ts'
import { callId, onlyRecipient, parseSignal, type Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { type AdmissionPolicy, mayCall, mayRefuse, overBounds, lacksWork } from './admit.ts'
import { type Transaction, seqKey } from './edit.ts'
import { receiveLetter } from './letterbox.ts'
import { meetRivals } from './refresh.ts'
import { takeOrphans, keepOrphan } from './strays.ts'

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

function receiveRumor(edit: Transaction, rumor: Rumor, reception: RumorContext, touched: Set<string>): string | undefined {
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
