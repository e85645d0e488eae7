// Deleting what is kept of calls that are over: their keys by the rule, the rest as the owner has set it, or by hand.

import { isOver } from '../call/rules.ts'
import { KEY_LIFETIME, type KeptCall, type KeptFiles, type Removal, removalsDue, removalsOf } from './retention.ts'
import { hasPassed } from './retry.ts'
import { type CallSummary, type Index, MAX_FORGOTTEN, type State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'

/** Seconds between two looks for what is due. A key that becomes due does not wait for them. */
const CLEAN_EVERY = 86_400

/** Whether it is time to look for what is due; never where, as far as is known, there has been no call. */
export function isCleanUpDue({ cleanedAt = 0, calls, stateLostAt }: Index, now: number): boolean {
  const isLong = hasPassed(cleanedAt, CLEAN_EVERY, now)
  for (const id in calls) {
    if (isLong) return true
    // A key is deleted 7 days after the end, by whichever command runs then.
    const due = (calls[id]?.overAt ?? now) + KEY_LIFETIME
    if (due > cleanedAt && due <= now) return true
  }
  return isLong && (cleanedAt > 0 || stateLostAt !== undefined)
}

/** A call that the index no longer knows, by its file. */
export type UnindexedCall = { id: string; summary: CallSummary }

/** `unindexed`: the calls that have a file and are not in the index. `keepDays`: transcript.keep. */
export type CleanUpContext = { now: number; keepDays: number; unindexed: readonly UnindexedCall[] }

/** What is deleted now, and the state without it. */
export function cleanUp(
  state: State,
  files: Pick<KeptFiles, 'keys' | 'transcripts' | 'folders'>,
  { now, keepDays, unindexed }: CleanUpContext,
): { state: State; removals: Removal[] } {
  const { index } = state
  const known = Object.entries(index.calls).map(([id, summary]) => keptCall(id, summary))
  const others = unindexed.filter(({ id }) => index.calls[id] === undefined)
  const calls = [...known, ...others.map(({ id, summary }) => keptCall(id, summary))]
  const kept = { ...files, gone: Object.keys(index.forgotten), others: Object.keys(index.letterLogs) }
  const removals = removalsDue(calls, kept, { now, keepDays })
  const edit = beginTransaction(state)
  edit.index.cleanedAt = now
  for (const removal of removals) noteRemoval(edit, removal, now)
  return { state: edit.commit(), removals }
}

/** Deletes one call, whatever the settings say. `others`: ids of calls that have a file and may not be in the index. */
export function forgetCall(
  state: State,
  call: string,
  { now, withFiles, others }: { now: number; withFiles: boolean; others: readonly string[] },
): { state: State; removals: Removal[] } {
  const { index } = state
  const here = [...Object.keys(index.calls), ...others, ...Object.keys(index.letterLogs)]
  const removals = removalsOf(call, here, withFiles)
  const edit = beginTransaction(state)
  for (const removal of removals) noteRemoval(edit, removal, now)
  return { state: edit.commit(), removals }
}

/** Deletes the files of a call that is gone already, unless they share their folder with others. `others`: as in `forgetCall`. */
export function forgetFiles({ index }: State, call: string, others: readonly string[]): Removal[] {
  const here = [...Object.keys(index.calls), ...others, ...Object.keys(index.letterLogs)]
  return removalsOf(call, here, true).filter(({ type }) => type === 'files')
}

function keptCall(id: string, { phase, overAt, last, open, unread }: CallSummary): KeptCall {
  // A call that was over before this program noted when has no overAt.
  return { id, over: isOver(phase) ? (overAt ?? last) : undefined, settled: !open && unread === 0 }
}

/** Writes down in the index what is to be deleted of a call. */
export function noteRemoval(edit: Transaction, removal: Removal, now: number): void {
  if (removal.type === 'files') return
  const { type, call } = removal
  const summary = edit.index.calls[call]
  // What still comes under a key that is gone cannot be decrypted, and says nothing of other calls with that peer.
  if (type === 'key' && summary?.secrecy === 'call')
    edit.index.keysGone = { ...edit.index.keysGone, [summary.peer]: now }
  if (type !== 'call') return
  delete edit.table('calls')[call]
  delete edit.state.logs[call]
  // A relay may date its wraps anew, and what was deleted must not ring once more.
  const forgotten = [...Object.entries(edit.index.forgotten).filter(([id]) => id !== call), [call, now] as const]
  edit.index.forgotten = Object.fromEntries(forgotten.slice(-MAX_FORGOTTEN))
}
