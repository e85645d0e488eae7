// Fetching files that lie on servers, in commands that have the time for it.

import { encryptedSize } from '../call/file-transfer.ts'
import { safeName } from '../call/filename.ts'
import type { Intent } from '../call/intent.ts'
import type { FileState } from '../call/log.ts'
import type { FetchTime } from '../io/files/remote.ts'
import {
  afterFailedFetch,
  afterPausedFetch,
  filesToFetch,
  type RemoteFileEntry,
  recordFetched,
  remoteFilesOf,
} from '../state/files.ts'
import { callsOf, type State } from '../state/state.ts'
import { type RunContext, refreshContext, speakerOf } from './context.ts'

/**
 * How long a command may fetch, in ms. `inbox` was started for what comes in; `status` and `announce` take what comes
 * quickly, or is small, within their budget. What is left goes on with the next command.
 */
const INBOX_MS = 20_000
const GLANCE_MS = 2_000
const SMALL_BYTES = 1_000_000

/** Fetches what the command has time for; the state as it is then. Commands that wait fetch beside it: `openFetcher`. */
export async function downloadFor(intent: Intent, context: RunContext, state: State): Promise<State> {
  const { environment, deadline } = context
  const { stopped } = environment
  const now = environment.clock()
  if (intent.type === 'inbox') return await downloadAll(context, state, () => now + INBOX_MS, stopped)
  const glance = Math.min(deadline, now + GLANCE_MS)
  const isSmall = ({ body: { size } }: RemoteFileEntry) => size > 0 && size <= SMALL_BYTES
  return await downloadAll(context, state, (remoteFile) => (isSmall(remoteFile) ? deadline : glance), stopped)
}

/** Fetches while something else is waited for, so that neither keeps the other from being heard of. */
export type Downloader = {
  /** Fetches what there is to fetch, unless it is at it. What becomes of it is in the state. */
  begin(context: RunContext, state: State): void
  /** Leaves the rest to another command. Throws what is wrong with the disk. */
  stop(): Promise<void>
}

/** @param until Unix ms */
export function openDownloader(until: number): Downloader {
  const stopped = new AbortController()
  let running: Promise<unknown> | undefined
  let trouble: { error: unknown } | undefined
  return {
    begin(context, state) {
      if (running !== undefined || trouble !== undefined || openFiles(context, state).length === 0) return
      const signal = AbortSignal.any([stopped.signal, context.environment.stopped])
      running = downloadAll(context, state, () => until, signal)
        .catch((error: unknown) => {
          trouble = { error }
        })
        .finally(() => {
          running = undefined
        })
    },
    async stop() {
      stopped.abort()
      await running
      if (trouble !== undefined) throw trouble.error
    },
  }
}

/** @param until Unix ms to which each may take; past that nothing is begun */
async function downloadAll(
  context: RunContext,
  state: State,
  until: (remoteFile: RemoteFileEntry) => number,
  stopped: AbortSignal,
): Promise<State> {
  const { environment } = context
  let held = state
  for (const remoteFile of openFiles(context, state)) {
    if (environment.clock() >= until(remoteFile) || stopped.aborted) continue
    const claimed = await claimFile(context, remoteFile)
    if (claimed === undefined) continue
    const fileState = await downloadOne(context, claimed, { until: until(remoteFile), stopped })
    // A long fetch ends in another second than it began.
    const speaker = speakerOf(refreshContext(context))
    held = await environment.store.update(remoteFile.call === '' ? [] : [remoteFile.call], (fresh) => {
      const snapshot = recordFetched(fresh, [{ remoteFile: claimed, fileState }], speaker)
      return { snapshot, value: snapshot }
    })
  }
  return held
}

// A parallel command may be at it, or have done it.
async function claimFile(context: RunContext, { call, id }: RemoteFileEntry): Promise<RemoteFileEntry | undefined> {
  const speaker = speakerOf(context)
  return await context.environment.store.update(call === '' ? [] : [call], (fresh) => {
    const remoteFile = openFiles(context, fresh).find((p) => p.id === id)
    if (remoteFile?.progress === undefined) return { snapshot: fresh, value: undefined }
    const fileState: FileState = { fetching: { ...remoteFile.progress, claim: { pid: speaker.pid, at: speaker.now } } }
    return { snapshot: recordFetched(fresh, [{ remoteFile, fileState }], speaker), value: remoteFile }
  })
}

function openFiles({ environment, now }: RunContext, state: State): RemoteFileEntry[] {
  return filesToFetch(remoteFilesOf(state, callsOf(state, environment.keys.pubkey, now)), now, environment.alive)
}

async function downloadOne(context: RunContext, remoteFile: RemoteFileEntry, time: FetchTime): Promise<FileState> {
  const { body, remote, call, from, progress: fileState } = remoteFile
  const { key, nonce, x } = remote
  const sources = [body.text, ...remote.fallbacks]
  // One that gives no answer must not keep the others from being asked.
  const first = (fileState?.tries ?? 0) % sources.length
  const urls = [...sources.slice(first), ...sources.slice(0, first)]
  const wanted = { urls, key, nonce, x, ox: body.x, folder: call === '' ? from : call, name: safeName(body.name) }
  const fetched = await context.environment.depot.fetch(wanted, encryptedSize(body), time)
  if (fetched.type === 'done') return { path: fetched.path, size: fetched.size, sha256: fetched.sha256 }
  if (fetched.type === 'refused') return { refused: fetched.why }
  if (fetched.type === 'failed') return afterFailedFetch(remoteFile, fetched, refreshContext(context).now)
  return afterPausedFetch(remoteFile, fetched.have)
}
