// The end of a change: the index says of every call what its log says.
import { type Call, judgeGlare, replay } from '../call/replay.ts'
import { type State, callOf } from './book.ts'
import type { Transaction } from './edit.ts'
import { isOpen, rivalsOf, summariseCall } from './summary.ts'

/** Most calls of the other side that one call is looked at beside. */
const MAX_RIVALS = 8

/** Brings the index up to date with the logs that were changed. @returns the book; the draft is done with. */
export function commitCalls(edit: Transaction, { me, now }: { me: string; now: number }): State {
  // Done first: what is worked out from entries that nobody writes to any more is kept for the rest of the run.
  const book = edit.commit()
  for (const id of edit.changed()) indexCall(edit, id, me, now)
  return book
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
