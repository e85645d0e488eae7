// What came in, merged into the state. Pure, with the same result in whatever order and however often: it is applied to what was
// loaded, and once more under the lock to what is newest.
import type { Signal } from '../call/signal.ts'
import { callId, isLostReceipt, parseSignal } from '../call/signal-codec.ts'
import type { Rumor } from '../nostr/event.ts'
import { isWrapSigned, type OpenedWrap } from '../nostr/nip59-unwrap.ts'
import { type AdmissionPolicy, meterFor, meterRumor, refuseMissingWork } from './admission.ts'
import { catchUp, commitCalls } from './call-index.ts'
import { isToBeTriedAgain } from './call-keyring.ts'
import { judgeCanaries } from './canaries.ts'
import { type CompleteRead, forgetSeen, moveCursors, rereadLostCalls } from './cursors.ts'
import { expireEarly, keepEarly, noteTries, untriedIn } from './early-seals.ts'
import { expireRinging, pruneCalls, tellUndelivered } from './expiry.ts'
import { boundLetters, commitLetters, isLetter, receiveLetter } from './letter-log.ts'
import { explainForks, receiveLost } from './lost-calls.ts'
import { noteMachines, parseCanary } from './machine.ts'
import { boundOrphans, countCompleteRead, noteOrphan, takeOrphanCall } from './orphans.ts'
import { answerByLetter, pruneEscalations } from './owner-answers.ts'
import { type RumorContext, receiveSignal, verifyEndedCalls } from './receive-call.ts'
import { receiveRequest, releaseHeldCalls } from './receive-request.ts'
import type { State } from './state.ts'
import { beginTransaction, countDropped, type Transaction } from './transaction.ts'
import { countUnreadable, noteUnreadable } from './unreadable.ts'

/** `now`: unix seconds; `deep`: whether wraps that are known are heard once more. */
export type ReceiveContext = {
  me: string
  now: number
  admission: AdmissionPolicy
  completeReads: readonly CompleteRead[]
  deep?: boolean
  /** Whether a wrap is signed by its one-time key, instead of `isWrapSigned`. */
  isSigned?: typeof isWrapSigned | undefined
}

/** The new state, and the calls in which something came in that wants an answer. */
export type Received = { state: State; callsHeard: string[] }

/** Merges opened wraps, and what time does to calls, into the state. */
export function receiveAll(state: State, mail: readonly OpenedWrap[], context: ReceiveContext): Received {
  // The attack: an `end` under the identities' key takes back what its author has acknowledged under the call's key, and comes before that
  // in the same mail.
  const isUnderCallKey = ({ openedWithKeyOf }: OpenedWrap) => openedWithKeyOf !== undefined
  const opened = [...mail.filter(isUnderCallKey), ...mail.filter((wrap) => !isUnderCallKey(wrap))]
  const edit = beginTransaction(state)
  const callsHeard = new Set<string>()
  rereadLostCalls(edit)
  noteLoss(edit, context.now)
  noteMachines(
    edit,
    opened.flatMap(({ rumor }) => rumor ?? []),
    context.me,
    context.now,
  )
  edit.index.meter = meterFor(edit.index.meter, context.now)
  noteTries(edit, opened)
  const hasUntriedKey = untriedIn(state.index, context.now)
  let complete = context.completeReads
  for (const wrap of opened) {
    const known = edit.index.seen[wrap.id] !== undefined
    // A wrap does not count as seen before all keys were tried on it.
    if ((known && context.deep !== true) || isToBeTriedAgain(wrap)) continue
    const { rumor } = wrap
    const isKept = rumor === undefined && keepEarly(edit, wrap, context.now)
    if (!isKept && hasUntriedKey(wrap)) {
      // The wrap has to be read again, so no cursor passes it.
      complete = []
      continue
    }
    edit.table('seen')[wrap.id] = wrap.stamp
    if (isKept) continue
    const isRewrapped = () => !known && (context.isSigned ?? isWrapSigned)(wrap)
    const underCallKey = isUnderCallKey(wrap)
    const dropped =
      rumor === undefined
        ? wrap.reason
        : admitRumor(edit, rumor, wrap.bits, { ...context, isRewrapped, underCallKey }, callsHeard)
    if (dropped !== undefined) noteUnreadable(edit, wrap, context)
    countDropped(edit, dropped)
  }
  edit.commit()
  catchUp(edit, context)
  expireEarly(edit, context.now)
  const time = { ...context, completeReads: complete }
  expireRinging(edit, { ...time, isNew: (id) => state.logs[id] === undefined })
  releaseHeldCalls(edit, context)
  explainForks(edit, context)
  verifyEndedCalls(edit, context)
  tellUndelivered(edit, context)
  countCompleteRead(edit, time)
  countUnreadable(edit, complete)
  judgeCanaries(edit, complete, context.now)
  moveCursors(edit, complete, context.now)
  forgetSeen(edit, context.now)
  boundOrphans(edit, context)
  pruneEscalations(edit, context.now)
  boundLetters(edit, { now: context.now, trust: context.admission.trust })
  commitLetters(edit)
  pruneCalls(edit, context.admission)
  return { state: commitCalls(edit, context), callsHeard: [...callsHeard] }
}

