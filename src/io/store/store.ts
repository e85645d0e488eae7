// The state on disk: state.json, through lowdb, and one file for each call and each peer's letters. Read without the lock, changed under
// it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LowSync } from 'lowdb'
import type { Removal } from '../../state/retention.ts'
import type { Home } from '../home/paths.ts'
import { loadWhole, pruneSegments, segmentFolder, segmentPath } from './archive.ts'
import { commitFiles, makeFolder, type OnStep, writeNew } from './atomic.ts'
import { type CallSecret, stageCallKey } from './call-keys.ts'
import { withChecksum } from './checksum.ts'
import { LETTERS, type StoreCodec, type StoredCall } from './codec.ts'
import {
  checkOwner,
  type FileCache,
  letterPath,
  loadIndex,
  loadLetters,
  loadLogs,
  logIds,
  logPath,
  type ReportDamage,
  stampOf,
  wasUsed,
} from './load.ts'
import { withLock } from './lock.ts'
import { checkHome } from './ownership.ts'
import { quarantine } from './quarantine.ts'
import { removeFiles } from './removal.ts'
import type { StagedFile } from './replace.ts'

/** The index, and the logs that were asked for, by call id; `letters` by the peer's pubkey. */
export type StoreSnapshot<I, L, P = never> = {
  readonly index: I
  readonly logs: Readonly<Record<string, L>>
  readonly letters?: Readonly<Record<string, P>>
}

/**
 * `callsOnly`: the index is not written, since all that changed in it follows from the call files, and it is soon written anyway.
 * `secrets`: call keys, which are written before the calls. `removals`: what is deleted before the index is written.
 */
export type StoreChange<I, L, T, P = never> = {
  readonly snapshot: StoreSnapshot<I, L, P>
  readonly value: T
  readonly callsOnly?: boolean
  readonly secrets?: readonly CallSecret[]
  readonly removals?: readonly Removal[]
}

export type Store<I, L, P = never> = {
  /**
   * What is on disk now: the open calls and `also`, and `whole` with their archives; a call without a file is absent.
   * Takes no lock and changes nothing. `also`: ids of calls, and `letters/<pubkey>` for the letters with a peer.
   */
  read(also?: readonly string[], whole?: readonly string[]): StoreSnapshot<I, L, P>
  /**
   * Loads what is on disk, applies a pure change, and writes what is no longer the same object: calls first, the index last. The change may
   * be applied more than once, for one where a call turns out to be needed whole. When this resolves, all of the last one is on disk.
   */
  update<T>(also: readonly string[], change: (fresh: StoreSnapshot<I, L, P>) => StoreChange<I, L, T, P>): Promise<T>
  /** As `update`, but gives the paths of what was deleted. */
  remove(change: (fresh: StoreSnapshot<I, L, P>) => Omit<StoreChange<I, L, unknown, P>, 'value'>): Promise<string[]>
  /** One call with its archive, and no other: for going through all calls one by one. Undefined without a good file. */
  readLog(id: string): L | undefined
  allLogIds(): string[]
}

/**
 * `say`: is told what was damaged; `command`: for whoever waits; `me`: our pubkey; `lockMs`: most ms to wait for the lock; `now`: Unix ms.
 */
export type StoreOptions = {
  readonly say: (notice: string) => void
  readonly command: string
  readonly me?: string
  readonly lockMs?: number
  readonly step?: OnStep
  readonly now?: () => number
}

/**
 * Opens the store; touches no file yet. The methods throw HOME_UNSAFE, HOME_UNWRITABLE, DISK_FULL, STATE_NEWER and OTHER_IDENTITY, `update`
 * and `remove` also LOCKED.
 */
