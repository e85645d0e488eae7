// Files that lie on servers, announced to us in calls and in letters: which are fetched, when, and what became of them.

import type { Trust } from '../call/agents.ts'
import { type FileBody, isSettled, transfers, unfetchable } from '../call/file-transfer.ts'
import type { FetchProgress, FileState } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { FILE, parseRemote, type RemoteFile } from '../call/signal.ts'
import type { Book, Letterbox } from './book.ts'
import { editBook } from './edit.ts'
import { refresh } from './refresh.ts'
import type { Speaker } from './say.ts'

/** A file that is still to come. `id`: the rumor that announced it; `call`: "" for a letter; `heard`: unix seconds. */
export type Parcel = {
  id: string
  call: string
  /** Under which its state is kept in the call. */
  key: string
  from: string
  heard: number
  /** It was announced in a call that was over. */
  late: boolean
  body: FileBody
  remote: RemoteFile
  state: FetchProgress | undefined
}

/** Seconds until the next try, by how many have failed; and for how long there are tries. */
const WAITS = [0, 30, 120, 600, 3600, 6 * 3600]
const TRIED = 7 * 24 * 3600

/** A claim is older than any fetch takes: its process hangs, or another has its number by now. */
const CLAIM = 3600

/** The parcels of a book, in the order of their calls, then those of letters. */
export function parcelsOf(book: Book, calls: readonly Call[]): Parcel[] {
  return [...calls.flatMap((call) => inCall(book, call)), ...Object.values(book.index.dms).flatMap(inLetter)]
}

/** Whether a letter brings a file whose fate is open. */
export function isOnItsWay({ rumor, file }: Letterbox[string]): boolean {
  return rumor.kind === FILE && !isSettled(file)
}

export type Judging = { calls: readonly Call[]; trust: (pubkey: string) => Trust; fetchMax: number }

/** What is to become of the parcels that nobody has looked at yet: decided once, by the command that hears of them. */
export function judged(parcels: readonly Parcel[], judging: Judging): { parcel: Parcel; state: FileState }[] {
  const open = new Map<string, number>()
  for (const { from, state } of parcels) if (state !== undefined) open.set(from, (open.get(from) ?? 0) + 1)
  return parcels.flatMap((parcel): { parcel: Parcel; state: FileState }[] => {
    if (parcel.state !== undefined) return []
    const before = open.get(parcel.from) ?? 0
    const refused = unwelcome(parcel, judging) ?? unfetchable(parcel.body, before, judging.fetchMax)
    if (refused !== undefined) return [{ parcel, state: { refused } }]
    open.set(parcel.from, before + 1)
    return [{ parcel, state: { fetching: { have: 0, tries: 0, at: 0, why: '' } } }]
  })
}

/** The parcels to fetch now. */
export function fetchable(parcels: readonly Parcel[], now: number, alive: (pid: number) => boolean): Parcel[] {
  return parcels.filter(({ state }) => {
    if (state === undefined || (state.claim !== undefined && isHeld(state.claim, now, alive))) return false
    // A clock that was set back must not stop it.
    return Math.abs(now - state.at) >= (WAITS[state.tries] ?? WAITS.at(-1) ?? 0)
  })
}

/** A state after a try that failed; the last one, when there were tries for long enough. */
export function failedOnce({ heard, state }: Parcel, why: string, have: number, now: number): FileState {
  if (now - heard > TRIED) return { refused: `it could not be fetched for 7 days: ${why}` }
  return { fetching: { have, tries: (state?.tries ?? 0) + 1, at: now, why } }
}

/** Writes down what became of parcels. One that has come to its end is news. */
export function withParcels(
  book: Book,
  found: readonly { parcel: Parcel; state: FileState }[],
  speaker: Pick<Speaker, 'me' | 'now'>,
): Book {
  const edit = editBook(book)
  for (const { parcel, state } of found) {
    const { call, key, id } = parcel
    const letter = edit.index.dms[id]
    if (call === '') {
      if (letter !== undefined && !isSettled(letter.file)) edit.table('dms')[id] = { ...letter, file: state }
      continue
    }
    if (edit.book.logs[call] === undefined || isSettled(edit.book.logs[call]?.files[key])) continue
    const log = edit.log(call)
    log.files[key] = state
    if (isSettled(state)) log.unread.push(id)
  }
  return refresh(edit, speaker)
}

// The attack: a stranger's address, asked for, tells the stranger where we are and that we read. In a call that we have
// taken, and with our own owner, that is the price of files.
function unwelcome({ call, from, late }: Parcel, { calls, trust }: Judging): string | undefined {
  const known = trust(from)
  if (known === 'blocked') return 'its sender is blocked'
  if (call !== '') return late && known === 'unknown' ? 'it came after the call was over' : undefined
  const active = calls.some((c) => c.peer === from && c.phase === 'active')
  return known === 'owner' || active ? undefined : 'outside of a call only files of your owner are fetched'
}

function isHeld(
  { pid, at }: NonNullable<FetchProgress['claim']>,
  now: number,
  alive: (pid: number) => boolean,
): boolean {
  return Math.abs(now - at) < CLAIM && alive(pid)
}

function inCall(book: Book, call: Call): Parcel[] {
  const log = book.logs[call.id]
  if (log === undefined) return []
  return transfers(call, log, call.peer).flatMap(({ key, id, chunks: [first] }): Parcel[] => {
    const body = first?.body
    const state = log.files[key]
    if (body?.type !== 'file' || body.remote === undefined || isSettled(state)) return []
    const heard = log.entries[id]?.heard ?? call.last
    const late = call.lines.some((line) => line.signal.id === id && line.late)
    return [{ id, call: call.id, key, from: call.peer, heard, late, body, remote: body.remote, state: state?.fetching }]
  })
}

function inLetter({ rumor, heard, file }: Letterbox[string]): Parcel[] {
  const body = rumor.kind === FILE ? parseRemote(rumor) : undefined
  if (body?.remote === undefined || isSettled(file)) return []
  const { id, pubkey: from } = rumor
  return [{ id, call: '', key: id, from, heard, late: false, body, remote: body.remote, state: file?.fetching }]
}
