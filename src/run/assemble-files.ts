// Files that came through relays: once whole they are checked and put under their names, and only then are they news.
import { trustOf } from '../call/agents.ts'
import { assemble, isFinished, refusedFor, type Transfer, transfers } from '../call/file-transfer.ts'
import { safeName } from '../call/filename.ts'
import type { FileState } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { decideFetches, type FinishedTransfer, recordFetched, recordTransfers, remoteFilesOf } from '../state/files.ts'
import { callsOf, type State } from '../state/state.ts'
import type { Action, ActionOf, Executor } from './action.ts'
import { authorOf, type RunContext } from './context.ts'

/** Decides, as far as it can be told, what becomes of the files that have come in; the actions put whole ones in their place. Pure. */
export function updateTransfers(state: State, context: RunContext): { state: State; actions: Action[] } {
  const { environment, people, now } = context
  const calls = callsOf(state, environment.keys.pubkey, now)
  const open = new Map<string, number>()
  const found = calls.flatMap((call) => transfersIn(call, state, open))
  const speaker = authorOf(context)
  const settled = found.filter((one): one is FinishedTransfer => 'fileState' in one)
  // Files on servers are fetched by commands that have the time; whether they will be fetched at all is decided at once.
  const { fetchMax } = environment.config.file
  const trust = (pubkey: string) => trustOf(people, pubkey)
  const fetches = decideFetches(remoteFilesOf(state, calls), { calls, trust, fetchMax })
  const noted = settled.length === 0 ? state : recordTransfers(state, settled, speaker)
  return {
    state: fetches.length === 0 ? noted : recordFetched(noted, fetches, speaker),
    actions: found.flatMap((one) => ('fileState' in one ? [] : [one])),
  }
}

// A run that dies before this is done leaves it to the next one.
export const saveFile: Executor<'save-file'> = {
  async execute(action, { environment }) {
    const path = environment.placeFile(action.transfer.call, action.name, action.bytes)
    return { type: 'save-file', action, path }
  },
  record(state, done, context) {
    const settled = done.map(({ action, path }) => ({ ...action.transfer, fileState: { path } }))
    return recordTransfers(state, settled, authorOf(context))
  },
}

type FoundTransfer = FinishedTransfer | ActionOf<'save-file'>

/** @param open how many files of each peer are on their way, over all its calls */
function transfersIn(call: Call, state: State, open: Map<string, number>): FoundTransfer[] {
  const log = state.logs[call.id]
  if (log === undefined) return []
  const all = transfers(call, log, call.peer).filter((t) => t.remote === undefined)
  return all.flatMap((transfer): FoundTransfer[] => {
    const base = { call: call.id, transfer }
    const known = log.files[transfer.transferKey]
    // Chunks of a file that was refused go on coming: it is recorded again, so that their bytes are not kept.
    if (isFinished(known))
      return transfer.chunks.some(({ body }) => body.text !== '') ? [{ ...base, fileState: known }] : []
    const before = open.get(call.peer) ?? 0
    const whole = wholeFile(transfer, before)
    if (whole === undefined) open.set(call.peer, before + 1)
    else if (!(whole instanceof Uint8Array)) return [{ ...base, fileState: whole }]
    else return [{ type: 'save-file', transfer: base, name: safeName(transfer.name), bytes: whole }]
    return []
  })
}

function wholeFile(transfer: Transfer, openBefore: number): Uint8Array | FileState | undefined {
  const refused = refusedFor(transfer, openBefore)
  if (refused !== undefined) return { refused }
  const bytes = assemble(transfer)
  return bytes === 'damaged' ? { refused: 'its bytes are not those that were announced' } : bytes
}
