// A signal that came in for a call that is here: whether it takes its place, and what it says of ours.

import { type Log, type LogEntry, peerOf, signalOf } from '../call/log.ts'
import { checkAck, type HeldLog, type Placement, placeSignal } from '../call/placement.ts'
import { digestNow } from '../call/replay.ts'
import { goesUnderCallKey, sealedSignalOf, secrecyOf } from '../call/secrecy.ts'
import type { Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { acknowledge, offerAgain } from './acknowledge.ts'
import type { AdmissionPolicy } from './admission.ts'
import { keepAside, recordFork } from './fork.ts'
import { heldLog } from './held-log.ts'
import { noteHeard } from './peer-record.ts'
import { receiveReceipt } from './receive-receipt.ts'
import { isKeyOver } from './retention.ts'
import { isDowngradeIn, takeInTurn } from './take-signal.ts'
import { type LogLookup, seqKey, type Transaction } from './transaction.ts'
import { countUnanswered, isHangUp, isUnanswered } from './unanswered.ts'

/**
 * `isRewrapped`: whether the rumor came in a wrap that had not been seen, signed by its one-time key: the sender wraps anew because our
 * answer has not reached it. `underCallKey`: its seal was made with the key of its call, and not with the identities'.
 */
export type RumorContext = {
  me: string
  now: number
  admission: AdmissionPolicy
  isRewrapped: () => boolean
  underCallKey: boolean
}

type Arrival = { signal: Signal; rumor: Rumor }

/**
 * Takes in a signal of a call that is here.
 * @param callsHeard gets the calls in which something came in that wants an answer
 * @returns why it was dropped, if it was
 */
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
  const lookup = edit.lookup(mine)
  // The attack: whoever has stolen an identity, and no call key, speaks in a call that both sides were told is secret.
  if (!context.underCallKey && isDowngradeIn(lookup, signal, mine.peerAcked.seq)) {
    // Another machine of the caller hangs up and lacks our accept: with that it gets the key, and its end is understood.
    if (isHangUp(signal) && context.isRewrapped()) offerAgain(edit, mine, context, ['accept'])
    return 'downgraded'
  }
  if (!isUnanswered(mine, me)) noteHeard(edit, signal.from, rumor.created_at, now)
  if (isUnanswered(mine, me) && !isHangUp(signal)) return countUnanswered(mine, signal)
  if (signal.body.type === 'receipt') return receiveReceipt(edit, mine, signal, context, callsHeard)
  if (isHeld(mine, signal.id)) return hearAgain(edit, mine, signal, context, callsHeard)
  if (comesAfterKey(edit, mine, signal, now)) return 'too-late'
  const placement = placeIn(mine, signal, heldLog(mine, lookup), me)
  if (placement.type === 'archive') {
    mine.needsWholeCall = true
    return undefined
  }
  if (placement.type === 'duplicate') return hearAgain(edit, mine, signal, context, callsHeard)
  // A later signal that follows what we hold shows that the peer has the call; one of another branch does not.
  if (placement.type === 'take' || placement.type === 'wait') delete mine.peerLostAt
  if (placement.type === 'drop') return placement.why
  callsHeard.add(log.id)
  const entry: LogEntry = { rumor, heard: now, ...(context.underCallKey && { underCallKey: true }) }
  // The attack: what may have gone under the identities' key is kept beside a call that says it was secret, and shown there. So it is not
  // kept, only told that it came.
  const { secrecy } = lookup
  const isOpen = secrecy?.sealedWith === 'call' && mayUseIdentityKey(signal, secrecy.binding.caller)
  if (placement.type === 'fork') return recordFork(mine, placement, isOpen ? undefined : entry, now)
  // The acks of what waits or is kept aside count on arrival, where they name what we hold.
  if (checkAck(signal.ack, heldLog(mine, lookup), me) === undefined) acknowledge(edit, mine, signal.ack, signal.read)
  // "Who took in or kept aside numbered signals … sends one `receipt`" (docs/PROTOCOL.md, "Delivery"): with 0 the ack is told anew.
  if (placement.type === 'aside' && placement.why !== 'fork') mine.receipts = { ...mine.receipts, ackTaken: 0 }
  if (placement.type === 'aside' && isOpen) return placement.why === 'fork' ? 'forked' : 'downgraded'
  if (placement.type === 'aside') return keepAside(mine, entry, placement.why)
  if (placement.type === 'wait') {
    mine.waiting = { ...mine.waiting, [signal.id]: entry }
    lookup.waiting.set(signal.seq, (lookup.waiting.get(signal.seq) ?? 0) + 1)
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
  // "Or saw one that it has in a wrap that it had not seen" (docs/PROTOCOL.md, "Delivery"): the sender has not heard that we have it.
  log.receipts = { ...log.receipts, ackTaken: 0, ackTried: 0 }
  if (body.type === 'end') offerAgain(edit, log, context, ['end'])
  callsHeard.add(log.id)
  return 'duplicate'
}

/** Verifies the changed calls that both sides have ended. Called once all that came in is in, so that a fork in it comes first. */
export function verifyEndedCalls(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const id of edit.changed()) {
    const log = edit.state.logs[id]
    if (log === undefined || log.verified !== undefined || log.fork !== undefined || log.mergedInto !== undefined)
      continue
    const lookup = edit.lookup(log)
    const peer = peerOf(log, me)
    // Our own `end` is said, the peer's `end` is taken, and the peer acknowledges our own `end` by its id (docs/PROTOCOL.md, "The end").
    if (!lookup.ended.has(me) || peer === undefined || !lookup.ended.has(peer)) continue
    if (log.peerAcked.id !== lookup.last.get(me)?.id) continue
    if (!isConversation(lookup, peer, me)) continue
    const digest = digestNow(log)
    if (digest !== undefined) edit.log(id).verified = { digest, at: now }
  }
}

/** Whether its author may have sealed a signal with the identities' key before it had the call's, whatever it comes under now. */
function mayUseIdentityKey(signal: Signal, caller: string): boolean {
  return isHangUp(signal) || !goesUnderCallKey(sealedSignalOf(signal, caller))
}

// Our key for a ring that came to nothing is gone 7 days later. An accept that comes then would make a call in which nothing opens here,
// and owe an end that we cannot seal. Where either side has no call key, the end can go under the identities' key.
function comesAfterKey({ index }: Transaction, log: Log, signal: Signal, now: number): boolean {
  if (signal.body.type !== 'accept' || !isKeyOver(index.calls[log.id]?.overAt, now)) return false
  const request = signalOf(log, log.id)
  if (request === undefined) return false
  const { id, from: caller, to: callee } = request
  return secrecyOf({ id, caller, callee, signals: [request, signal] })?.sealedWith === 'call'
}

function isHeld(log: Log, id: string): boolean {
  return log.entries[id] !== undefined || log.waiting[id] !== undefined || log.aside[id] !== undefined
}

// Where only the other side has said that the call has forked, what comes may show which log it is. It is not taken any more.
function placeIn(log: Log, signal: Signal, held: HeldLog, me: string): Placement {
  if (log.fork?.by !== 'told') return placeSignal(signal, held, me)
  const placement = placeSignal(signal, { ...held, forked: false }, me)
  return placement.type === 'take' || placement.type === 'wait' ? { type: 'aside', why: 'fork' } : placement
}

// A call that was cancelled, rejected, missed or merged has no digest: there was a conversation only where an accept was its author's
// first word.
function isConversation(lookup: LogLookup, peer: string, me: string): boolean {
  for (const author of [peer, me])
    if (lookup.taken.get(seqKey({ from: author, seq: 1 }))?.body.type === 'accept') return true
  return false
}
