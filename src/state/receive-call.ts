// A signal that came in for a call that is here: whether it takes its place, and what it says of ours.

import { type HeldLog, type Judgement, judgeAck, judgeSignal } from '../call/judgement.ts'
import { type Log, type LogEntry, parsedSignal, peerOf, signalOf } from '../call/log.ts'
import { digestNow } from '../call/replay.ts'
import { goesUnderCallKey, isDowngraded, sealedSignalOf, secrecyIn } from '../call/secrecy.ts'
import type { Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { acknowledge, offerAgain, offerMissing } from './acknowledge.ts'
import { type AdmissionPolicy, mayCall } from './admission.ts'
import { keepAside, recordFork } from './fork.ts'
import { markLost } from './lost-calls.ts'
import { noteHeard } from './peer-record.ts'
import { indexSignal, type LogIndex, seqKey, type Transaction } from './transaction.ts'

/**
 * `isRewrapped`: whether the rumor came in a wrap that had not been seen, made by whoever has its one-time key: the sender wraps anew
 * because our answer has not reached it. `underCallKey`: its seal was made with the key of its call, and not with the identities'.
 */
export type RumorContext = {
  me: string
  now: number
  admission: AdmissionPolicy
  isRewrapped: () => boolean
  underCallKey: boolean
}

type Arrival = { signal: Signal; rumor: Rumor }

/** Takes in a signal of a call; why it was dropped, if it was. `callsHeard`: calls in which something came in that wants an answer. */
export function receiveSignal(
  edit: Transaction,
  log: Log,
  { signal, rumor }: Arrival,
  context: RumorContext,
  callsHeard: Set<string>,
): string | undefined {
  const { me, now } = context
  // A third party that knows a call's id (a former relay operator, a leaked log) is not part of it.
  if (signal.from !== peerOf(log, me)) return 'third-party'
  const mine = edit.log(log.id)
  const index = edit.logIndex(mine)
  // The attack: whoever has stolen an identity, and no call key, speaks in a call that both sides were told is secret.
  if (!context.underCallKey && isDowngradeIn(index, signal, mine.acked.seq)) {
    // Another machine of the caller's hangs up, and has not our accept: with that it has the key, and need not offer its end in vain.
    if (isHangUp(signal) && context.isRewrapped()) offerAgain(edit, mine, context, ['accept'])
    return 'downgraded'
  }
  if (!isUnanswered(mine, me)) noteHeard(edit, signal.from, rumor.created_at, now)
  if (isUnanswered(mine, me) && !isHangUp(signal)) return countUnanswered(mine, signal)
  if (signal.body.type === 'receipt') return receiveReceipt(edit, mine, signal, context, callsHeard)
  if (isHeld(mine, signal.id)) return hearAgain(edit, mine, signal, context, callsHeard)
  const verdict = judgeIn(mine, signal, heldLog(mine, index), me)
  if (verdict.type === 'archive') {
    mine.unjudged = true
    return undefined
  }
  if (verdict.type === 'duplicate') return hearAgain(edit, mine, signal, context, callsHeard)
  // A later signal that follows what we hold shows that the peer has the call; one of another branch does not.
  if (verdict.type === 'take' || verdict.type === 'wait') delete mine.lost
  if (verdict.type === 'drop') return verdict.why
  callsHeard.add(log.id)
  const entry: LogEntry = { rumor, heard: now, ...(context.underCallKey && { underCallKey: true }) }
  // The attack: what may have gone in the open is kept beside a call that says it was secret, and is shown there. That it came is told.
  const bound = index.secrecy?.bound
  const isOpen = bound?.secrecy === 'call' && mayGoInTheOpen(signal, bound.binding.caller)
  if (verdict.type === 'fork') return recordFork(mine, verdict, isOpen ? undefined : entry, now)
  // Acks of what waits or is kept aside count on arrival, where they name what we hold.
  if (judgeAck(signal.ack, heldLog(mine, index), me) === undefined) acknowledge(edit, mine, signal.ack, signal.read)
  if (verdict.type === 'aside' && isOpen) return verdict.why === 'fork' ? 'forked' : 'downgraded'
  if (verdict.type === 'aside') return keepAside(mine, entry, verdict.why)
  if (verdict.type === 'wait') {
    mine.waiting = { ...mine.waiting, [signal.id]: entry }
    index.waiting.set(signal.seq, (index.waiting.get(signal.seq) ?? 0) + 1)
    return undefined
  }
  takeInTurn(edit, mine, { signal, entry }, context)
  return undefined
}

function hearAgain(
  edit: Transaction,
  log: Log,
  { body }: Signal,
  context: RumorContext,
  callsHeard: Set<string>,
): 'duplicate' {
  if (!context.isRewrapped()) return 'duplicate'
  // "Or saw one that it has in a wrap that it had not seen": the sender has not heard that we have it.
  log.told = { ...log.told, taken: 0, tried: 0 }
  if (body.type === 'end') offerAgain(edit, log, context, ['end'])
  callsHeard.add(log.id)
  return 'duplicate'
}

/** Verifies the calls that both sides have ended, when all that came in is in. */
export function settleCalls(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const id of edit.changed()) {
    const log = edit.state.logs[id]
    if (log === undefined || log.verified !== undefined || log.fork !== undefined || log.merged !== undefined) continue
    const index = edit.logIndex(log)
    const peer = peerOf(log, me)
    // "Our own `end` is said; the peer's `end` is taken; and a signal or receipt of the peer acks, by id, our own `end`."
    if (!index.ended.has(me) || peer === undefined || !index.ended.has(peer)) continue
    if (log.acked.id !== index.last.get(me)?.id) continue
    if (!isConversation(index, peer, me)) continue
    const digest = digestNow(log)
    if (digest !== undefined) edit.log(id).verified = { digest, at: now }
  }
}

