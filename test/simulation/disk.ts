// A disk in memory and the store on it, which keeps io/store's promise: a pure change to what is newest, applied again to whole
// calls where it needs them; archives first, then the files of calls, the index last. A run may die in between.

import type { ArchivedCall, ArchiveSegment } from '../../src/call/archive.ts'
import type { Log } from '../../src/call/log.ts'
import { LETTERS } from '../../src/io/store/codec.ts'
import type { Store, StoreChange } from '../../src/io/store/store.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { emptyIndex, type Index, type LetterLog, type State } from '../../src/state/state.ts'
import type { stateCodecWith } from '../../src/state/state-codec.ts'

/** `segments`: by the call's id and the segment's number; some of them may be named by no head. `files`: what was received. */
export type Disk = {
  index: Index
  logs: Record<string, Log>
  segments: Record<string, Map<number, ArchiveSegment>>
  /** By the peer's pubkey. */
  letters: Record<string, LetterLog>
  /** The secrets of calls. */
  keys: Map<string, Keys>
  files: Map<string, Uint8Array>
  /** Where transcripts lie, by call. */
  transcripts: Record<string, string>
}

export type SimCodec = ReturnType<typeof stateCodecWith>

/** `partial`: the index is not written, and nothing is promised yet. */
export type SavedFigures = { compacted: number; joined: number; callsOnly: boolean; partial?: true }

/** What the world does to a process at its disk. */
export type DiskHost = {
  /** Where it waits for the lock. */
  turn: () => Promise<void>
  /** Whether it dies between two files. */
  dies: () => boolean
  /** Whether it is stopped between two files and loses the lock, so that it begins anew on what others have written since. */
  losesLock?: () => boolean
  /** Told of every change; `compacted`: how many segments it wrote, `joined`: how many calls were needed whole. */
  saved: (before: State, after: State, figures: SavedFigures) => void
}

/** A disk of an agent that has done nothing yet. */
export function emptyDisk(): Disk {
  return {
    index: emptyIndex(),
    logs: {},
    segments: {},
    letters: {},
    keys: new Map(),
    files: new Map(),
    transcripts: {},
  }
}

/** A store on this disk: it writes in the order of the real one, and `host` decides between any two writes whether the process dies. */
export function openSimStore(disk: Disk, codec: SimCodec, host: DiskHost): Store<Index, Log, LetterLog> {
  async function update<T>(
    also: readonly string[],
    change: (fresh: State) => StoreChange<Index, Log, T, LetterLog>,
  ): Promise<T> {
    for (;;) {
      await host.turn()
      const { fresh, volumes, joined, snapshot, value, ...rest } = applied(disk, codec, also, change)
      const { callsOnly = false, secrets = [], removals = [] } = rest
      if (!writeKeys(disk, secrets, host)) return await new Promise(() => {})
      for (const removal of removals) {
        if (removal.type === 'key') disk.keys.delete(removal.call)
        if (removal.type === 'call') delete disk.logs[removal.call]
      }
      const end = write(disk, codec, { fresh, snapshot, callsOnly, volumes, joined }, host)
      if (end === 'dead') return await new Promise(() => {})
      if (end === 'whole') return value
    }
  }

  return {
    read: (also = [], whole = []) => load(disk, codec, [...also, ...whole], whole),
    update,
    // Of what lies beside the index and the calls here are keys alone.
    async remove(change) {
      const held = [...disk.keys.keys()]
      await update([], (fresh) => ({ ...change(fresh), value: undefined }))
      return held.filter((call) => !disk.keys.has(call)).map((call) => `calls/${call}.key`)
    },
    readLog: (id) => wholeLog(disk, codec, id),
    allLogIds: () => Object.keys(disk.logs),
  }
}

/** False when the process dies in between. A key is never written over. */
function writeKeys(disk: Disk, secrets: readonly { call: string; keys: Keys }[], host: DiskHost): boolean {
  for (const { call, keys } of secrets) {
    const held = disk.keys.get(call)
    if (held !== undefined && held.pubkey !== keys.pubkey) throw new Error(`the key of ${call} was written over`)
    disk.keys.set(call, keys)
    if (host.dies()) return false
  }
  return true
}

/** What every command reads: the open calls and `also`; `whole`: with what lies in archives. */
export function load(disk: Disk, codec: SimCodec, also: readonly string[], whole: readonly string[] = []): State {
  const logs: Record<string, Log> = {}
  const isLetters = (name: string) => name.startsWith(LETTERS)
  const calls = also.filter((name) => !isLetters(name))
  for (const id of codec.open(disk.index, calls)) {
    const log = whole.includes(id) ? wholeLog(disk, codec, id) : disk.logs[id]
    if (log !== undefined) logs[id] = log
  }
  const peers = [
    ...codec.letters.open(disk.index, Number.POSITIVE_INFINITY),
    ...also.filter(isLetters).map((name) => name.slice(LETTERS.length)),
  ]
  const letters = Object.fromEntries(
    [...new Set(peers)].flatMap((peer) => (disk.letters[peer] === undefined ? [] : [[peer, disk.letters[peer]]])),
  )
  return { index: disk.index, logs, letters }
}

