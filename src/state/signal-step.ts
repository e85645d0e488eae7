// The signals' part of a step: what came in is merged, what is to be said is decided and written down, and what goes out now is
// claimed by this process. Pure, so that it can be applied once more to what is on disk by then.
import { decide, decideAgain } from '../call/decide.ts'
import type { Decision, DecisionContext, IntendedSignal } from '../call/decision.ts'
import type { Intent } from '../call/intent.ts'
import { LIMIT } from '../call/signal.ts'
import { callId, parseSignal } from '../call/signal-codec.ts'
import type { Keys } from '../nostr/crypto.ts'
import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import { acquaintanceTest } from './admission.ts'
import { attachCallKey, type CallKeySource } from './attach-call-key.ts'
import { lastOver } from './call-index.ts'
import type { CompleteRead } from './cursors.ts'
import { directoryOf, NO_DIRECTORY } from './directory.ts'
import { awaitingCall } from './early-seals.ts'
import { removeIdleCalls } from './expiry.ts'
import { isLetter, letterLogName } from './letter-log.ts'
import { mustReportLoss } from './orphans.ts'
import { claimRumors, dueRumors, type PendingSignal } from './outbox.ts'
import {
  answerByPolicy,
  endBlockedCalls,
  endCallsAsOwed,
  markReceiptsTried,
  type PendingReceipt,
  type Policy,
  receiptsDue,
  type ToldPeer,
} from './receipts.ts'
import { receiveAll } from './receive.ts'
import { type AuthorContext, type RecordedSignal, recordSignals } from './record-signals.ts'
import type { Removal } from './retention.ts'
import type { IsAlive } from './retry.ts'
import { callsOf, type Index, type State, unreadOf } from './state.ts'

/** Everything that the step depends on beside the state and the mail. `alive`: whether the process of a claim still runs. */
export type SignalStepContext = Omit<
  DecisionContext,
  'calls' | 'directory' | 'lastOver' | 'isUnread' | 'isBlocked' | 'mustReportLoss'
> &
  AuthorContext & {
    policy: Policy
    alive: IsAlive
    callKeys: CallKeySource
    /** Whether a wrap is signed by its one-time key; where it is undefined, the wrap's signature is verified. */
    isSigned?: ((wrap: OpenedWrap) => boolean) | undefined
  }

/** What came in. `deep`: wraps that are known are among it. `unheard`: no relay was asked yet, so only the command itself speaks. */
export type HeardWraps = {
  opened: readonly OpenedWrap[]
  completeReads: readonly CompleteRead[]
  deep?: boolean
  unheard?: boolean
}

export type SignalStepResult = {
  state: State
  /** What the command itself says, which is the last of `said`, or why it is refused. */
  decision: Decision
  said: RecordedSignal[]
  /** What goes out now: rumors that are owed, and receipts. */
  signalsDue: PendingSignal[]
  receiptsOwed: PendingReceipt[]
  /** Calls in which something came in that wants an answer, even if it is a repeat. */
  callsHeard: string[]
  /** What is to be deleted from disk before the state says so. */
  removals: Removal[]
  /** The call keys that this step has made, and no earlier try of it. They have to be on disk before the calls that they belong to. */
  secrets: MadeSecret[]
}

export type MadeSecret = { call: string; keys: Keys }

/**
 * Takes the step: merges mail, decides, writes down what is said, claims what goes out.
 * @param wanted what is to be decided; what was decided before and is said only now; or nothing
 */
