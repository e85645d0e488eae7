// What a peer's receipt says of our signals: how far it has them, what it misses, that the call has forked or is lost there.

import type { Log } from '../call/log.ts'
import { checkAck } from '../call/placement.ts'
import type { SeqRange, Signal } from '../call/signal.ts'
import { acknowledge, offerMissing } from './acknowledge.ts'
import { recordFork } from './fork.ts'
import { heldLog } from './held-log.ts'
import { markLost } from './lost-calls.ts'
import type { Transaction } from './transaction.ts'

/** All of a side's signals that somebody without the call's key can open. */
const FIRST_WORD: SeqRange = [1, 1]

/**
 * Takes in a receipt.
 * @param callsHeard gets the calls in which something came in that wants an answer
 * @returns why it was dropped, if it was
 */
export function receiveReceipt(
  edit: Transaction,
  log: Log,
  signal: Signal,
  context: { me: string; now: number; underCallKey: boolean },
  callsHeard: Set<string>,
): string | undefined {
  const { body, ack, read } = signal
  const { now, me } = context
  if (body.type !== 'receipt') return undefined
  if (body.fork !== undefined) {
    const last = edit.lookup(log).last.get(signal.from)
    const place = { seq: Math.max(1, last?.seq ?? 1), id: last?.id ?? log.id }
    return log.fork === undefined ? recordFork(log, { type: 'fork', by: 'told', ...place }, undefined, now) : undefined
  }
  if (body.lost === true) {
    markLost(log, now)
    return undefined
  }
  const verdict = checkAck(ack, heldLog(log, edit.lookup(log)), me)
  if (verdict?.type === 'archive') {
    log.needsWholeCall = true
    return undefined
  }
  // A peer that asks for what is missing does not know yet that nothing more comes.
  if (log.fork !== undefined && body.missing.length > 0) callsHeard.add(log.id)
  if (verdict !== undefined) {
    callsHeard.add(log.id)
    return log.fork === undefined && log.verified === undefined ? recordFork(log, verdict, undefined, now) : undefined
  }
  log.peerReceiptAck = Math.max(log.peerReceiptAck ?? 0, ack.seq)
  acknowledge(edit, log, ack, read)
  // The attack: a thief of an identity, without the call's key, takes back that the call is lost there, or has all of it wrapped anew.
  const hasKey = context.underCallKey || edit.lookup(log).secrecy?.sealedWith !== 'call'
  if (hasKey) delete log.peerLostAt
  const asked = hasKey ? body.missing : body.missing.filter(([first]) => first === 1).map(() => FIRST_WORD)
  offerMissing(edit, log, asked, context)
  return undefined
}
