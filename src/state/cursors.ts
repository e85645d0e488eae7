// How far each relay's mailbox has been read, and which wraps are known. A wrap's stamp lies by up to two days, so it never
// moves a cursor: a cursor is a clock.
import type { RelayMemory } from './state.ts'
import type { Transaction } from './transaction.ts'

/**
 * A relay's complete replay: where its cursor goes, and when we asked. Both by the relays' clock, unix seconds. `swept`: the
 * whole mailbox was read.
 */
export type CompleteReplay = { relay: string; cursor: number; began: number; swept?: boolean }

/** NIP-59's two days of backdating, and a quarter of an hour for clocks. */
const REPLAY_WINDOW = 2 * 24 * 3600 + 900

/** The first look into a mailbox, and `inbox --deep`. */
export const DEEP_REPLAY = 7 * 24 * 3600

const SWEEP_EVERY = 24 * 3600

/** From which stamp on a mailbox is read. */
export function replaySince(memory: RelayMemory | undefined, now: number, deep: boolean): number {
  const window = Math.min(now, memory?.cursor ?? now) - REPLAY_WINDOW
  return deep || needsSweep(memory, now) ? Math.min(window, now - DEEP_REPLAY) : window
}

/**
 * Whether a mailbox is read whole, once in a day: the clock of a sender may be wrong by more than the window forgives, ours
 * may have been, and a relay may have said that this was all when it was not.
 */
export function needsSweep(memory: RelayMemory | undefined, now: number): boolean {
  const { cursor, swept } = memory ?? {}
  // A cursor ahead of the clock was set by a clock that was wrong: nobody knows how far we had got.
  return cursor === undefined || cursor > now || swept === undefined || Math.abs(now - swept) > SWEEP_EVERY
}

export function moveCursors(edit: Transaction, replayed: readonly CompleteReplay[], now: number): void {
  for (const { relay, cursor, began, swept } of replayed) {
    const held = edit.index.relays[relay]?.cursor ?? 0
    // A parallel run may have got further; one with a wrong clock has not.
    const reached = held > now ? cursor : Math.max(cursor, held)
    edit.table('relays')[relay] = { ...edit.index.relays[relay], cursor: reached, ...(swept && { swept: began }) }
  }
}

/** Forgets the wraps that no relay will be asked for again. */
export function forgetSeen(edit: Transaction, now: number): void {
  const cursors = Object.values(edit.index.relays).flatMap((r) => r.cursor ?? [])
  const floor = Math.min(now - DEEP_REPLAY, ...cursors.map((cursor) => cursor - REPLAY_WINDOW)) - 3600
  const { seen } = edit.index
  // Thousands of them, most of which stay.
  for (const id in seen) if ((seen[id] ?? floor) < floor) delete edit.table('seen')[id]
}

/**
 * A call that should be here and is not: its file was damaged and set aside. What relays still hold of it is read again,
 * and its request makes it anew.
 */
export function rereadLostCalls(edit: Transaction): void {
  const { calls } = edit.index
  const lost = Object.keys(calls).filter((id) => calls[id]?.open && edit.state.logs[id] === undefined)
  if (lost.length === 0) return
  for (const id of lost) delete edit.table('calls')[id]
  edit.replace('seen', {})
  for (const [url, { cursor, swept, ...rest }] of Object.entries(edit.index.relays)) edit.table('relays')[url] = rest
}