// "Before an answer a ringing call is its request and a counter: nothing else of a stranger's is stored but its `end`, which
// cancels." What was not kept is offered again, since we do not acknowledge it.
function isUnanswered(log: Log, me: string): boolean {
  const request = log.entries[log.id]?.rumor
  return request?.pubkey !== me && Object.values(log.entries).every(({ rumor }) => rumor.pubkey !== me)
}

/** Whether a signal is how a caller hangs up before it has heard of an answer. */
export function isHangUp({ body, seq, ack }: Signal): boolean {
  return body.type === 'end' && seq === 2 && ack.seq === 0
}

/** What its author may have sealed with its identity's key before it had one of the call, whatever it comes under now; a second answer too. */
function mayGoInTheOpen(signal: Signal, caller: string): boolean {
  return isHangUp(signal) || !goesUnderCallKey(sealedSignalOf(signal, caller))
}

function countUnanswered(log: Log, { body }: Signal): string | undefined {
  if (body.type !== 'receipt') log.unanswered = (log.unanswered ?? 0) + 1
  return 'unanswered'
}

function isHeld(log: Log, id: string): boolean {
  return log.entries[id] !== undefined || log.waiting[id] !== undefined || log.aside[id] !== undefined
}

function heldLog(log: Log, index: LogIndex): HeldLog {
  return {
    call: log.id,
    idAt: (author, seq) => {
      const known = index.said.get(seqKey({ from: author, seq }))?.id
      if (known !== undefined) return known
      const tail = log.past?.tails[author]
      if (tail === undefined || seq > tail.seq) return undefined
      return seq === tail.seq ? tail.id : 'archived'
    },
    last: (author) => index.last.get(author) ?? { seq: 0, id: undefined },
    hasEnded: (author) => index.ended.has(author),
    waitingAt: (seq) => index.waiting.get(seq) ?? 0,
    frozen: log.verified !== undefined,
    forked: log.fork !== undefined,
  }
}

// Where only the other side has said that the call has forked, what comes may show which of the two it is; taken is nothing any more.
function judgeIn(log: Log, signal: Signal, held: HeldLog, me: string): Judgement {
  if (log.fork?.by !== 'told') return judgeSignal(signal, held, me)
  const verdict = judgeSignal(signal, { ...held, forked: false }, me)
  return verdict.type === 'take' || verdict.type === 'wait' ? { type: 'aside', why: 'fork' } : verdict
}

