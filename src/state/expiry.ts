// Rings that come to nothing: nobody answered in time, or too many strangers ring at once.
// Calls of strangers that came to nothing: the latest are remembered, and the index does not grow with every flood.
import type { Call } from '../call/replay.ts'
import type { Phase } from '../call/rules.ts'
import { type AdmissionPolicy, overflowingCalls } from './admission.ts'
import type { CompleteReplay } from './cursors.ts'
import { type CallSummary, callOf } from './state.ts'
import type { Transaction } from './transaction.ts'

/** `isNew`: whether a call was not there before. */
export type ExpiryContext = {
  me: string
  now: number
  replayed: readonly CompleteReplay[]
  gate: AdmissionPolicy
  isNew: (call: string) => boolean
}

/** The longest ring that can be set (call.ring), in seconds. */
const LONGEST_RING = 86_400

export function expireRinging(edit: Transaction, lapsing: ExpiryContext): void {
  const { me, now, gate } = lapsing
  const strangers: { id: string; heard: number; at: number }[] = []
  for (const log of Object.values(edit.state.logs)) {
    const call = callOf(edit.state, log, me, now)
    if (call?.phase !== 'ringing') continue
    const heard = log.entries[call.id]?.heard ?? call.createdAt
    if (isMissed(call, heard, lapsing)) {
      const mine = edit.log(call.id)
      mine.missed = now
      mine.unread = [...mine.unread.filter((item) => item !== call.id), 'missed']
    } else if (call.mine === 'callee' && gate.trust(call.peer) === 'unknown') {
      strangers.push({ id: call.id, heard, at: call.createdAt })
    }
  }
  // The attack: a ring that is never answered costs its caller nothing. The oldest is missed without being news, and what
  // has only just come in leaves no trace: an honest caller offers it again.
  for (const id of overflowingCalls(strangers)) {
    edit.table('dropped').ringing = (edit.index.dropped.ringing ?? 0) + 1
    if (lapsing.isNew(id)) {
      delete edit.state.logs[id]
      delete edit.table('calls')[id]
    } else {
      const log = edit.log(id)
      log.missed = now
      log.unread = []
    }
  }
}

// The caller says so only when a complete replay since then shows no answer. The attack: a call that rings for a thousand
// years. Here none does for longer than a day.
function isMissed({ deadline, mine }: Call, heard: number, { now, replayed }: ExpiryContext): boolean {
  if (mine === 'callee') return now > Math.min(deadline, heard + LONGEST_RING)
  return now > deadline && replayed.some((r) => r.began > deadline)
}

/** Most of them that are kept in sight; their files stay. */
const MAX_IDLE_CALLS = 1_000

const CAME_TO_NOTHING: readonly Phase[] = ['missed', 'rejected', 'cancelled', 'merged']

export function pruneCalls(edit: Transaction, { trust }: Pick<AdmissionPolicy, 'trust'>): void {
  const isIdle = ({ open, direction, phase, peer }: CallSummary) =>
    !open && direction === 'incoming' && CAME_TO_NOTHING.includes(phase) && trust(peer) === 'unknown'
  const idle = Object.entries(edit.index.calls).filter(([, call]) => isIdle(call))
  if (idle.length <= MAX_IDLE_CALLS) return
  for (const [id] of idle.sort(([, a], [, b]) => b.last - a.last).slice(MAX_IDLE_CALLS)) delete edit.table('calls')[id]
}
