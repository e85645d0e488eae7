// The end of a change: the index says of every call what its log says.
import { type Call, judgeGlare, replay } from '../call/replay.ts'
import { type Book, callOf } from './book.ts'
import type { Draft } from './edit.ts'
import { isOpen, rivals, summarise } from './summary.ts'

/** Most calls of the other side that one call is looked at beside. */
const MOST = 8

/** Brings the index up to date with the logs that were changed. @returns the book; the draft is done with. */
export function refresh(edit: Draft, { me, now }: { me: string; now: number }): Book {
  // Done first: what is worked out from entries that nobody writes to any more is kept for the rest of the run.
  const book = edit.done()
  for (const id of edit.changed()) note(edit, id, me, now)
  return book
}

/**
 * Brings the index up to date with time, which closes calls too, and with logs that it does not know: those of a run that
 * died between the call files and the index.
 */
export function catchUp(edit: Draft, { me, now }: { me: string; now: number }): void {
  for (const [id, log] of Object.entries(edit.book.logs)) {
    const known = edit.index.calls[id]
    if (known === undefined) meetRivals(edit, id, me)
    const call = callOf(edit.book, log, me, now)
    if (call && (known?.phase !== call.phase || known.open !== isOpen(call, log, now))) note(edit, id, me, now)
  }
}

/** Both called at once: each call remembers the others, so that it is always read beside them. */
export function meetRivals(edit: Draft, id: string, me: string): void {
  const log = edit.book.logs[id]
  const call = log && replay(log, me, 0)
  if (log === undefined || call === undefined) return
  const direction = call.mine === 'caller' ? 'outgoing' : 'incoming'
  for (const other of rivals(edit.index, { ...call, direction }).slice(0, MOST)) {
    const rival = edit.book.logs[other]
    if (rival === undefined || judgeGlare(log, rival) === undefined) continue
    introduce(edit, id, other, call)
    introduce(edit, other, id, replay(rival, me, 0))
  }
}

function introduce(edit: Draft, id: string, rival: string, call: Call | undefined): void {
  const held = edit.index.calls[id]
  const known = held?.rivals ?? []
  if (call === undefined || known.includes(rival)) return
  // Asked for, so that it counts as changed: its phase is another one from now on.
  const log = edit.log(id)
  edit.table('calls')[id] = { ...(held ?? summarise(call, log, 0, [])), rivals: [...known, rival] }
}

function note(edit: Draft, id: string, me: string, now: number): void {
  const log = edit.book.logs[id]
  const call = log && callOf(edit.book, log, me, now)
  if (log && call) edit.table('calls')[id] = summarise(call, log, now, edit.index.calls[id]?.rivals ?? [])
}