export function stepSignals(
  state: State,
  wanted: Intent | readonly IntendedSignal[] | undefined,
  mail: HeardWraps,
  context: SignalStepContext,
): SignalStepResult {
  const { me, now, name, inbox, policy, alive } = context
  const receiving = {
    me,
    now,
    admission: policy,
    completeReads: mail.completeReads,
    deep: mail.deep === true,
    isSigned: context.isSigned,
  }
  const received = mail.unheard ? { state, callsHeard: [] } : receiveAll(state, mail.opened, receiving)
  const calls = callsOf(received.state, me, now)
  const { people, selector } = context
  const directory = selector === undefined ? NO_DIRECTORY : directoryOf(received.state.index, people, 'callers')
  const isBlocked = (pubkey: string) => policy.trust(pubkey) === 'blocked'
  const mustReport = (pubkey: string) => mustReportLoss(received.state.index, pubkey, { now, admission: policy })
  const decision = decideWanted(wanted, {
    ...{ ...context, calls, directory, isBlocked, mustReportLoss: mustReport },
    lastOver: (peer) => lastOver(received.state.index, peer),
    isUnread: unreadOf(received.state),
  })
  // Where our agent answers a call itself, the program does not answer for it.
  const answered = decision.say.map((u) => u.call)
  const self = { name, relays: inbox.slice(0, LIMIT.relays), mustReportLoss: mustReport }
  const replies = [
    ...endCallsAsOwed(calls),
    ...[...endBlockedCalls(calls, isBlocked), ...answerByPolicy(calls, policy, self)].filter(
      (u) => !answered.includes(u.call),
    ),
  ]
  // Before relays were asked, the program answers nothing for our agent.
  const repliesNow = mail.unheard ? [] : replies
  const authorKeys = { me, stamp: context.stamp ?? now }
  const withKeys = [...repliesNow, ...decision.say].map((one) =>
    attachCallKey(received.state, one, authorKeys, context.callKeys),
  )
  const intended = withKeys.map(({ intended }) => intended)
  const { state: recorded, said } = recordSignals(received.state, intended, context)
  const secrets = said.flatMap(({ call }, n) => {
    const keys = withKeys[n]?.keys
    return keys === undefined ? [] : [{ call, keys }]
  })
  const isKnown = acquaintanceTest(recorded.index, policy)
  // Before relays were asked, what is owed may have been acknowledged already.
  const due = mail.unheard ? [] : dueRumors(recorded, now, alive, isBlocked)
  // The attack: what was said in confidence goes to an agent that was blocked since.
  const signalsDue = [...due, ...freshDues(said).filter(({ to }) => !isBlocked(to))]
  const speaking = said.map((s) => s.call)
  const receipts = {
    callsHeard: received.callsHeard,
    speaking,
    now,
    admission: policy,
    tellRead: context.tellRead ?? true,
  }
  const receiptsOwed = mail.unheard ? [] : receiptsDue(recorded, callsOf(recorded, me, now), receipts)
  const claimed = markReceiptsTried(
    claimRumors(recorded, signalsDue, context),
    [...receiptsOwed, ...carriedAcks(said)],
    context,
    (pubkey) => !isKnown(pubkey),
  )
  const pruned = mail.unheard ? { state: claimed, removals: [] } : removeIdleCalls(claimed, policy, now)
  return { ...pruned, decision, said, signalsDue, receiptsOwed, callsHeard: received.callsHeard, secrets }
}

function decideWanted(wanted: Intent | readonly IntendedSignal[] | undefined, context: DecisionContext): Decision {
  if (wanted === undefined) return { say: [] }
  return 'type' in wanted ? decide(wanted, context) : decideAgain(wanted, context)
}

/** The names of the logs, of calls and of letters, that a step may change though they are not open. `selector`: what --call names. */
export function logNamesIn(
  opened: readonly OpenedWrap[],
  index: Index,
  { selector, now }: { selector: string | undefined; now: number },
): string[] {
  const ids = opened.flatMap(({ rumor, unopened }) => {
    // What comes before its accept is kept with the call that awaits it.
    if (rumor === undefined) return unopened?.seal === undefined ? [] : (awaitingCall(index, unopened.from, now) ?? [])
    if (isLetter(rumor)) return letterLogName(rumor.pubkey)
    return callId(rumor) ?? (parseSignal(rumor)?.body.type === 'request' ? rumor.id : [])
  })
  const meant = selector?.toLowerCase()
  return meant === undefined ? ids : [...ids, ...Object.keys(index.calls).filter((id) => id.startsWith(meant))]
}

// What has just been said is claimed already, so dueRumors leaves it out. It goes last, in the order in which it was said.
function freshDues(said: readonly RecordedSignal[]): PendingSignal[] {
  return said.map(({ call, to, rumor }) => ({ call, to, rumor, wrap: undefined, skip: [] }))
}

// Whatever is numbered carries the ack and the read mark, so no receipt is needed beside it.
function carriedAcks(said: readonly RecordedSignal[]): ToldPeer[] {
  return said.map(({ call, to, ack, rumor }) => ({
    ...{ call, to, ack, missing: [] },
    read: Number(rumor.tags.find((t) => t[0] === 'read')?.[1] ?? 0),
  }))
}
