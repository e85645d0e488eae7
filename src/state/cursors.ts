// How far each relay's mailbox has been read, and which wraps are known. A wrap's stamp lies by up to two days, so it never
// moves a cursor: a cursor is a clock.

import type { RelayMemory, Sweep } from './kept-relay.ts'
import { hasPassed } from './retry.ts'
import type { Transaction } from './transaction.ts'

/**
 * A complete read of our mailbox at a relay. `cursor`: where its cursor goes, by the relay's clock; `began`: when we asked, by our own; both
 * unix seconds. `whole`: not only the window, but all that the relay may keep.
 */
export type CompleteRead = { relay: string; cursor: number; began: number; whole?: boolean }

/** NIP-59's two days of backdating, and a quarter of an hour for clocks. */
const READ_WINDOW = 2 * 24 * 3600 + 900

/** Seconds that the first read of a mailbox, a whole one, and `inbox --deep` look back. */
export const DEEP_WINDOW = 7 * 24 * 3600

const WHOLE_READ_EVERY = 24 * 3600

/** Seconds: a wrap that is dated further ahead counts as dated this far ahead; and no wrap is remembered for longer. */
const FAR_AHEAD = 2 * 24 * 3600
const LONGEST_MEMORY = 30 * 24 * 3600

/** The stamp from which on a mailbox is read, unix seconds. */
export function readSince(memory: RelayMemory | undefined, now: number, deep: boolean): number {
  const window = Math.min(now, memory?.cursor ?? now) - READ_WINDOW
  return deep || isWholeReadDue(memory, now) ? Math.min(window, now - DEEP_WINDOW) : window
}

/**
 * Whether a mailbox is read whole, once in a day: the clock of a sender may be wrong by more than the window forgives, ours
 * may have been, and a relay may have said that this was all when it was not.
 */
export function isWholeReadDue(memory: RelayMemory | undefined, now: number): boolean {
  const { cursor, wholeReadAt } = memory ?? {}
  // A cursor ahead of the clock was set by a clock that was wrong: nobody knows how far we had got.
  return (
    cursor === undefined || cursor > now || wholeReadAt === undefined || hasPassed(wholeReadAt, WHOLE_READ_EVERY, now)
  )
}

/**
 * A question to a relay for our mailbox, with inclusive stamps in unix seconds: `all` of the window; or, where a read met a bound, what is
 * `newer` than all that it has seen, and what is `older` than where it stopped.
 */
export type MailboxQuestion = { part: 'all' | 'newer' | 'older'; since: number; until?: number }

/**
 * What to ask a relay. A read that met a bound goes on where it stopped, and hears first what has come since. The attack: 72 MB
 * of junk dated now, which cost a stranger nothing, so that what lies below them is never read.
 *
 * @param compares whether it is asked by NIP-77, which needs no pages
 */
export function mailboxQuestions(
  memory: RelayMemory | undefined,
  now: number,
  { deep, compares }: { deep: boolean; compares: boolean },
): MailboxQuestion[] {
  const since = readSince(memory, now, deep)
  const sweep = sweepUnderWay(memory, now, deep)
  if (sweep === undefined) return [{ part: 'all', since }]
  const lowest = deep ? Math.min(since, sweep.since) : sweep.since
  if (compares) return [{ part: 'all', since: Math.min(since, lowest) }]
  return [
    { part: 'newer', since: sweep.top },
    { part: 'older', since: lowest, until: sweep.until },
  ]
}

/** The sweep that this run goes on with. `inbox --deep` hears everything again, so it goes on with a deep sweep alone. */
function sweepUnderWay(memory: RelayMemory | undefined, now: number, deep: boolean): Sweep | undefined {
  const sweep = memory?.sweep
  // Begun by a clock that was wrong.
  if (sweep === undefined || sweep.began > now) return undefined
  return deep && sweep.deep !== true ? undefined : sweep
}

/** How a relay has answered. `reached`: all that is newer than this stamp has come; `newest`: the newest stamp of all. */
export type PartAnswer = { part: MailboxQuestion['part']; complete: boolean; newest?: number; reached?: number }

/** `cursor` and `began` as in CompleteRead, of this run; `left`: the stamps of what came and was not opened. */
export type InboxReadRun = { relay: string; cursor: number; began: number; deep: boolean; left: readonly number[] }

/**
 * What a run has come to at one relay: all of the mailbox is read, or the next run goes on with a sweep. `stalled`: the sweep that
 * began then is given up, and the next run begins anew.
 */
export type ReadOutcome = { complete?: CompleteRead; sweep?: Sweep; stalled?: number }

/**
 * What follows from the answers of a relay to `mailboxQuestions` of the same memory.
 *
 * When a sweep completes, the cursor becomes the clock at which its *first* run began: what was published since may be dated anywhere in
 * the two days before.
 */
