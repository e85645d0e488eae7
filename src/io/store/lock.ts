// The lock of a home: of many runs of one agent only one at a time reads and writes.
import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import timers from 'node:timers/promises'
import { Failure } from '../../errors.ts'
import { randomBytes, toHex } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { makeFolder, type OnStep, readText } from './atomic.ts'
import { discard } from './discard.ts'
import { errno, withDiskErrors } from './disk-errors.ts'
import { type Holder, isGone, isOnThisMachine, parseHolder, thisHolder } from './lock-holder.ts'

/** `command`: told to whoever waits for us; `ms`: most milliseconds that we wait. */
export type LockOptions = { readonly command: string; readonly ms: number; readonly step: OnStep }

// Whoever holds the lock has a folder of its own, p2p/lock/<token>/. Three moves of the file system carry everything:
//   taking    rename lock-<token>/ to lock/, which succeeds only while lock/ is missing or empty, so for one run alone;
//   evicting  rename lock/<token>/ away, which names the holder meant: a slow waiter cannot evict its successor by mistake;
//   writing   rename lock/<token>/<file> over its target, which fails once the folder has been taken away: a run that was
//             stopped, evicted and woken cannot write over what others did in the meantime. It begins anew.

/**
 * Runs `work` while holding the lock, and gives its value. `work` must not await anything, and must put files in place only by renaming
 * them out of the folder `own`. Where the lock was lost half-way, `work` is run again from its start. Throws LOCKED, HOME_UNWRITABLE,
 * DISK_FULL, and whatever `work` throws.
 */
export async function withLock<T>(home: Home, options: LockOptions, work: (own: string) => T): Promise<T> {
  const deadline = monotonic() + options.ms
  makeFolder(home.dir, options.step)
  for (;;) {
    const token = toHex(randomBytes(8))
    const own = await acquireLock(home.dir, token, options, deadline)
    try {
      return work(own)
    } catch (error) {
      if (modified(own) !== undefined) throw error
    } finally {
      releaseLock(home.dir, token, options.step)
    }
  }
}

async function acquireLock(dir: string, token: string, options: LockOptions, deadline: number): Promise<string> {
  const place = join(dir, 'lock')
  const lobby = join(dir, `lock-${token}`)
  const watch = { key: '', since: 0 }
  try {
    for (;;) {
      // Inside the loop: the lobby of a run that slept for an hour was swept away.
      if (modified(lobby) === undefined) prepareLock(lobby, token, options)
      options.step('take lock')
      if (withDiskErrors(place, () => moveInto(lobby, place))) break
      const held = evictDeadHolder(dir, watch, options.step)
      if (monotonic() >= deadline) throw lockedFailure(place, held)
      // Not growing: a wait that grew would let newcomers overtake those who have waited longest.
      await timers.setTimeout(4 + Math.random() * 12)
    }
  } catch (error) {
    discard(lobby)
    throw error
  }
  const own = join(place, token)
  options.step('hold lock')
  const now = new Date()
  for (const path of [join(own, HOLDER_FILE), own]) tryWork(() => utimesSync(path, now, now))
  clearForsaken(dir, options.step)
  return own
}

/** The file that names the holder, in each folder of the lock. */
const HOLDER_FILE = 'holder.json'

/** Ms after which a lobby has been left behind. */
const LOBBY_KEPT = 3_600_000

// Runs that were killed while they waited have left their lobby behind. Runs that were killed while they released the lock have left what
// they had not put in place yet, or had just taken away. The secret of a call may be among it, so that goes at once. A lobby has its holder
// file one folder deeper, and holds nothing else.
function clearForsaken(dir: string, step: OnStep): void {
  for (const name of tryWork(() => readdirSync(dir)) ?? []) {
    if (!name.startsWith('lock-')) continue
    const path = join(dir, name)
    if (modified(join(path, HOLDER_FILE)) !== undefined) removeReleased(path, step)
    else if (Date.now() - (modified(path) ?? Date.now()) >= LOBBY_KEPT) discard(path)
  }
}

