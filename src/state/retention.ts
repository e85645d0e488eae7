// What is kept on disk of calls that are over, and when it is deleted. Pure: io/store/removal.ts deletes, and names it.
import { EXPIRES } from '../call/replay.ts'
import { isOver, type Phase } from '../call/rules.ts'

/**
 * One thing that is to be deleted: the secret of a call, its transcript, its file with its archive, or the folder of the files
 * that were received in calls whose ids begin with these eight digits.
 */
export type Removal = { type: 'key' | 'transcript' | 'call'; call: string } | { type: 'files'; folder: string }

/**
 * A call that is here. `over`: when it was over, by our own clock, unix seconds; undefined while it is not. `settled`: whether nothing of
 * it is unread or owed.
 */
export type KeptCall = { id: string; over: number | undefined; settled: boolean }

/**
 * What lies on disk. `changed`: when it was last written, unix seconds; `spoken`: when the file of a key's call was. `gone`: calls that
 * were deleted before. `others`: keys with whose letters files came, in folders that are named after these keys.
 */
export type KeptFiles = {
  keys: readonly { call: string; changed: number; spoken?: number }[]
  transcripts: readonly { call: string; changed: number }[]
  folders: readonly { folder: string; changed: number }[]
  gone: readonly string[]
  others: readonly string[]
}

/** `now`: unix seconds by our own clock; `keepDays`: transcript.keep, 0 for until it is deleted by hand. */
export type RetentionOptions = { now: number; keepDays: number }

const DAY = 86_400

/** Seconds after a call was over until its key is deleted, and no sooner: a lost receipt must still be readable. */
export const KEY_LIFETIME = 7 * DAY

/** Whether the time of a call's key is over. @param over when the call was over, by our own clock; undefined while it is not */
export function isKeyOver(over: number | undefined, now: number): boolean {
  return over !== undefined && now - over >= KEY_LIFETIME
}

/** Seconds for which a call that is over is kept whatever the setting says: until then its signals may be asked for again. */
const LEAST_CALL_LIFETIME = 7 * DAY

/**
 * When a call was over; undefined while it is not. `last`: when anything was last said here or came in, by our own clock: a peer's
 * own dates would let it say when we delete.
 */
export function overSince(phase: Phase, last: number): number | undefined {
  if (!isOver(phase)) return undefined
  // A silent call is over when it expires, not when it fell silent: what was offered until then may come for a week more.
  return phase === 'expired' ? last + EXPIRES : last
}

/**
 * What is to be deleted now. Keys go by their own rule whatever the setting; everything else only where the setting says after how many
 * days. For a call that is not here any more the time of the file counts; the key of one whose file is damaged, which may be open, counts
 * from 7 days after that was written.
 */
export function removalsDue(calls: readonly KeptCall[], files: KeptFiles, options: RetentionOptions): Removal[] {
  const { now, keepDays } = options
  const known = new Map(calls.map((call) => [call.id, call]))
  const since = (call: string, changed: number) => (known.has(call) ? known.get(call)?.over : changed)
  const isDue = (from: number | undefined, after: number) => from !== undefined && now - from >= after
  const madeOrOver = ({ changed, spoken }: KeptFiles['keys'][number]) =>
    spoken === undefined ? changed : Math.max(changed, spoken + EXPIRES)
  const keys = files.keys.filter((key) => isKeyOver(since(key.call, madeOrOver(key)), now))
  const removals: Removal[] = keys.map(({ call }) => ({ type: 'key', call }))
  if (keepDays === 0) return removals
  const kept = keepDays * DAY
  const transcripts = files.transcripts.filter(({ call, changed }) => isDue(since(call, changed), kept))
  removals.push(...transcripts.map(({ call }): Removal => ({ type: 'transcript', call })))
  const gone = calls.filter(({ over, settled }) => settled && isDue(over, Math.max(kept, LEAST_CALL_LIFETIME)))
  removals.push(...gone.map(({ id }): Removal => ({ type: 'call', call: id })))
  for (const { id } of gone) known.delete(id)
  // The attack: whoever tries four billion requests gets a call that shares its folder with another call, or with the owner's letters. The
  // folder stays as long as one of them does; and what belongs to no call that was here is not ours to delete.
  const inUse = new Set([...known.keys(), ...files.others].map(folderOf))
  const ofGone = new Set([...gone.map(({ id }) => id), ...files.gone].map(folderOf))
  const isOver = (folder: string) => ofGone.has(folder) && !inUse.has(folder)
  const folders = files.folders.filter(({ folder, changed }) => isOver(folder) && isDue(changed, kept))
  return [...removals, ...folders.map(({ folder }): Removal => ({ type: 'files', folder }))]
}

/**
 * What `forget` deletes of a call that is over: all of it, and its files where that was asked for, unless they share their folder.
 * @param others the ids of all other calls, and the keys whose letters' files lie here
 */
export function removalsOf(call: string, others: readonly string[], withFiles: boolean): Removal[] {
  const shared = others.some((id) => id !== call && folderOf(id) === folderOf(call))
  const removals: Removal[] = [
    { type: 'key', call },
    { type: 'transcript', call },
    { type: 'call', call },
  ]
  return withFiles && !shared ? [...removals, { type: 'files', folder: folderOf(call) }] : removals
}

// p2p/files/<first eight digits>, as io/files/received.ts names it.
function folderOf(id: string): string {
  return id.slice(0, 8)
}