/** A call with what lies in its archives. */
export function wholeLog(disk: Disk, codec: SimCodec, id: string): Log | undefined {
  const volume = volumeOf(disk, codec, id)
  return volume && (codec.archive.joinSegments(volume) ?? missing(id))
}

/** Everything written and read again; without the index when that is lost. */
export function reread(disk: Disk, codec: SimCodec, lost: boolean): void {
  const logs = Object.entries(disk.logs).map(([id, log]): [string, Log] => [id, again(codec.parseLog, log)])
  disk.logs = Object.fromEntries(logs)
  for (const segments of Object.values(disk.segments))
    for (const [number, segment] of segments) segments.set(number, again(codec.archive.parse, segment))
  disk.index = lost ? codec.rebuild(new Map(logs)) : again(codec.parse, disk.index)
}

type Written = {
  fresh: State
  snapshot: State
  callsOnly: boolean
  volumes: ReadonlyMap<string, ArchivedCall>
  joined: number
}

/** 'dead' when the process dies before all of it is written, 'lost' when it has lost the lock. */
function write(
  disk: Disk,
  { archive }: SimCodec,
  { fresh, snapshot, callsOnly, volumes, joined }: Written,
  host: DiskHost,
): 'whole' | 'dead' | 'lost' {
  const changed = Object.entries(snapshot.logs).filter(([id, log]) => log !== fresh.logs[id])
  const compacted = changed.map(([id, log]) => ({ id, ...archive.compact(snapshot, log, volumes.get(id)) }))
  const figures = { compacted: 0, joined, callsOnly }
  for (const { id, added } of compacted) {
    const named = disk.logs[id] === undefined ? [] : archive.segmentsOf(disk.logs[id])
    for (const [number, segment] of added) {
      if (named.includes(number)) throw new Error(`segment ${number} of ${id} was written over`)
      disk.segments[id] = new Map(disk.segments[id]).set(number, segment)
      figures.compacted++
      if (host.dies()) return 'dead'
    }
  }
  const placed: Record<string, Log> = {}
  for (const { id, head } of compacted) {
    disk.logs[id] = head
    if (host.dies()) return 'dead'
    placed[id] = snapshot.logs[id] ?? head
    if (host.losesLock?.() !== true) continue
    host.saved(fresh, { ...fresh, logs: { ...fresh.logs, ...placed } }, { ...figures, partial: true })
    return 'lost'
  }
  for (const [peer, log] of Object.entries(snapshot.letters ?? {})) {
    if (log === fresh.letters?.[peer]) continue
    disk.letters[peer] = log
    if (host.dies()) return 'dead'
  }
  if (!callsOnly) disk.index = snapshot.index
  if (changed.length > 0 || snapshot.index !== fresh.index) host.saved(fresh, snapshot, figures)
  for (const { id, head } of compacted) {
    const held = disk.segments[id]
    for (const number of held === undefined ? [] : [...held.keys()]) {
      if (archive.segmentsOf(head).includes(number)) continue
      held?.delete(number)
      if (host.dies()) return 'dead'
    }
  }
  return 'whole'
}

function applied<T>(
  disk: Disk,
  codec: SimCodec,
  also: readonly string[],
  change: (fresh: State) => StoreChange<Index, Log, T, LetterLog>,
) {
  const volumes = new Map<string, ArchivedCall>()
  for (;;) {
    const fresh = load(disk, codec, also, [...volumes.keys()])
    const changed = change(fresh)
    const disturbed = Object.entries(changed.snapshot.logs).filter(([id, log]) => {
      const before = fresh.logs[id]
      return before !== undefined && before !== log && codec.archive.needsWholeCall(before, log)
    })
    if (disturbed.length === 0) return { fresh, volumes, joined: volumes.size, ...changed }
    for (const [id] of disturbed) {
      const volume = volumeOf(disk, codec, id)
      if (volumes.has(id) || volume === undefined) throw new Error(`${id} is needed more than whole`)
      volumes.set(id, volume)
    }
  }
}

function volumeOf(disk: Disk, codec: SimCodec, id: string): ArchivedCall | undefined {
  const head = disk.logs[id]
  if (head === undefined) return undefined
  const segments = new Map(codec.archive.segmentsOf(head).map((n) => [n, disk.segments[id]?.get(n) ?? missing(id)]))
  return { head, segments }
}

function missing(id: string): never {
  throw new Error(`the segments of ${id} are not what its head says`)
}

function again<T>(parse: (value: unknown, unchanged?: boolean) => T | 'newer' | undefined, value: T): T {
  const parsed = parse(JSON.parse(JSON.stringify(value)))
  if (parsed === undefined || parsed === 'newer') throw new Error('what was written cannot be read')
  return parsed
}