// The holder file last: if this run is killed in between, the next one must see a released folder here, and not a lobby, which it would
// keep for an hour.
function removeReleased(path: string, step: OnStep): void {
  clearReleased(path, step)
  step('remove holder')
  discard(path)
}

function clearReleased(path: string, step: OnStep): void {
  for (const name of tryWork(() => readdirSync(path)) ?? []) {
    if (name === HOLDER_FILE) continue
    step(`clear ${name}`)
    discard(join(path, name))
  }
}

function prepareLock(lobby: string, token: string, options: LockOptions): void {
  options.step('prepare lock')
  withDiskErrors(lobby, () => {
    mkdirSync(lobby, 0o700)
    mkdirSync(join(lobby, token), 0o700)
    writeFileSync(join(lobby, token, HOLDER_FILE), JSON.stringify(thisHolder(options.command)), { mode: 0o600 })
  })
}

function moveInto(lobby: string, place: string): boolean {
  try {
    renameSync(lobby, place)
    return true
  } catch (error) {
    // Windows does not replace an empty folder, and says EPERM.
    const taken = process.platform === 'win32' ? ['EPERM', 'EACCES', 'EEXIST'] : ['ENOTEMPTY', 'EEXIST', 'ENOENT']
    if (taken.includes(errno(error))) return false
    throw error
  }
}

type LockHolder = { readonly holder: Holder | undefined; readonly since: number }

// Evicts a holder that is gone; gives the holder where it is still there.
function evictDeadHolder(dir: string, watch: { key: string; since: number }, step: OnStep): LockHolder | undefined {
  const place = join(dir, 'lock')
  const token = tryWork(() => readdirSync(place)[0])
  const own = join(place, token ?? '')
  const touched = modified(own)
  if (token === undefined || touched === undefined) {
    tryWork(() => rmdirSync(place))
    return undefined
  }
  const key = `${token} ${touched}`
  if (watch.key !== key) Object.assign(watch, { key, since: monotonic() })
  const file = join(own, HOLDER_FILE)
  const holder = parseHolder(tryWork(() => readText(file)?.text))
  const idle = { byWatching: monotonic() - watch.since, byFileTime: Math.abs(Date.now() - touched) }
  if (!isGone(holder, idle)) return { holder, since: modified(file) ?? touched }
  releaseLock(dir, token, step)
  return undefined
}

// Renamed away from the lock in one step, then deleted: for the own folder, and for one whose holder is gone.
function releaseLock(dir: string, token: string, step: OnStep): void {
  const own = join(dir, 'lock', token)
  const away = join(dir, `lock-${token}`)
  step('leave lock')
  try {
    renameSync(own, away)
  } catch (error) {
    if (errno(error) === 'ENOENT') return
    // An overlay file system may refuse to move a folder that came with an image.
    removeReleased(own, step)
  }
  step('clear lock')
  removeReleased(away, step)
  step('free lock')
  tryWork(() => rmdirSync(join(dir, 'lock')))
}

// Milliseconds of a clock that is never set. Not `performance`, which would have to be loaded.
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function modified(path: string): number | undefined {
  return tryWork(() => statSync(path, { throwIfNoEntry: false })?.mtimeMs)
}

// Other runs move these folders at the same time: what is gone, or not empty yet, is no error here.
function tryWork<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function lockedFailure(place: string, held: LockHolder | undefined): Failure {
  const { holder, since } = held ?? { holder: undefined, since: Date.now() }
  const age = Math.max(0, Math.round((Date.now() - since) / 1000))
  const elsewhere = holder === undefined || isOnThisMachine(holder) ? '' : ' on another machine or in another container'
  const who = holder === undefined ? 'an unnamed run' : `process ${holder.pid} (${holder.command})${elsewhere}`
  const kill = holder === undefined || elsewhere !== '' ? '' : `: kill ${holder.pid}`
  const hint = `run it again; if that process hangs, end it${kill}`
  return new Failure('LOCKED', `${place} has been held by ${who} for ${age} s`, hint)
}