/** Takes a signal, and then whatever has waited for it. */
function takeInTurn(
  edit: Transaction,
  log: Log,
  first: { signal: Signal; entry: LogEntry },
  context: RumorContext,
): void {
  let next: { signal: Signal; entry: LogEntry } | undefined = first
  while (next !== undefined && log.fork === undefined) {
    const { signal }: { signal: Signal } = next
    take(edit, log, next, context)
    next = judgeWaiting(edit, log, signal, context)
  }
}

function take(
  edit: Transaction,
  log: Log,
  { signal, entry }: { signal: Signal; entry: LogEntry },
  context: RumorContext,
): void {
  const index = edit.logIndex(log)
  // "A receiver reads one that is lower as that of `prev`, marks the line, receipts counted too, and drops nothing for it."
  const before = Math.max(index.acks.get(signal.from) ?? 0, log.receiptAck ?? 0)
  const marked = signal.ack.seq < before ? { ...entry, hadAcked: before } : entry
  edit.entries(log)[signal.id] = marked
  indexSignal(index, signal)
  if (signal.body.type === 'end') log.ackedAtEnd = log.acked.seq
  if (signal.body.type === 'accept') {
    index.secrecy = secrecyIn(log)
    dropDowngraded(edit, log)
    mergeRequest(edit, log, signal.body.merged, signal.from)
  }
  if (isNews(index, signal, context)) log.unread.push(signal.id)
}

function isDowngradeIn({ secrecy }: LogIndex, signal: Signal, acked: number): boolean {
  if (secrecy?.bound.secrecy !== 'call') return false
  return isDowngraded(sealedSignalOf(signal, secrecy.bound.binding.caller), secrecy.acceptedAt, acked)
}

// What came before the accept is judged by how it was sealed once the accept is here, whether it waits or is kept aside. The attack: a
// message under the identities' key that is sent ahead of the accept which promises that there are none.
function dropDowngraded(edit: Transaction, log: Log): void {
  const index = edit.logIndex(log)
  const isDropped = ([, { rumor, underCallKey }]: [string, LogEntry]) => {
    const signal = parsedSignal(rumor)
    return signal !== undefined && underCallKey !== true && isDowngradeIn(index, signal, log.acked.seq)
  }
  const waiting = Object.entries(log.waiting).filter(isDropped)
  const aside = Object.entries(log.aside).filter(isDropped)
  for (const [, { rumor }] of waiting) {
    const seq = parsedSignal(rumor)?.seq ?? 0
    index.waiting.set(seq, (index.waiting.get(seq) ?? 1) - 1)
  }
  const dropped = waiting.length + aside.length
  if (dropped === 0) return
  log.waiting = without(log.waiting, waiting)
  log.aside = without(log.aside, aside)
  edit.table('dropped').downgraded = (edit.index.dropped.downgraded ?? 0) + dropped
}

function without<T>(all: Readonly<Record<string, T>>, some: readonly [string, unknown][]): Record<string, T> {
  const ids = new Set(some.map(([id]) => id))
  return Object.fromEntries(Object.entries(all).filter(([id]) => !ids.has(id)))
}

/**
 * "A waiting rumor is judged when its number, or the one before it, is taken": another one under the same number, or one that links to
 * something else, is a branch. Of several that fit, the first that came.
 */
function judgeWaiting(
  edit: Transaction,
  log: Log,
  taken: Signal,
  context: RumorContext,
): { signal: Signal; entry: LogEntry } | undefined {
  if (Object.keys(log.waiting).length === 0) return undefined
  const index = edit.logIndex(log)
  const waiting = { ...log.waiting }
  let next: { signal: Signal; entry: LogEntry } | undefined
  for (const [id, entry] of Object.entries(log.waiting)) {
    const signal = parsedSignal(entry.rumor)
    // What stays waits for a later number; behind an end nothing comes any more.
    if (signal === undefined || (signal.seq > taken.seq + 1 && !index.ended.has(taken.from))) continue
    const fits = signal.seq === taken.seq + 1 && signal.prev === taken.id && !index.ended.has(taken.from)
    if (fits && next === undefined) {
      next = { signal, entry }
      delete waiting[id]
      index.waiting.set(signal.seq, (index.waiting.get(signal.seq) ?? 1) - 1)
      continue
    }
    // The second one that fits is judged when the first has its place.
    if (fits) continue
    delete waiting[id]
    const verdict = judgeSignal(signal, heldLog(log, index), context.me)
    if (verdict.type === 'fork') recordFork(log, verdict, entry, context.now)
    else if (verdict.type === 'aside') keepAside(log, entry, verdict.why)
    else if (verdict.type === 'archive') log.unjudged = true
  }
  log.waiting = waiting
  return log.fork === undefined ? next : undefined
}

