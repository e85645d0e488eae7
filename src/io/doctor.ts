// Looking at our own files, one by one, so that a broken one does not hide what else is wrong.
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { Failure } from '../errors.ts'
import type { Keys } from '../nostr/crypto.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { makeFolder, onDisk, writeNew } from './atomic.ts'
import type { Codec } from './codec.ts'
import { type Config, readConfig } from './config.ts'
import { discard } from './discard.ts'
import type { Env, Home } from './home.ts'
import { loadIdentity } from './identity.ts'
import { openStore } from './store.ts'

/** `hint`: what to do about it. A warning is a check that passed and has a hint all the same. */
export type Check = { name: string; ok: boolean; detail: string; warning?: true; hint?: string }

/** What could be read, for the checks that need it. */
export type Files = { checks: Check[]; keys: Keys | undefined; config: Config | undefined }

/** Bytes that are too few to work with, and so few that the owner should hear of it. */
const LEAST = 1_048_576
const FEW = 100 * 1_048_576

/** Most call files that are read. */
const MOST = 500

/** Throws only what is a fault of ours. The identity is made if there is none, as by any other command. */
export function examineFiles<I, L, C>(home: Home, env: Env, codec: Codec<I, L, C>): Files {
  const keys = attempt(() => loadIdentity(home, env))
  const config = attempt(() => readConfig(home))
  const from = env.P2P_SECRET_KEY === undefined ? home.identity : 'P2P_SECRET_KEY'
  return {
    checks: [
      check('keys', keys, ({ pubkey }) => `${npubEncode(pubkey)}, from ${from}`),
      check(
        'files',
        attempt(() => probe(home)),
        () => `${home.dir} can be written`,
      ),
      privacy(home),
      space(attempt(() => roomAt(home.dir))),
      check('config', config, () => inOrder(home.config)),
      state(home, codec, found(keys)),
    ].flat(),
    keys: found(keys),
    config: found(config),
  }
}

/** Where a program is, as a shell would find it; undefined when it cannot be run. */
export function programPath(program: string, env: Env): string | undefined {
  const places = program.includes('/') ? [''] : (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return places.map((folder) => (folder === '' ? program : join(folder, program))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

type Tried<T> = { value: T } | Failure

function attempt<T>(work: () => T): Tried<T> {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

function found<T>(tried: Tried<T>): T | undefined {
  return tried instanceof Failure ? undefined : tried.value
}

function check<T>(name: string, tried: Tried<T>, good: (value: T) => string): Check {
  if (!(tried instanceof Failure)) return { name, ok: true, detail: good(tried.value) }
  return { name, ok: false, detail: tried.message, hint: tried.hint }
}

function inOrder(path: string): string {
  return existsSync(path) ? `${path} is in order` : `${path} is not there yet`
}

function probe(home: Home): void {
  makeFolder(home.dir)
  const path = join(home.dir, `.doctor-${process.pid}`)
  try {
    writeNew(path, 'ok', home.dir)
  } finally {
    discard(path)
  }
}

// State and transcripts are plain text. Windows keeps no such bits.
function privacy({ dir }: Home): Check[] {
  const mode = found(attempt(() => onDisk(dir, () => statSync(dir, { throwIfNoEntry: false })?.mode)))
  if (mode === undefined || process.getuid === undefined || (mode & 0o077) === 0) return []
  return [{ name: 'files', ok: false, detail: `${dir} can be read by others`, hint: `chmod 700 ${dir}` }]
}

/** Free bytes, 0 when there is no room for another file. */
function roomAt(path: string): number {
  return onDisk(path, () => {
    if (statSync(path, { throwIfNoEntry: false }) === undefined && dirname(path) !== path) return roomAt(dirname(path))
    const { bavail, bsize, files, ffree } = statfsSync(path)
    // Some file systems count no files and say 0 of 0.
    return files > 0 && ffree === 0 ? 0 : bavail * bsize
  })
}

function space(tried: Tried<number>): Check {
  const free = found(tried) ?? 0
  const base = check('space', tried, () => `${Math.floor(free / 1_048_576)} MiB free`)
  if (free >= FEW || !base.ok) return base
  const hint = 'free some space, or choose another folder: --home DIR'
  return free < LEAST ? { ...base, ok: false, hint } : { ...base, warning: true, hint }
}

function state<I, L, C>(home: Home, codec: Codec<I, L, C>, keys: Keys | undefined): Check {
  const said: string[] = []
  const me = keys === undefined ? {} : { me: keys.pubkey }
  const store = openStore(home, codec, { command: 'doctor', say: (line) => said.push(line), ...me })
  const read = attempt(() => {
    const ids = store.allLogIds()
    const some = ids.slice(0, MOST)
    store.read(some, some)
    return ids.length
  })
  const [damage] = said
  if (damage !== undefined && !(read instanceof Failure)) {
    return {
      name: 'state',
      ok: false,
      detail: damage,
      hint: '`p2p status` sets it aside and goes on with what is whole',
    }
  }
  return check('state', read, (calls) => `${inOrder(home.state)}, ${calls === 1 ? '1 call' : `${calls} calls`}`)
}