/** Takes in one rumor. @returns why it was dropped, if it was */
function admitRumor(
  edit: Transaction,
  rumor: Rumor,
  bits: number,
  context: RumorContext,
  callsHeard: Set<string>,
): string | undefined {
  const { admission, me } = context
  if (rumor.pubkey === me) return parseCanary(rumor) === undefined ? 'own-copy' : undefined
  // The attack: anybody can fill a mailbox. What admission stops costs a count and nothing else.
  const trust = admission.trust(rumor.pubkey)
  if (trust === 'blocked') return 'blocked'
  const first = callId(rumor) === undefined
  const dropped = first ? refuseMissingWork(bits, trust, admission) : undefined
  if (dropped !== undefined) return dropped
  const over = meterRumor(edit.index.meter, rumor, first, admission, bits)
  const letter = { now: context.now, trust: admission.trust, bits }
  // NIP-17's clients never offer a letter again, so one that is beyond the bound for today is told tomorrow.
  if (over !== undefined) return isLetter(rumor) ? receiveLetter(edit, rumor, { ...letter, tomorrow: true }) : over
  if (!isLetter(rumor)) return receiveRumor(edit, rumor, context, callsHeard)
  const refused = receiveLetter(edit, rumor, letter)
  // A letter that may be a repeat is no instruction, and closes no escalation.
  if (
    refused === undefined &&
    trust === 'owner' &&
    edit.state.letters?.[rumor.pubkey]?.letters[rumor.id]?.repeat !== true
  )
    answerByLetter(edit, rumor, context.now)
  return refused
}

// The attack: after a loss of the state, every order of the owner that a relay still has becomes a new one.
function noteLoss(edit: Transaction, now: number): void {
  if (edit.index.stateLost !== true) return
  delete edit.index.stateLost
  edit.index.stateLostAt = now
}

function receiveRumor(
  edit: Transaction,
  rumor: Rumor,
  context: RumorContext,
  callsHeard: Set<string>,
): string | undefined {
  const signal = parseSignal(rumor)
  if (signal === undefined && isLostReceipt(rumor, context.me)) return receiveLost(edit, rumor.pubkey, context)
  if (signal === undefined) return callId(rumor) === undefined ? 'unknown' : 'malformed'
  if (signal.to !== context.me) return 'not-for-us'
  if (signal.body.type !== 'request') {
    const log = edit.state.logs[signal.call]
    return log === undefined
      ? noteOrphan(edit, { signal, rumor }, context.now)
      : receiveSignal(edit, log, { signal, rumor }, context, callsHeard)
  }
  const dropped = receiveRequest(edit, { signal, rumor }, context, callsHeard)
  if (edit.state.logs[signal.id] !== undefined) hearOrphanCall(edit, signal, context, callsHeard)
  return dropped
}

// Relays keep no order: what came before its request counts as if it had come behind it.
function hearOrphanCall(edit: Transaction, request: Signal, context: RumorContext, callsHeard: Set<string>): void {
  const noted = takeOrphanCall(edit, request)
  if (noted === undefined) return
  const { said, end } = noted
  const log = edit.log(request.id)
  if (said > 0) log.countBeforeAnswer = (log.countBeforeAnswer ?? 0) + said
  if (end !== undefined) countDropped(edit, receiveRumor(edit, end, { ...context, underCallKey: false }, callsHeard))
}
