// What we owe a peer without being asked: the confirming end, the end that answers a late accept, and one receipt.

import type { IntendedSignal } from '../call/decide.ts'
import { cutOf } from '../call/digest.ts'
import type { Log } from '../call/log.ts'
import { type Call, nextClock } from '../call/replay.ts'
import type { Body, SeqRange } from '../call/signal.ts'
import { type AdmissionPolicy, mayCall } from './admission.ts'
import type { Speaker } from './say.ts'
import type { State } from './state.ts'
import { beginTransaction } from './transaction.ts'

const PLAIN_END: Body = { type: 'end', text: '', cut: undefined, digest: '', expired: false }

/** Who may call, and whose calls are answered without asking. */
export type Policy = AdmissionPolicy & { autoAnswer: 'nobody' | 'trusted' }

/** How we introduce ourselves when we accept. */
type Introduction = { name: string; relays: string[] }

/** An ack that no relay took is tried again after a minute, and what is missing is asked for again after five. */
const REPEAT_AFTER = { ack: 60, missing: 300 }

/** The ends that the rules want from us now. They are numbered and owed like anything else that we say. */
export function endsDue(calls: readonly Call[]): IntendedSignal[] {
  return calls.flatMap((call) => {
    const [own, theirs] =
      call.mine === 'caller' ? [call.ends.caller, call.ends.callee] : [call.ends.callee, call.ends.caller]
    if (own !== undefined) return []
    const draft = { to: call.peer, call: call.id }
    // The peer's end is confirmed once everything in its cut is here: the digest must be over the same call.
    if (
      theirs !== undefined &&
      (call.phase === 'ended' || call.phase === 'missed') &&
      call.ack >= (cutOf(theirs)?.[0] ?? 0)
    ) {
      return [{ ...draft, body: PLAIN_END }]
    }
    const late = call.lines.some((l) => l.late && l.signal.body.type === 'accept' && l.signal.from === call.peer)
    if (call.phase === 'missed' && call.mine === 'caller' && late)
      return [{ ...draft, body: { ...PLAIN_END, expired: true } }]
    return []
  })
}

/**
 * What is answered without asking our agent: a stranger whom the policy does not let in hears so, and a trusted peer is
 * let in where the owner has said so.
 */
export function automaticAnswers(calls: readonly Call[], gate: Policy, self: Introduction): IntendedSignal[] {
  return calls.flatMap((call): IntendedSignal[] => {
    if (call.phase !== 'ringing' || call.mine !== 'callee') return []
    const trust = gate.trust(call.peer)
    const draft = { to: call.peer, call: call.id }
    if (!mayCall(gate, trust)) {
      // Whoever was blocked while it rang hears nothing any more.
      const body: Body = { type: 'reject', text: '', reason: 'policy' }
      return gate.silent || trust === 'blocked' ? [] : [{ ...draft, body }]
    }
    const takes = gate.autoAnswer === 'trusted' && (trust === 'trusted' || trust === 'owner')
    return takes ? [{ ...draft, body: { type: 'accept', text: '', ...self } }] : []
  })
}

export type PendingReceipt = { call: string; to: string; lc: number; ack: number; missing: SeqRange[] }

/** Most strangers who are told in one run that their call has come in; the others hear it in the next ones. */
const MAX_RINGING_RECEIPTS = 8

/**
 * The receipts to send: at most one a call, none where something numbered goes out anyway (it carries the ack).
 * @param touched calls in which this run took in something numbered
 * @param speaking calls in which this run says something
 */
export function receiptsDue(
  state: State,
  calls: readonly Call[],
  touched: readonly string[],
  speaking: readonly string[],
  now: number,
  gate: Pick<AdmissionPolicy, 'trust'>,
): PendingReceipt[] {
  let welcomed = 0
  // The latest first: who has just called is there to hear it.
  return calls.toReversed().flatMap((call) => {
    const log = state.logs[call.id]
    if (log === undefined || speaking.includes(call.id)) return []
    const asks =
      call.gaps.length > 0 && (touched.includes(call.id) || Math.abs(now - log.told.asked) > REPEAT_AFTER.missing)
    if (!asks && !owesReceipt(log, call, now)) return []
    // The attack: thousands of calls, so that we write to thousands of relays that their callers have chosen.
    if (isStrange(call, gate) && (call.phase !== 'ringing' || ++welcomed > MAX_RINGING_RECEIPTS)) return []
    return [{ call: call.id, to: call.peer, lc: nextClock(call), ack: call.ack, missing: call.gaps }]
  })
}

// A call of somebody unknown in which we have said nothing.
function isStrange({ mine, seq, peer }: Call, { trust }: Pick<AdmissionPolicy, 'trust'>): boolean {
  return mine === 'callee' && seq === 0 && trust(peer) === 'unknown'
}

function owesReceipt({ told }: Log, call: Call, now: number): boolean {
  if (call.ack <= told.taken) return false
  return call.ack > told.tried || Math.abs(now - told.at) > REPEAT_AFTER.ack
}

/** Marks the acks that this run is about to tell, by receipt or by what it says. */
export function markReceiptsTried(
  state: State,
  acks: readonly Pick<PendingReceipt, 'call' | 'ack' | 'missing'>[],
  { now }: Speaker,
): State {
  if (acks.length === 0) return state
  const edit = beginTransaction(state)
  for (const { call, ack, missing } of acks) {
    const log = edit.log(call)
    log.told = {
      ...log.told,
      tried: Math.max(ack, log.told.tried),
      at: now,
      asked: missing.length > 0 ? now : log.told.asked,
    }
  }
  return edit.commit()
}

/** Notes the acks that a relay has taken. */
export function recordReceiptsTaken(state: State, acks: readonly { call: string; ack: number }[]): State {
  const news = acks.filter(({ call, ack }) => ack > (state.logs[call]?.told.taken ?? ack))
  if (news.length === 0) return state
  const edit = beginTransaction(state)
  for (const { call, ack } of news) {
    const log = edit.log(call)
    log.told = { ...log.told, taken: Math.max(ack, log.told.taken) }
  }
  return edit.commit()
}