export function openStore<I, L, C, P>(
  home: Home,
  codec: StoreCodec<I, L, C, P>,
  options: StoreOptions,
): Store<I, L, P> {
  const { command, me, lockMs: ms = 5_000, step = () => {}, now = Date.now } = options
  const saidNotices = new Set<string>()
  const cache: FileCache = new Map()
  let checked = false
  let used = false

  return {
    read(also = [], whole = []) {
      const reportDamage: ReportDamage = (path, why, then) => say(`${path} is damaged (${why}); ${then}`)
      checkOnce()
      const index = loadIndex(home, codec, reportDamage, cache, me)?.index ?? codec.empty()
      return loadState(index, [...also, ...whole], reportDamage, whole).fresh
    },

    update: async (also, change) => (await commit(also, change)).value,

    remove: async (change) => (await commit([], (fresh) => ({ ...change(fresh), value: undefined }))).removed,

    readLog: (id) => loadWhole(home, codec, id, (path, why, then) => say(`${path} is damaged (${why}); ${then}`))?.log,

    allLogIds: () => logIds(home),
  }

  function commit<T>(also: readonly string[], change: (fresh: StoreSnapshot<I, L, P>) => StoreChange<I, L, T, P>) {
    // Outside of the lock: where that is lost half-way everything begins anew, and what is gone by then was deleted by this run too.
    const removed: string[] = []
    return withLock(home, { command, ms, step }, (own) => {
      const reportDamage: ReportDamage = (path, why, then) => {
        say(`${path} was damaged (${why}) and is set aside as ${quarantine(path, own, now(), step)}; ${then}`)
      }
      const staged: StagedFile[] = []
      const written = new Map<string, unknown>()
      const stage = (target: string, data: unknown, text = JSON.stringify(data)) => {
        const temp = join(own, `${staged.length}`)
        writeNew(temp, text, target, step)
        staged.push({ temp, target })
        written.set(target, data)
      }
      checkOnce()
      const loaded = loadIndex(home, codec, reportDamage, cache, me)
      const db = new LowSync<I>(
        {
          read: () => loaded?.index ?? null,
          write: (index) => stage(home.state, index, withChecksum(JSON.stringify(index))),
        },
        codec.empty(),
      )
      db.read()
      const {
        fresh,
        snapshot,
        value,
        storedCalls,
        callsOnly = false,
        secrets = [],
        removals = [],
      } = applyChange(db.data, also, change, reportDamage)
      // Everything is written in full before anything is put in place, so a full disk leaves the old state. A killed run may have put calls
      // in place without the index: they hold more than it knows, never less.
      const changed = Object.entries(snapshot.logs).filter(([id, log]) => fresh.logs[id] !== log)
      if (changed.length + secrets.length > 0) makeFolder(home.calls, step)
      const keyFiles = secrets.flatMap((secret) => stageCallKey(home, secret, own, step))
      const compacted = changed.map(([id, log]) => ({ id, ...compact(snapshot, log, storedCalls.get(id)) }))
      for (const { id, added } of compacted) {
        if (added.size > 0) makeFolder(segmentFolder(logPath(home, id)), step)
        for (const [number, segment] of added) stage(segmentPath(home, id, number), segment)
      }
      for (const { id, head } of compacted) stage(logPath(home, id), head)
      const letters = Object.entries(snapshot.letters ?? {}).filter(([peer, held]) => fresh.letters?.[peer] !== held)
      if (letters.length > 0) makeFolder(home.letters, step)
      for (const [peer, held] of letters) stage(letterPath(home, peer), held)
      if (!callsOnly && (snapshot.index !== fresh.index || loaded?.rebuilt)) {
        db.data = snapshot.index
        db.write()
      }
      used ||= wasUsed(home, me)
      if (me !== undefined && !used) stage(home.used, me, `${me}\n`)
      // Keys first: a call without its key on disk would have published a public key whose secret is lost.
      commitFiles(keyFiles, step)
      // Deleted before the index forgets it, so that after a killed run it is done again.
      removed.push(...removeFiles(home, removals, own, step))
      commitFiles(staged, step)
      for (const [path, value] of written) {
        const stamp = stampOf(path)
        if (stamp !== undefined) cache.set(path, { stamp, value })
      }
      for (const { id, head } of compacted) pruneSegments(home, id, codec.archive?.segmentsOf(head) ?? [], own, step)
      return { value, removed }
    })
  }

  // Checked until there is a state: once it lies there, nobody else can have made the folders around it, or put others in their place.
  function checkOnce(): void {
    if (!checked) checkHome(home)
    checked ||= existsSync(home.state)
  }

  // A run reads several times, but is told of the same file only once.
  function say(notice: string): void {
    if (!saidNotices.has(notice)) options.say(notice)
    saidNotices.add(notice)
  }

  function loadState(
    index: I,
    also: readonly string[],
    reportDamage: ReportDamage,
    whole: Iterable<string>,
  ): LoadedState<I, L, C, P> {
    checkOwner(home, codec.owner?.(index), me)
    const calls = also.filter((name) => !name.startsWith(LETTERS))
    const peers = also.flatMap((name) => (name.startsWith(LETTERS) ? [name.slice(LETTERS.length)] : []))
    const logs = loadLogs(home, codec, [...codec.open(index, calls), ...calls], reportDamage, cache)
    const letters = loadLetters(
      home,
      codec,
      [...(codec.letters?.open(index, Math.floor(now() / 1000)) ?? []), ...peers],
      reportDamage,
      cache,
    )
    const storedCalls = new Map<string, StoredCall<L, C>>()
    for (const id of whole) {
      if (logs[id] === undefined) continue
      const joined = loadWhole(home, codec, id, reportDamage, cache)
      if (joined === undefined) delete logs[id]
      else logs[id] = joined.log
      if (joined !== undefined) storedCalls.set(id, joined.stored)
    }
    return { fresh: { index, logs, ...(Object.keys(letters).length > 0 && { letters }) }, storedCalls }
  }

  function applyChange<T>(
    index: I,
    also: readonly string[],
    change: (fresh: StoreSnapshot<I, L, P>) => StoreChange<I, L, T, P>,
    reportDamage: ReportDamage,
  ) {
    const whole = new Set<string>()
    const asked = new Set(also)
    for (;;) {
      const { fresh, storedCalls } = loadState(index, [...asked], reportDamage, whole)
      const changed = change(fresh)
      // A change that adds a log which has a file, and was not loaded, is made again with the file loaded: it must not overwrite that.
      const unseen = addedNames(changed.snapshot, fresh).filter((name) => !asked.has(name) && hasFile(name))
      for (const name of unseen) asked.add(name)
      if (unseen.length > 0) continue
      const disturbed = Object.entries(changed.snapshot.logs).filter(([id, log]) => {
        const before = fresh.logs[id]
        return before !== undefined && before !== log && codec.archive?.needsWholeCall(before, log)
      })
      if (disturbed.length === 0) return { fresh, storedCalls, ...changed }
      for (const [id] of disturbed) whole.add(id)
    }
  }

  function hasFile(name: string): boolean {
    const peer = name.startsWith(LETTERS) ? name.slice(LETTERS.length) : undefined
    return existsSync(peer === undefined ? logPath(home, name) : letterPath(home, peer))
  }

  function compact(snapshot: StoreSnapshot<I, L, P>, log: L, stored: StoredCall<L, C> | undefined) {
    return codec.archive?.compact(snapshot, log, stored) ?? { head: log, added: new Map<number, C>() }
  }
}

/** The names, as in `also`, of logs and letters that a change has added. */
function addedNames<I, L, P>(changed: StoreSnapshot<I, L, P>, fresh: StoreSnapshot<I, L, P>): string[] {
  const peers = Object.keys(changed.letters ?? {}).filter((peer) => fresh.letters?.[peer] === undefined)
  return [
    ...Object.keys(changed.logs).filter((id) => fresh.logs[id] === undefined),
    ...peers.map((peer) => `${LETTERS}${peer}`),
  ]
}

type LoadedState<I, L, C, P> = {
  readonly fresh: StoreSnapshot<I, L, P>
  readonly storedCalls: ReadonlyMap<string, StoredCall<L, C>>
}
