// Files that have become whole: checked, put under their names, and only then news.
import { trustOf } from '../call/agents.ts'
import { assemble, isSettled, refusedFor, type Transfer, transfers } from '../call/file-transfer.ts'
import { safeName } from '../call/filename.ts'
import type { FileState } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { decideFetches, recordFetched, recordTransfers, remoteFilesOf, type SettledTransfer } from '../state/files.ts'
import { callsOf, type State } from '../state/state.ts'
import { type RunContext, speakerOf } from './context.ts'

/** Runs after what came in is on disk: a run that dies in between leaves the work to the next one. */
export async function assembleFiles(context: RunContext, state: State): Promise<State> {
  const { environment, people, now } = context
  const calls = callsOf(state, environment.keys.pubkey, now)
  const open = new Map<string, number>()
  const done = calls.flatMap((call) => settledIn(context, call, state, open))
  // What lies on a server is fetched by commands that have the time; whether it will be is known at once.
  const { fetchMax } = environment.config.file
  const found = decideFetches(remoteFilesOf(state, calls), {
    calls,
    trust: (pubkey) => trustOf(people, pubkey),
    fetchMax,
  })
  if (done.length === 0 && found.length === 0) return state
  const touched = [
    ...done.map((d) => d.call),
    ...found.flatMap(({ remoteFile: { call } }) => (call === '' ? [] : [call])),
  ]
  return await environment.store.update(touched, (fresh) => {
    const speaker = speakerOf(context)
    const snapshot = recordFetched(recordTransfers(fresh, done, speaker), found, speaker)
    return { snapshot, value: snapshot }
  })
}

/** @param open how many files of each peer are on their way, over all its calls */
function settledIn(context: RunContext, call: Call, state: State, open: Map<string, number>): SettledTransfer[] {
  const log = state.logs[call.id]
  if (log === undefined) return []
  const all = transfers(call, log, call.peer).filter((t) => t.remote === undefined)
  return all.flatMap((transfer): SettledTransfer[] => {
    const base = { call: call.id, transfer }
    const known = log.files[transfer.key]
    // Chunks of a file that was refused go on coming; their bytes are not kept.
    if (isSettled(known))
      return transfer.chunks.some(({ body }) => body.text !== '') ? [{ ...base, fileState: known }] : []
    const before = open.get(call.peer) ?? 0
    const fileState = fileStateOf(context, call.id, transfer, before)
    if (fileState !== undefined) return [{ ...base, fileState: fileState }]
    open.set(call.peer, before + 1)
    return []
  })
}

function fileStateOf(
  { environment }: RunContext,
  call: string,
  transfer: Transfer,
  openBefore: number,
): FileState | undefined {
  const refused = refusedFor(transfer, openBefore)
  if (refused !== undefined) return { refused }
  const bytes = assemble(transfer)
  if (bytes === undefined) return undefined
  if (bytes === 'damaged') return { refused: 'its bytes are not those that were announced' }
  return { path: environment.saveFile(call, safeName(transfer.name), bytes) }
}
