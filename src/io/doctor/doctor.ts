// Looks at our own files one by one, so that a broken one does not hide what else is wrong.

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { P2P, shellPath } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { npubEncode } from '../../nostr/nip19.ts'
import { type Config, readConfig } from '../home/config.ts'
import { loadIdentity } from '../home/identity.ts'
import type { Env, Home } from '../home/paths.ts'
import { makeFolder, writeNew } from '../store/atomic.ts'
import type { StoreCodec } from '../store/codec.ts'
import { discard } from '../store/discard.ts'
import { withDiskErrors } from '../store/disk-errors.ts'
import { openStore } from '../store/store.ts'

/** One check. `hint`: what to do about it. `warning`: it passed, and there is something to do all the same. */
export type DoctorCheck = { name: string; ok: boolean; detail: string; warning?: true; hint?: string }

/** What could be read, for the checks that need it. */
export type FileExamination<I> = {
  checks: DoctorCheck[]
  keys: Keys | undefined
  config: Config | undefined
  index: I | undefined
}

/** Fewer free bytes than this are a failure, and fewer than this a warning. */
const MIN_FREE = 1_048_576
const LOW_FREE = 100 * 1_048_576

/** Most call files that are read. */
const MAX_CALL_FILES = 500

/**
 * Checks identity, settings, state and call files. Makes the identity if there is none, as any other command does. Throws only faults of
 * our own.
 */
export function examineFiles<I, L, C, P>(home: Home, env: Env, codec: StoreCodec<I, L, C, P>): FileExamination<I> {
  const keys = tryFailing(() => loadIdentity(home, env))
  const config = tryFailing(() => readConfig(home))
  const from = env.P2P_SECRET_KEY === undefined ? home.identity : 'P2P_SECRET_KEY'
  const state = stateCheck(home, codec, attemptedValue(keys))
  return {
    checks: [
      check('keys', keys, ({ pubkey }) => `${npubEncode(pubkey)}, from ${from}`),
      check(
        'files',
        tryFailing(() => checkWritable(home)),
        () => `${home.dir} can be written`,
      ),
      privacyChecks(home),
      groupChecks(home),
      spaceCheck(tryFailing(() => roomAt(home.dir))),
      check('config', config, () => describeFile(home.config)),
      state.check,
    ].flat(),
    keys: attemptedValue(keys),
    config: attemptedValue(config),
    index: state.index,
  }
}

/** The path of a program, as a shell would find it; undefined where there is none that can be run. */
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

type Attempt<T> = { value: T } | Failure

function tryFailing<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

function attemptedValue<T>(tried: Attempt<T>): T | undefined {
  return tried instanceof Failure ? undefined : tried.value
}

function check<T>(name: string, tried: Attempt<T>, good: (value: T) => string): DoctorCheck {
  if (!(tried instanceof Failure)) return { name, ok: true, detail: good(tried.value) }
  return { name, ok: false, detail: tried.message, hint: tried.hint }
}

function describeFile(path: string): string {
  return existsSync(path) ? `${path} is in order` : `${path} does not exist yet`
}

function checkWritable(home: Home): void {
  makeFolder(home.dir)
  const path = join(home.dir, `.doctor-${process.pid}`)
  try {
    writeNew(path, 'ok', home.dir)
  } finally {
    discard(path)
  }
}

// State and transcripts are plain text. Windows keeps no such bits.
function privacyChecks({ dir }: Home): DoctorCheck[] {
  const mode = attemptedValue(
    tryFailing(() => withDiskErrors(dir, () => statSync(dir, { throwIfNoEntry: false })?.mode)),
  )
  if (mode === undefined || process.getuid === undefined || (mode & 0o077) === 0) return []
  return [{ name: 'files', ok: false, detail: `${dir} can be read by others`, hint: `\`chmod 700 ${shellPath(dir)}\`` }]
}

// Only a warning: a group may be one person's own, or all users of a machine.
function groupChecks({ root, config, state }: Home): DoctorCheck[] {
  if (process.getuid === undefined) return []
  return [root, config, state].flatMap((path): DoctorCheck[] => {
    const mode = attemptedValue(
      tryFailing(() => withDiskErrors(path, () => statSync(path, { throwIfNoEntry: false })?.mode)),
    )
    if (mode === undefined || (mode & 0o020) === 0) return []
    const hint = `\`chmod g-w ${shellPath(path)}\``
    return [{ name: 'files', ok: true, warning: true, detail: `${path} can be changed by its group`, hint }]
  })
}

/** Free bytes, 0 when there is no room for another file. */
function roomAt(path: string): number {
  return withDiskErrors(path, () => {
    if (statSync(path, { throwIfNoEntry: false }) === undefined && dirname(path) !== path) return roomAt(dirname(path))
    const { bavail, bsize, files, ffree } = statfsSync(path)
    // Some file systems count no files and say 0 of 0.
    return files > 0 && ffree === 0 ? 0 : bavail * bsize
  })
}

function spaceCheck(tried: Attempt<number>): DoctorCheck {
  const free = attemptedValue(tried) ?? 0
  const base = check('space', tried, () => `${Math.floor(free / 1_048_576)} MiB free`)
  if (free >= LOW_FREE || !base.ok) return base
  const hint = 'free some space: nothing can be written to a full disk'
  return free < MIN_FREE ? { ...base, ok: false, hint } : { ...base, warning: true, hint }
}

function stateCheck<I, L, C, P>(
  home: Home,
  codec: StoreCodec<I, L, C, P>,
  keys: Keys | undefined,
): { check: DoctorCheck; index: I | undefined } {
  const said: string[] = []
  const me = keys === undefined ? {} : { me: keys.pubkey }
  const store = openStore(home, codec, { command: 'doctor', say: (line) => said.push(line), ...me })
  const read = tryFailing(() => {
    const ids = store.allLogIds()
    const some = ids.slice(0, MAX_CALL_FILES)
    return { index: store.read(some, some).index, calls: ids.length }
  })
  const index = attemptedValue(read)?.index
  const [damage] = said
  if (damage !== undefined && !(read instanceof Failure)) {
    const hint = `\`${P2P} status\` sets it aside and goes on with what is whole`
    return { check: { name: 'state', ok: false, detail: damage, hint }, index }
  }
  const told = ({ calls }: { calls: number }) =>
    `${describeFile(home.state)}, ${calls === 1 ? '1 call' : `${calls} calls`}`
  return { check: check('state', read, told), index }
}
