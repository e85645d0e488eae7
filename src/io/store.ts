// What is on disk: state.json through lowdb, and one file for each call. Read without a lock, changed under it.
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { LowSync } from 'lowdb'
import { commit, linkNew, makeFolder, onDisk, type Staged, type Step, writeNew } from './atomic.ts'
import type { Home } from './home.ts'
import {
  type Codec,
  checkOwner,
  type Damaged,
  loadIndex,
  loadLogs,
  logIds,
  logPath,
  type Memory,
  stampOf,
} from './load.ts'
import { locked } from './lock.ts'

/** The index, and the logs that were asked for, by call id. */
export type Snapshot<I, L> = { readonly index: I; readonly logs: Readonly<Record<string, L>> }

/** `callsOnly`: the index is not written, since all that changed in it follows from the call files and is soon written anyway. */
export type Change<I, L, T> = { readonly snapshot: Snapshot<I, L>; readonly value: T; readonly callsOnly?: boolean }

export type Store<I, L> = {
  /** What is on disk now: the open calls and `also`; a call without a file is absent. Takes no lock, changes nothing. */
  read(also?: readonly string[]): Snapshot<I, L>
  /**
   * Loads fresh, applies a pure change, writes what is no longer the same object: calls first, the index last. The change
   * may be applied more than once; the last one is on disk, all of it, when this resolves.
   */
  update<T>(also: readonly string[], change: (fresh: Snapshot<I, L>) => Change<I, L, T>): Promise<T>
  /** One call alone, whatever else is open: for going through all of them one by one. Undefined without a good file. */
  readLog(id: string): L | undefined
  allLogIds(): string[]
}

/** `say` hears what was damaged; `me` is the own pubkey; `lockMs` bounds the wait for the lock; `now` is in ms. */
export type StoreOptions = {
  readonly say: (notice: string) => void
  readonly command: string
  readonly me?: string
  readonly lockMs?: number
  readonly step?: Step
  readonly now?: () => number
}

/** Touches nothing yet. The methods throw HOME_UNWRITABLE, DISK_FULL, STATE_NEWER and OTHER_IDENTITY, `update` LOCKED too. */
export function openStore<I, L>(home: Home, codec: Codec<I, L>, options: StoreOptions): Store<I, L> {
  const { command, me, lockMs: ms = 5_000, step = () => {}, now = Date.now } = options
  const said = new Set<string>()
  const memory: Memory = new Map()

  return {
    read(also = []) {
      const damaged: Damaged = (path, why, then) => say(`${path} is damaged (${why}); ${then}`)
      const index = loadIndex(home, codec, damaged, memory)?.index ?? codec.empty()
      return fill(index, also, damaged)
    },

    update(also, change) {
      return locked(home, { command, ms, step }, (own) => {
        const damaged: Damaged = (path, why, then) => {
          say(`${path} was damaged (${why}) and is set aside as ${setAside(path, own, now(), step)}; ${then}`)
        }
        const staged: Staged[] = []
        const written = new Map<string, unknown>()
        const stage = (target: string, data: unknown) => {
          const temp = join(own, `${staged.length}`)
          writeNew(temp, JSON.stringify(data), target, step)
          staged.push({ temp, target })
          written.set(target, data)
        }
        const loaded = loadIndex(home, codec, damaged, memory)
        const db = new LowSync<I>(
          { read: () => loaded?.index ?? null, write: (index) => stage(home.state, index) },
          codec.empty(),
        )
        db.read()
        const fresh = fill(db.data, also, damaged)
        const { snapshot, value, callsOnly = false } = change(fresh)
        // Everything is written in full before anything is put in place, so a full disk leaves all of the old. A killed run
        // has perhaps put calls in place without the index: they hold more than it knows, never less.
        const changed = Object.entries(snapshot.logs).filter(([id, log]) => fresh.logs[id] !== log)
        if (changed.length > 0) makeFolder(home.calls, step)
        for (const [id, log] of changed) stage(logPath(home, id), log)
        if (!callsOnly && (snapshot.index !== fresh.index || loaded?.rebuilt)) {
          db.data = snapshot.index
          db.write()
        }
        commit(staged, step)
        for (const [path, value] of written) {
          const stamp = stampOf(path)
          if (stamp !== undefined) memory.set(path, { stamp, value })
        }
        return value
      })
    },

    readLog: (id) => loadLogs(home, codec, [id], (path, why, then) => say(`${path} is damaged (${why}); ${then}`))[id],

    allLogIds: () => logIds(home),
  }

  // A run reads several times and need not hear of the same file each time.
  function say(notice: string): void {
    if (!said.has(notice)) options.say(notice)
    said.add(notice)
  }

  function fill(index: I, also: readonly string[], damaged: Damaged): Snapshot<I, L> {
    checkOwner(home, codec.owner?.(index), me)
    return { index, logs: loadLogs(home, codec, [...codec.open(index, also), ...also], damaged, memory) }
  }
}

// Keeps a damaged file under a name of its own, never over an earlier one, and takes it out of the way. Moved into the
// lock's folder and not removed: a run that has lost the lock meanwhile must not take away the good file of the next one.
function setAside(path: string, own: string, now: number, step: Step): string {
  const name = `${path}.damaged-${Math.floor(now / 1000)}`
  for (let n = 1; ; n++) {
    const kept = n === 1 ? name : `${name}-${n}`
    if (!linkNew(path, kept, step)) continue
    onDisk(path, () => {
      step(`take away ${path}`)
      renameSync(path, join(own, `damaged-${n}`))
    })
    return kept
  }
}