function receiveReceipt(
  edit: Transaction,
  log: Log,
  signal: Signal,
  context: RumorContext,
  callsHeard: Set<string>,
): string | undefined {
  const { body, ack, read } = signal
  const { now, me } = context
  if (body.type !== 'receipt') return undefined
  if (body.fork !== undefined) {
    const last = edit.logIndex(log).last.get(signal.from)
    const place = { seq: Math.max(1, last?.seq ?? 1), id: last?.id ?? log.id }
    return log.fork === undefined ? recordFork(log, { type: 'fork', by: 'told', ...place }, undefined, now) : undefined
  }
  if (body.lost === true) {
    markLost(log, now)
    return undefined
  }
  const verdict = judgeAck(ack, heldLog(log, edit.logIndex(log)), me)
  if (verdict?.type === 'archive') {
    log.unjudged = true
    return undefined
  }
  // Who asks for what is missing does not know yet that there is nothing to come.
  if (log.fork !== undefined && body.missing.length > 0) callsHeard.add(log.id)
  if (verdict !== undefined) {
    callsHeard.add(log.id)
    return log.fork === undefined && log.verified === undefined ? recordFork(log, verdict, undefined, now) : undefined
  }
  delete log.lost
  log.receiptAck = Math.max(log.receiptAck ?? 0, ack.seq)
  acknowledge(edit, log, ack, read)
  offerMissing(edit, log, body.missing, context)
  return undefined
}

// "Nothing is built on it: no line changes, no number is skipped, no link to what we do not hold is signed." A verified call stays as
// it is; the attempt is told.
// What the peer has taken is delivered; whatever is not in the outbox has been acknowledged before.
// The peer has it: nothing is owed, and the bytes of a file need not be kept for another try.
// The other side's request that its accept of ours takes in: it does not ring any more. Any other that was held rings then.
function mergeRequest(edit: Transaction, log: Log, merged: string | undefined, from: string): void {
  const other = merged === undefined ? undefined : edit.state.logs[merged]
  if (other === undefined || signalOf(other, other.id)?.from !== from || other.merged !== undefined) return
  const mine = edit.log(other.id)
  // One that we have answered is a conversation already.
  if (!isUnanswered(mine, log.entries[log.id]?.rumor.pubkey ?? '')) return
  mine.merged = log.id
  mine.unread = mine.unread.filter((id) => id !== other.id)
  delete mine.held
}

// A file is news once it is whole. What we do not understand ends no wait. The end that confirms our own is no news.
function isNews(index: LogIndex, signal: Signal, { me, admission }: RumorContext): boolean {
  const { body } = signal
  if (body.type === 'file' || body.type === 'opaque') return false
  // The attack: whom the policy refuses calls and hangs up, and its farewell is read after all.
  const isCaller = index.said.get(seqKey({ from: signal.from, seq: 1 }))?.body.type === 'request'
  const isAccepted = index.said.get(seqKey({ from: me, seq: 1 }))?.body.type === 'accept'
  if (isCaller && !isAccepted && !mayCall(admission, admission.trust(signal.from))) return false
  return body.type !== 'end' || body.text !== '' || body.outcome !== undefined || !index.ended.has(me)
}

// "A cancelled, rejected, missed, merged or forked call has no digest": there was a conversation only where an accept stands, and the
// caller had it before it hung up.
function isConversation(index: LogIndex, peer: string, me: string): boolean {
  for (const author of [peer, me])
    if (index.said.get(seqKey({ from: author, seq: 1 }))?.body.type === 'accept') return true
  return false
}
