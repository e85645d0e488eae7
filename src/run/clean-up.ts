// Once a day a command deletes what is due: keys of calls 7 days after their end, and what transcript.keep says.

import { replay } from '../call/replay.ts'
import { summariseCall } from '../state/call-index.ts'
import { cleanUp, type UnindexedCall } from '../state/clean-up.ts'
import type { RunContext } from './context.ts'

/** Deletes what is due and names it, one line each for the user. Throws what reading and writing throw. */
export async function deleteWhatIsDue({ environment, now }: RunContext): Promise<string[]> {
  const { store, config } = environment
  const files = environment.listKeptFiles()
  const keepDays = config.transcript.keep
  // The time of a key's file says when the key was made; how long its call has been over, only the call can say.
  const ids = keepDays === 0 ? files.keys.map(({ call }) => call) : store.allLogIds()
  const unindexed = unindexedCalls(ids, environment, now)
  const removed = await store.remove((fresh) => {
    const { state: snapshot, removals } = cleanUp(fresh, files, { now, keepDays, unindexed })
    return { snapshot, removals }
  })
  return removed.map((path) => `deleted ${path}`)
}

// Call by call: however many there are, only one of them is in memory.
function unindexedCalls(
  ids: readonly string[],
  { store, keys }: RunContext['environment'],
  now: number,
): UnindexedCall[] {
  const { calls } = store.read().index
  return ids.flatMap((id) => {
    const log = calls[id] === undefined ? store.readLog(id) : undefined
    const call = log && replay(log, keys.pubkey, now)
    return log === undefined || call === undefined ? [] : [{ id, summary: summariseCall(call, log, 0) }]
  })
}
