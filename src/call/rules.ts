// The protocol on one screen: who may say what, when, and what becomes of the call.
// Rule 1: whatever changes a call is in this table, except for time (a silent call expires, replay.ts; a ring runs out,
// state/expiry.ts), another call (glare: state/receive-request.ts, state/take-signal.ts) and a log with two branches (state/fork.ts).
// And an end that was said before the answer was known cancels, whatever stands above it (replay.ts, `isCancel`).
// Rule 2: the table does not know which side we are. `decide` reads it before we speak and `replay` when we listen, so what we
// let ourselves send is by construction what we accept.
import type { SignalType } from './signal.ts'

export type Party = 'caller' | 'callee'

export type Phase =
  | 'ringing' // asked, not answered
  | 'active'
  | 'rejected'
  | 'cancelled' // the caller hung up before an answer
  | 'missed' // nobody answered in time
  | 'merged' // both called at once, and the other call became the conversation
  | 'ended'
  | 'expired' // nobody said anything for 7 days
  | 'forked' // one of the two logs has two branches: nothing is built on it any more

type Row = Partial<Record<SignalType, Partial<Record<Party, Phase>>>>

const both = (phase: Phase): Record<Party, Phase> => ({ caller: phase, callee: phase })

/** What is not in the table may not be said. A signal that came too late stays in the transcript, marked late. */
export const RULES: Readonly<Record<Phase, Row>> = {
  ringing: { accept: { callee: 'active' }, reject: { callee: 'rejected' }, end: { caller: 'cancelled' } },
  active: {
    message: both('active'),
    file: both('active'),
    progress: both('active'),
    propose: both('active'),
    agree: both('active'),
    decline: both('active'),
    escalate: both('active'),
    end: both('ended'),
  },
  // The second end confirms the first one.
  ended: { end: both('ended') },
  expired: { end: both('ended') },
  // An accept that comes too late is answered with an end, and that with its confirmation.
  missed: { end: both('missed') },
  rejected: {},
  cancelled: {},
  merged: {},
  forked: {},
}

/** The phase after `party` has said `type` in `phase`; undefined when it may not be said. */
export function nextPhase(phase: Phase, type: SignalType, party: Party): Phase | undefined {
  return RULES[phase][type]?.[party]
}

/** The phases of a call that is over and never became a conversation. */
export const UNCONNECTED_PHASES: readonly Phase[] = ['missed', 'rejected', 'cancelled', 'merged']

/** Whether a call is over, so that nothing more comes of it but its confirmation. */
export function isOver(phase: Phase): boolean {
  return phase !== 'ringing' && phase !== 'active'
}

/** Whether a call that was answered is over: ended, expired or forked. It has a transcript, and words that may not be confirmed yet. */
export function isPastConversation(phase: Phase): boolean {
  return isOver(phase) && !UNCONNECTED_PHASES.includes(phase)
}
