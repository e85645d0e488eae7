// config.json itself: read, and changed under the lock. Unknown keys are kept, and a damaged file is left as it is.
import { join } from 'node:path'
import { Failure } from '../../errors.ts'
import { isRecord } from '../../json.ts'
import { type Upgrade, upgraded, versionOf } from '../../migrate.ts'
import { commitFiles, type OnStep, readText, writeNew } from '../store/atomic.ts'
import { discard } from '../store/discard.ts'
import { newerFailure } from '../store/load.ts'
import { withLock } from '../store/lock.ts'
import { checkHome } from '../store/ownership.ts'
import { linkedFile, wholeCopy } from '../store/replace.ts'
import type { Home } from './paths.ts'

export type RawConfig = { readonly [key: string]: unknown }

/** `command`: who writes, told to those who wait; `lockMs`: how long to wait for the lock. */
export type ConfigWrite = { readonly command: string; readonly lockMs?: number; readonly step?: OnStep }

/** What is in the file; {} where there is none. Throws CONFIG_DAMAGED, STATE_NEWER, HOME_UNSAFE, HOME_UNWRITABLE. */
export function readRawConfig(home: Home): RawConfig {
  checkHome(home)
  const raw = readWhole(home)
  if (raw === undefined) return {}
  if (!isRecord(raw)) throw damagedFailure(home, 'it is no JSON object')
  // People write the file by hand and leave the version out.
  const held = upgraded({ version: 1, ...raw }, UPGRADES)
  if (held === 'newer') throw newerFailure(home.config, VERSION)
  if (held === undefined) throw damagedFailure(home, 'there never was such a version of it')
  return held
}

/**
 * Applies a pure change to what is in the file under the lock, and writes it; a change that gives the same object writes nothing. `change`
 * may be applied more than once. Gives what is in the file then. Throws what reading throws, LOCKED and DISK_FULL.
 */
export async function changeRawConfig(
  home: Home,
  writing: ConfigWrite,
  change: (raw: RawConfig) => RawConfig,
): Promise<RawConfig> {
  const { command, lockMs: ms = 5_000, step = () => {} } = writing
  return await withLock(home, { command, ms, step }, (own) => {
    const raw = readRawConfig(home)
    const changed = change(raw)
    if (changed === raw) return raw
    const temp = join(own, 'config')
    // People edit the file: each value is on a line of its own.
    writeNew(temp, `${JSON.stringify({ version: VERSION, ...changed }, null, 2)}\n`, home.config, step)
    const target = linkedFile(home.config)
    commitFiles([{ temp, target, inPlace: true }], step)
    // A copy that a killed run has left must not come back when the file is damaged some day.
    discard(wholeCopy(target))
    return changed
  })
}

/** The value under a path, undefined where there is none. Own keys only: no path leads into an object's prototype. */
export function pickValue(raw: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path
  if (first === undefined) return raw
  return isRecord(raw) && Object.hasOwn(raw, first) ? pickValue(raw[first], rest) : undefined
}

/**
 * A copy with another value under a path; the value undefined takes the key away. Gives undefined where something that is no object is
 * in the way.
 */
export function withValue(raw: unknown, path: readonly string[], value: unknown): RawConfig | undefined {
  const [first, ...rest] = path
  if (first === undefined || (raw !== undefined && !isRecord(raw))) return undefined
  const { [first]: old, ...others } = raw ?? {}
  const inner = rest.length === 0 ? value : withValue(old, rest, value)
  if (inner === undefined && rest.length > 0) return undefined
  return inner === undefined ? others : { ...raw, [first]: inner }
}

/** The refusal of a damaged file, which is left as it is. `what`: what is wrong with it. */
export function damagedFailure(home: Home, what: string, hint = 'correct it there, or put a copy of it back'): Failure {
  return new Failure('CONFIG_DAMAGED', `${home.config} is damaged: ${what}`, hint)
}

/** From each version of config.json to the next. */
const UPGRADES: readonly Upgrade[] = []

const VERSION = versionOf(UPGRADES)

// A file that is mounted by itself is written in place. While that goes on, and after it was cut off, a whole copy lies beside it.
function readWhole(home: Home): unknown {
  const first = parseFile(home, home.config)
  if (!(first instanceof Failure)) return first
  const copy = parseFile(home, wholeCopy(linkedFile(home.config)))
  if (copy !== undefined && !(copy instanceof Failure)) return copy
  // The writing may have ended in between.
  const last = parseFile(home, home.config)
  if (last instanceof Failure) throw last
  return last
}

function parseFile(home: Home, path: string): unknown {
  const { text, wrong } = readText(path) ?? {}
  if (wrong !== undefined) return damagedFailure(home, `it ${wrong}`)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    return damagedFailure(home, `it is no JSON${errorPosition(text, error instanceof Error ? error.message : '')}`)
  }
}

// Only the position is taken from V8's message, where it has one: it quotes the text, and a webhook's address may be a secret.
function errorPosition(text: string, message: string): string {
  const position =
    /at position (\d+)/.exec(message)?.[1] ?? (message.includes('end of JSON input') ? text.length : undefined)
  if (position === undefined) return ''
  const lines = text.slice(0, Number(position)).split('\n')
  return ` at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
