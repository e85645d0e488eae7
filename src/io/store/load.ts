// Reads state.json and the files of calls and letters: whole, damaged, of a newer version, or of another identity.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { parseJson } from '../../json.ts'
import { isHex32 } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { readText } from './atomic.ts'
import { isUnchanged } from './checksum.ts'
import type { StoreCodec } from './codec.ts'
import { errno, withDiskErrors } from './disk-errors.ts'

/** Told about each damaged file: its path, what is wrong with it, and what becomes of it. */
export type ReportDamage = (path: string, why: string, then: string) => void

/**
 * What was read or written last, by path. A run reads the same files several times; a file that is still the same one (each write makes a
 * new one) is not parsed again. Values are shared, so nobody may change them.
 */
export type FileCache = Map<string, { stamp: string; value: unknown }>

/** A text that tells which file is at a path now, and changes with every write; undefined where there is none. */
export function stampOf(path: string): string | undefined {
  const stat = withDiskErrors(path, () => statSync(path, { bigint: true, throwIfNoEntry: false }))
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino} ${stat.mtimeNs} ${stat.size}`
}

/**
 * The index on disk, in a home that was checked before. `rebuilt`: there was no good one, and it was made from the files of calls and
 * letters. Undefined on a first run.
 */
export function loadIndex<I, L, C, P>(
  home: Home,
  codec: StoreCodec<I, L, C, P>,
  reportDamage: ReportDamage,
  cache: FileCache = new Map(),
  me?: string,
): { index: I; rebuilt: boolean } | undefined {
  const index = loadFile(
    home.state,
    codec.version,
    (value, unchanged) => codec.parse(value, unchanged),
    (why) => reportDamage(home.state, why, 'its contents are rebuilt from the call files'),
    cache,
  )
  if (index !== undefined) return { index, rebuilt: false }
  const ids = logIds(home)
  // Without an index there may be a call: a first run was killed between writing that and the index.
  const peers = codec.letters === undefined ? [] : idsIn(home.letters)
  if (ids.length + peers.length === 0 && readText(home.state) === undefined) {
    // The attack: if deleted files made a new agent, every old instruction that a relay still has would be new.
    return codec.lost !== undefined && wasUsed(home, me) ? { index: codec.lost(), rebuilt: true } : undefined
  }
  const logs = new Map(Object.entries(loadLogs(home, codec, ids, reportDamage)))
  const letters = new Map(Object.entries(loadLetters(home, codec, peers, reportDamage)))
  return { index: codec.rebuild(logs, letters), rebuilt: true }
}

/** Whether this identity has had a state in this place. */
export function wasUsed(home: Home, me: string | undefined): boolean {
  return me !== undefined && readText(home.used)?.text?.trim() === me
}

/** The letters with some peers, by pubkey; without those that have no file or a damaged one. */
export function loadLetters<I, L, C, P>(
  home: Home,
  { letters: codec }: StoreCodec<I, L, C, P>,
  peers: readonly string[],
  reportDamage: ReportDamage,
  cache: FileCache = new Map(),
): Record<string, P> {
  const loaded: Record<string, P> = {}
  if (codec === undefined) return loaded
  for (const peer of new Set(peers)) {
    const path = letterPath(home, peer)
    const then = `what relays still hold of these letters comes again with \`${P2P} inbox --deep\``
    const held = loadFile(path, codec.version, codec.parse, (why) => reportDamage(path, why, then), cache)
    if (held !== undefined) loaded[peer] = held
  }
  return loaded
}

/** The path of the letters with a peer. Throws for what is no pubkey, as `logPath` does for what is no id. */
export function letterPath(home: Home, peer: string): string {
  if (!isHex32(peer)) throw new Error('a pubkey is 64 hex digits')
  return join(home.letters, `${peer}.json`)
}

/** What a report says about a call whose file is damaged. */
export const COMES_AGAIN = `what relays still hold of that call comes again with \`${P2P} inbox --deep\``

/** The logs of some calls by id, without their archives; those that have no file or a damaged one are left out. */
export function loadLogs<I, L, C, P>(
  home: Home,
  codec: StoreCodec<I, L, C, P>,
  ids: readonly string[],
  reportDamage: ReportDamage,
  cache: FileCache = new Map(),
): Record<string, L> {
  const logs: Record<string, L> = {}
  for (const id of new Set(ids)) {
    const path = logPath(home, id)
    const log = loadFile(
      path,
      codec.logVersion,
      (value) => codec.parseLog(value),
      (why) => reportDamage(path, why, COMES_AGAIN),
      cache,
    )
    if (log !== undefined) logs[id] = log
  }
  return logs
}

/** The ids of all calls that have a file. */
export function logIds(home: Home): string[] {
  return idsIn(home.calls)
}

/** The names of JSON files in a folder that are 64 hex digits: ids of calls, or pubkeys. */
function idsIn(folder: string): string[] {
  const ids = namesIn(folder).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
  return ids.filter(isHex32)
}

/** The names in a folder; none where there is no folder. Throws what `withDiskErrors` throws. */
export function namesIn(folder: string): string[] {
  return withDiskErrors(folder, () => {
    try {
      return readdirSync(folder)
    } catch (error) {
      if (errno(error) === 'ENOENT') return []
      throw error
    }
  })
}

/** The path of a call's file. Throws for what is no id: a name with a slash in it would lead outside the folder. */
export function logPath(home: Home, id: string): string {
  if (!isHex32(id)) throw new Error('a call id is 64 hex digits')
  return join(home.calls, `${id}.json`)
}

/** Throws OTHER_IDENTITY for an index that belongs to another key: two agents in one home would answer each other's calls. */
export function checkOwner(home: Home, owner: string | undefined, me: string | undefined): void {
  if (owner === undefined || me === undefined || owner === me) return
  const hint = `put the identity file of that one back in its place: ${home.identity}; another identity has a folder of its own: --home DIR`
  const whose = `${owner.slice(0, 8)}…`
  throw new Failure('OTHER_IDENTITY', `${home.dir} belongs to another identity, ${whose}`, hint)
}

/** What is in a file, parsed; undefined where there is none, or a damaged one, which `reportDamage` is told. Throws STATE_NEWER. */
export function loadFile<T>(
  path: string,
  version: number,
  parse: (value: unknown, unchanged: boolean) => T | 'newer' | undefined,
  reportDamage: (why: string) => void,
  cache: FileCache,
): T | undefined {
  const stamp = stampOf(path)
  const known = cache.get(path)
  // Safe: what the cache holds under a path came from the same parser.
  if (stamp !== undefined && known?.stamp === stamp) return known.value as T
  const read = readText(path)
  if (read === undefined) return undefined
  const { text = '', wrong } = read
  const value = parseJson(text)
  const data = value === undefined ? undefined : parse(value, isUnchanged(text))
  if (data === 'newer') throw newerFailure(path, version)
  if (data !== undefined && stamp !== undefined && stampOf(path) === stamp) cache.set(path, { stamp, value: data })
  if (data === undefined)
    reportDamage(
      wrong !== undefined
        ? 'no UTF-8 text'
        : text === ''
          ? 'empty'
          : value === undefined
            ? 'no JSON'
            : `no data of version ${version}`,
    )
  return data
}

/** The refusal of a file that a newer program wrote. Nothing is changed. */
export function newerFailure(path: string, version: number): Failure {
  const hint = 'update p2p-comm to the version that wrote it, or a later one; nothing was changed'
  const message = `${path} was written by a newer p2p-comm; this one knows version ${version}`
  return new Failure('STATE_NEWER', message, hint)
}
