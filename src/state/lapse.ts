// Rings that come to nothing: nobody answered in time, or too many strangers ring at once.
import type { Call } from '../call/replay.ts'
import { overflowingCalls, type AdmissionPolicy } from './admit.ts'
import { callOf } from './book.ts'
import type { Transaction } from './edit.ts'
import type { CompleteReplay } from './mailbox.ts'

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