export function readOutcome(
  memory: RelayMemory | undefined,
  answers: readonly PartAnswer[],
  run: InboxReadRun,
): ReadOutcome {
  const { relay, cursor, began, deep } = run
  const whole = deep || isWholeReadDue(memory, began)
  const held = sweepUnderWay(memory, began, deep)
  const [all, newer, older] = (['all', 'newer', 'older'] as const).map((part) => answers.find((a) => a.part === part))
  if (all !== undefined) {
    const until = stoppedAt(all, run.left)
    if (until === undefined) return all.complete ? { complete: { relay, cursor, began, whole } } : kept(held)
    const top = Math.min(began, all.newest ?? began)
    return {
      sweep: {
        ...{ since: readSince(memory, began, deep), until, top, began, cursor },
        ...(whole && { whole: true as const }),
        ...(deep && { deep: true as const }),
      },
    }
  }
  if (held === undefined || older === undefined) return kept(held)
  const until = stoppedAt(
    older,
    run.left.filter((stamp) => stamp <= held.until),
  )
  if (until === undefined && older.complete) {
    return { complete: { relay, cursor: held.cursor, began: held.began, whole: held.whole === true } }
  }
  // A relay that goes on sending and never says that it is through would keep the sweep where it is for good.
  if (until === undefined && older.newest !== undefined) return { stalled: held.began }
  const isNewRead = newer?.complete === true && !run.left.some((stamp) => stamp >= held.top)
  const top = isNewRead ? Math.max(held.top, Math.min(began, newer.newest ?? began)) : held.top
  return { sweep: { ...held, until: Math.min(held.until, until ?? held.until), top } }
}

function kept(sweep: Sweep | undefined): ReadOutcome {
  return sweep === undefined ? {} : { sweep }
}

/** The stamp from which on, downwards, the mailbox is still to be read; undefined where all of it was, or nobody knows. */
function stoppedAt({ complete, reached }: PartAnswer, left: readonly number[]): number | undefined {
  const unread = [...(complete || reached === undefined ? [] : [reached]), ...left]
  return (!complete && reached === undefined) || unread.length === 0 ? undefined : Math.max(...unread)
}

/**
 * Moves the cursor of each relay that was read completely; never back, but for one that a wrong clock had set. @param now unix
 * seconds
 */
export function moveCursors(edit: Transaction, completeReads: readonly CompleteRead[], now: number): void {
  for (const { relay, cursor, began, whole } of completeReads) {
    const { sweep, cursorByOwnClock: _, ...memory } = edit.index.relays[relay] ?? {}
    const held = memory.cursor ?? 0
    // A parallel run may have got further; one with a wrong clock has not.
    const reached = held > now ? cursor : Math.max(cursor, held)
    const later = sweep !== undefined && sweep.began > began ? { sweep } : {}
    edit.table('relays')[relay] = { ...memory, ...later, cursor: reached, ...whenOf(began, reached, whole) }
  }
}

// Where the relay's clock is ours, one time stands for both.
function whenOf(began: number, cursor: number, whole: boolean | undefined): Partial<RelayMemory> {
  return { ...(began > cursor && { cursorByOwnClock: began }), ...(whole && { wholeReadAt: began }) }
}

/** How far a sweep has got, where a parallel run has written of it too; undefined where that run has completed it. */
export function mergeSweeps({ cursor, sweep: held }: RelayMemory, sweep: Sweep, now: number): Sweep | undefined {
  if (cursor !== undefined && cursor <= now && cursor >= sweep.cursor) return held
  if (held?.began !== sweep.began) return sweep
  return { ...sweep, until: Math.min(held.until, sweep.until), top: Math.max(held.top, sweep.top) }
}

/** Forgets the wraps that are older than all that a relay will be asked for. */
export function forgetSeen(edit: Transaction, now: number): void {
  const relays = Object.values(edit.index.relays)
  const asked = relays.flatMap(({ cursor, sweep }) => [
    ...(cursor === undefined ? [] : [cursor - READ_WINDOW]),
    ...(sweep === undefined ? [] : [sweep.since]),
  ])
  // The cursor of a relay that is no longer asked stays where it is forever.
  const floor = Math.max(Math.min(now - DEEP_WINDOW, ...asked), now - LONGEST_MEMORY) - 3600
  const { seen } = edit.index
  // Thousands of them, most of which stay.
  for (const id in seen) {
    const stamp = seen[id] ?? floor
    if (stamp < floor) delete edit.table('seen')[id]
    // The attack: wraps that are dated ten years ahead, which would be remembered for as long.
    else if (stamp > now + FAR_AHEAD) edit.table('seen')[id] = now + FAR_AHEAD
  }
}

/**
 * Where the file of an open call is gone, since it was damaged and set aside: has relays read again for what they still hold of it, so
 * that its request makes it anew.
 */
export function rereadLostCalls(edit: Transaction): void {
  const { calls } = edit.index
  const lost = Object.keys(calls).filter((id) => calls[id]?.open && edit.state.logs[id] === undefined)
  if (lost.length === 0) return
  for (const id of lost) delete edit.table('calls')[id]
  edit.replace('seen', {})
  for (const [url, { cursor, wholeReadAt: whole, sweep, ...rest }] of Object.entries(edit.index.relays))
    edit.table('relays')[url] = rest
}
