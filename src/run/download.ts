// Fetching files that lie on servers, in commands that have the time for it.

import { encryptedSize } from '../call/file-transfer.ts'
import { safeName } from '../call/filename.ts'
import type { FileState } from '../call/log.ts'
import {
  afterFailedFetch,
  afterPausedFetch,
  filesToFetch,
  type RemoteFileEntry,
  recordFetched,
  remoteFilesOf,
} from '../state/files.ts'
import { claimBy } from '../state/retry.ts'
import { callsOf, type State } from '../state/state.ts'
import type { Executor, FetchWindow, StepOptions } from './action.ts'
import { authorOf, type RunContext, refreshContext } from './context.ts'

/**
 * How long a command may fetch, in ms. `inbox` was started for what comes in; `status` and `announce` take what comes
 * quickly, or is small, within their budget. What is left goes on with the next command.
 */
const PATIENT_MS = 20_000
const QUICK_MS = 2_000
const SMALL_BYTES = 1_000_000

/** Proposes the next file to fetch, as long as the command has time. A parallel command may be fetching it, or have done so. */
export function fetchesFor(downloads: 'patient' | 'quick' | FetchWindow): NonNullable<StepOptions['proposeFetches']> {
  return (state, before, context) => {
    const { environment } = context
    const clock = environment.clock()
    const window =
      before[0]?.window ?? (typeof downloads === 'string' ? windowOf(downloads, clock, context) : downloads)
    const tried = before.map(({ remoteFile }) => remoteFile.id)
    const left = environment.stopped.aborted ? [] : fetchableFiles(context, state)
    const remoteFile = left.find(({ id, body }) => clock < untilOf(body.size, window) && !tried.includes(id))
    if (remoteFile?.progress === undefined) return { state, actions: [] }
    const speaker = authorOf(context)
    const fileState: FileState = { fetching: { ...remoteFile.progress, claim: claimBy(speaker) } }
    return {
      state: recordFetched(state, [{ remoteFile, fileState }], speaker),
      actions: [{ type: 'fetch-file', remoteFile, window }],
    }
  }
}

function windowOf(downloads: 'patient' | 'quick', clock: number, { deadline }: RunContext): FetchWindow {
  if (downloads === 'patient') return { until: clock + PATIENT_MS, untilSmall: clock + PATIENT_MS }
  return { until: Math.min(deadline, clock + QUICK_MS), untilSmall: deadline }
}

export const fetchFile: Executor<'fetch-file'> = {
  async execute(action, context) {
    const { remoteFile, window } = action
    const { body, remote, call, from, progress } = remoteFile
    const { aesKey, nonce, ciphertextSha256 } = remote
    const sources = [body.text, ...remote.fallbacks]
    // A source that gives no answer must not keep the others from being asked, so each try begins with another one.
    const first = (progress?.tries ?? 0) % sources.length
    const urls = [...sources.slice(first), ...sources.slice(0, first)]
    const wanted = {
      urls,
      aesKey,
      nonce,
      ciphertextSha256,
      sha256: body.sha256,
      folder: call ?? from,
      name: safeName(body.name),
    }
    const { remoteStorage, stopped } = context.environment
    const time = { until: untilOf(body.size, window), stopped }
    const fetched = await remoteStorage.fetch(wanted, encryptedSize(body), time)
    const done = (fileState: FileState) => ({ type: 'fetch-file' as const, action, fileState })
    if (fetched.type === 'done') return done({ path: fetched.path, size: fetched.size, sha256: fetched.sha256 })
    if (fetched.type === 'refused') return done({ refused: fetched.why })
    if (fetched.type === 'failed') return done(afterFailedFetch(remoteFile, fetched, refreshContext(context).now))
    return done(afterPausedFetch(remoteFile, fetched.have))
  },
  record(state, done, context) {
    const found = done.map(({ action: { remoteFile }, fileState }) => ({ remoteFile, fileState }))
    return recordFetched(state, found, authorOf(context))
  },
}

function untilOf(size: number, { until, untilSmall }: FetchWindow): number {
  return size > 0 && size <= SMALL_BYTES ? untilSmall : until
}

/** The files on servers that may be fetched now: not refused, not resting after a failure, and not claimed by a live process. */
export function fetchableFiles({ environment, now }: RunContext, state: State): RemoteFileEntry[] {
  return filesToFetch(remoteFilesOf(state, callsOf(state, environment.keys.pubkey, now)), now, environment.isAlive)
}
