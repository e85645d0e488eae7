// The end of a change: the index says of every call what its log says.
// A call at a glance: what the index says of it, and whether every command must look at it.

import { isComing } from '../call/file-transfer.ts'
import { deliveryStateOf, type Log } from '../call/log.ts'
import { type Call, judgeGlare, replay } from '../call/replay.ts'
import { isOver } from '../call/rules.ts'
import { type CallSummary, callOf, type Index, OPEN_AFTER_END, type State } from './state.ts'
import type { Transaction } from './transaction.ts'

/** Most calls of the other side that one call is looked at beside. */
const MAX_RIVALS = 8

/** Brings the index up to date with the logs that were changed. @returns the state; the draft is done with. */
export function commitCalls(edit: Transaction, { me, now }: { me: string; now: number }): State {
  // Done first: what is worked out from entries that nobody writes to any more is kept for the rest of the run.
  const state = edit.commit()
  for (const id of edit.changed()) indexCall(edit, id, me, now)
  return state
}

/**
 * Brings the index up to date with time, which closes calls too, and with logs that it does not know: those of a run that
 * died between the call files and the index.
 */
export function catchUp(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const [id, log] of Object.entries(edit.state.logs)) {
    const known = edit.index.calls[id]
    if (known === undefined) meetRivals(edit, id, me)
    const call = callOf(edit.state, log, me, now)
    if (call && (known?.phase !== call.phase || known.open !== isOpen(call, log, now))) indexCall(edit, id, me, now)
  }
}

/** Both called at once: each call remembers the others, so that it is always read beside them. */
export function meetRivals(edit: Transaction, id: string, me: string): void {
  const log = edit.state.logs[id]
  const call = log && replay(log, me, 0)
  if (log === undefined || call === undefined) return
  const direction = call.mine === 'caller' ? 'outgoing' : 'incoming'
  for (const other of rivalsOf(edit.index, { ...call, direction }).slice(0, MAX_RIVALS)) {
    const rival = edit.state.logs[other]
    if (rival === undefined || judgeGlare(log, rival) === undefined) continue
    addRival(edit, id, other, call)
    addRival(edit, other, id, replay(rival, me, 0))
  }
}

function addRival(edit: Transaction, id: string, rival: string, call: Call | undefined): void {
  const held = edit.index.calls[id]
  const known = held?.rivals ?? []
  if (call === undefined || known.includes(rival)) return
  // Asked for, so that it counts as changed: its phase is another one from now on.
  const log = edit.log(id)
  edit.table('calls')[id] = { ...(held ?? summariseCall(call, log, 0, [])), rivals: [...known, rival] }
}

function indexCall(edit: Transaction, id: string, me: string, now: number): void {
  const log = edit.state.logs[id]
  const call = log && callOf(edit.state, log, me, now)
  if (log && call) edit.table('calls')[id] = summariseCall(call, log, now, edit.index.calls[id]?.rivals ?? [])
}

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
