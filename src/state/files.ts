// The state of files that peers send: which of those on servers are fetched, when, and what became of them; and where those in chunks
// lie, or why they were refused. Each file is news once.

import type { Trust } from '../call/agents.ts'
import { parseRemote } from '../call/file-codec.ts'
import { isFinished, type Transfer, transfers, unfetchable } from '../call/file-transfer.ts'
import { type FetchProgress, type FileState, withoutContent } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { FILE, type FileBody, type RemoteFile } from '../call/signal.ts'
import { commitCalls } from './call-index.ts'
import { commitLetters, letterLogsOf, updateLetter } from './letter-log.ts'
import type { AuthorContext } from './record-signals.ts'
import { hasPassed, type IsAlive, isClaimed, waitAfter } from './retry.ts'
import type { Letter, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** A file on a server that is still to come. `id`: of the rumor that announced it; `call`: undefined for a letter; `heard`: unix seconds. */
export type RemoteFileEntry = {
  id: string
  call: string | undefined
  /** The key under which its state is kept in the call. */
  transferKey: string
  from: string
  heard: number
  /** It was announced in a call that was over. */
  late: boolean
  body: FileBody
  remote: RemoteFile
  progress: FetchProgress | undefined
}

/** Seconds until the next try, by how many have failed; and seconds after which no more are made. */
const FETCH_WAITS = [0, 30, 120, 600, 3600, 6 * 3600]
const FETCH_TRIED_FOR = 7 * 24 * 3600

/** Most tries of a server that gives all of a file, and other bytes than were announced: each costs as much as the file. */
const MAX_WRONG = 3

/** Seconds after which a claim on a fetch counts for nothing. */
const FETCH_CLAIM_LIFETIME = 3600

/** The files on servers that are still to come, in the order of their calls, then those of letters. */
export function remoteFilesOf(state: State, calls: readonly Call[]): RemoteFileEntry[] {
  return [
    ...calls.flatMap((call) => inCall(state, call)),
    ...letterLogsOf(state).flatMap((held) => Object.values(held.letters).flatMap(inLetter)),
  ]
}

/** What decides whether a file is fetched. `fetchMax`: most bytes of one file (file.fetchMax). */
export type FetchContext = { calls: readonly Call[]; trust: (pubkey: string) => Trust; fetchMax: number }

/** Whether files that are newly announced are fetched or refused: decided once, by the command that hears of them. */
export function decideFetches(
  remoteFiles: readonly RemoteFileEntry[],
  judging: FetchContext,
): { remoteFile: RemoteFileEntry; fileState: FileState }[] {
  const open = new Map<string, number>()
  for (const { from, progress } of remoteFiles) if (progress !== undefined) open.set(from, (open.get(from) ?? 0) + 1)
  return remoteFiles.flatMap((remoteFile): { remoteFile: RemoteFileEntry; fileState: FileState }[] => {
    if (remoteFile.progress !== undefined) return []
    const before = open.get(remoteFile.from) ?? 0
    const refused = refusalOf(remoteFile, judging) ?? unfetchable(remoteFile.body, before, judging.fetchMax)
    if (refused !== undefined) return [{ remoteFile, fileState: { refused } }]
    open.set(remoteFile.from, before + 1)
    return [{ remoteFile, fileState: { fetching: { have: 0, tries: 0, at: 0, why: '' } } }]
  })
}

/** The files to fetch now: those whose next try is due, and which no other process is fetching. */
export function filesToFetch(remoteFiles: readonly RemoteFileEntry[], now: number, alive: IsAlive): RemoteFileEntry[] {
  return remoteFiles.filter(({ progress }) => {
    if (progress === undefined || isClaimed(progress.claim, now, alive, FETCH_CLAIM_LIFETIME)) return false
    return hasPassed(progress.at, waitAfter(progress.tries, FETCH_WAITS), now)
  })
}

/** A try that failed. `have`: encrypted bytes that are here; `wrong`: all of the file came and was something else. */
export type FailedFetch = { why: string; have: number; wrong?: true }

/** The state of a file after a try that failed: refused, when it was tried for too long, or came wrong too often. */
export function afterFailedFetch(
  { heard, progress }: RemoteFileEntry,
  { why, have, wrong }: FailedFetch,
  now: number,
): FileState {
  const times = (progress?.wrong ?? 0) + (wrong ? 1 : 0)
  if (times >= MAX_WRONG) return { refused: `${why}, ${MAX_WRONG} times` }
  if (now - heard > FETCH_TRIED_FOR) return { refused: `it could not be fetched for 7 days: ${why}` }
  return { fetching: { have, tries: (progress?.tries ?? 0) + 1, at: now, why, ...(times > 0 && { wrong: times }) } }
}

/** The state of a file after a try that ran out of time while bytes came: the next command goes on at once. */
export function afterPausedFetch({ progress }: RemoteFileEntry, have: number): FileState {
  const wrong = progress?.wrong ?? 0
  return { fetching: { have, tries: 0, at: 0, why: '', ...(wrong > 0 && { wrong }) } }
}

/** Writes down what became of files on servers. One that was received or refused is news. */
export function recordFetched(
  state: State,
  found: readonly { remoteFile: RemoteFileEntry; fileState: FileState }[],
  author: Pick<AuthorContext, 'me' | 'now'>,
): State {
  const edit = beginTransaction(state)
  for (const { remoteFile, fileState } of found) {
    const { call, transferKey, id, from } = remoteFile
    if (call === undefined) {
      if (!isFinished(state.letters?.[from]?.letters[id]?.file)) updateLetter(edit, from, id, { file: fileState })
      continue
    }
    if (edit.state.logs[call] === undefined || isFinished(edit.state.logs[call]?.files[transferKey])) continue
    const log = edit.log(call)
    log.files[transferKey] = fileState
    if (isFinished(fileState)) log.unread.push(id)
  }
  commitLetters(edit)
  return commitCalls(edit, author)
}

// The attack: to fetch from a stranger's address tells the stranger where we are and that we read. In a call that we have
// accepted, and with our own owner, that is the price of files.
function refusalOf({ call, from, late }: RemoteFileEntry, { calls, trust }: FetchContext): string | undefined {
  const known = trust(from)
  if (known === 'blocked') return 'its sender is blocked'
  if (call !== undefined) return late && known === 'unknown' ? 'it came after the call was over' : undefined
  const active = calls.some((c) => c.peer === from && c.phase === 'active')
  return known === 'owner' || active ? undefined : 'outside of a call only files of your owner are fetched'
}

function inCall(state: State, call: Call): RemoteFileEntry[] {
  const log = state.logs[call.id]
  if (log === undefined) return []
  return transfers(call, log, call.peer).flatMap(({ transferKey, id, chunks: [first] }): RemoteFileEntry[] => {
    const body = first?.body
    const fileState = log.files[transferKey]
    if (body?.type !== 'file' || body.remote === undefined || isFinished(fileState)) return []
    const heard = log.entries[id]?.heard ?? call.last
    const late = call.lines.some((line) => line.signal.id === id && line.late)
    return [
      {
        id,
        call: call.id,
        transferKey,
        from: call.peer,
        heard,
        late,
        body,
        remote: body.remote,
        progress: fileState?.fetching,
      },
    ]
  })
}

function inLetter({ rumor, heard, file, mine }: Letter): RemoteFileEntry[] {
  if (mine) return []
  const body = rumor.kind === FILE ? parseRemote(rumor) : undefined
  if (body?.remote === undefined || isFinished(file)) return []
  const { id, pubkey: from } = rumor
  return [
    {
      id,
      call: undefined,
      transferKey: id,
      from,
      heard,
      late: false,
      body,
      remote: body.remote,
      progress: file?.fetching,
    },
  ]
}

export type FinishedTransfer = { call: string; transfer: Transfer; fileState: FileState }

/** Writes down which files in chunks were received or refused; each is news once. */
export function recordTransfers(state: State, done: readonly FinishedTransfer[], author: AuthorContext): State {
  const edit = beginTransaction(state)
  for (const { call, transfer, fileState } of done) {
    const log = edit.log(call)
    // A parallel command may have been first: then only the chunks that came afterwards are left to empty.
    if (!isFinished(log.files[transfer.transferKey])) {
      log.files[transfer.transferKey] = fileState
      log.unread.push(transfer.id)
    }
    for (const { id } of transfer.chunks) {
      const entry = log.entries[id]
      if (entry !== undefined && entry.rumor.content !== '') edit.entries(log)[id] = withoutContent(entry)
    }
  }
  return commitCalls(edit, author)
}
