// A call at a glance: what the index says of it, and whether every command must look at it.

import { isComing } from '../call/file-transfer.ts'
import { deliveryStateOf, type Log } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { isOver } from '../call/rules.ts'
import { type Index, OPEN_AFTER_END, type CallSummary } from './book.ts'

export function summariseCall(call: Call, log: Log, now: number, rivals: readonly string[]): CallSummary {
  return {
    peer: call.peer,
    ...(call.peerName === '' ? {} : { name: call.peerName }),
    direction: call.mine === 'caller' ? 'outgoing' : 'incoming',
    topic: call.topic,
    createdAt: call.createdAt,
    deadline: call.deadline,
    phase: call.phase,
    unread: log.unread.length,
    own: ownOf(call, log),
    open: isOpen(call, log, now),
    last: call.last,
    ...(rivals.length === 0 ? {} : { rivals: [...rivals] }),
  }
}

/** Whether every command must look at a call: it is not over, or something is still owed, unread, coming or unconfirmed. */
export function isOpen(call: Call, log: Log, now: number): boolean {
  if (!isOver(call.phase)) return true
  if (now - call.last >= OPEN_AFTER_END) return false
  if (Object.keys(log.outbox).length > 0 || log.unread.length > 0) return true
  const unconfirmed = call.phase === 'ended' && call.verified === 'pending'
  return unconfirmed || call.lines.some((line) => isComing(line, log, call.peer))
}

/** The calls that may be at glare with this one: the same two, the other way round, ringing at the same time. */
export function rivalsOf(
  { calls }: Index,
  request: Pick<CallSummary, 'peer' | 'direction' | 'createdAt' | 'deadline'>,
): string[] {
  return Object.entries(calls)
    .filter(([, call]) => call.peer === request.peer && call.direction !== request.direction)
    .filter(([, call]) => call.createdAt < request.deadline && request.createdAt < call.deadline)
    .map(([id]) => id)
}

function ownOf(call: Call, log: Log): CallSummary['own'] {
  const own = { queued: 0, relayed: 0, delivered: log.past?.own ?? 0 }
  for (const { signal, party } of call.lines) if (party === call.mine) own[deliveryStateOf(log, signal.id)]++
  return own
}
