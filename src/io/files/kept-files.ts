// What never leaves this machine, under whatever name: the identity, and everything below p2p/ but received files and transcripts.
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { createSha256 } from '../../nostr/aes-gcm.ts'
import type { Home } from '../home/paths.ts'

/** Which file it is, as `stat` says with bigints. */
export type FileId = { dev: bigint; ino: bigint; nlink: bigint }

/** Whether an open file is one of them: by its real path, or as another name (a hard link) of one. */
export function isKeptFile(home: Home, path: string, file: FileId): boolean {
  const real = realPath(path)
  const isBelow = (folder: string) => real?.startsWith(`${realPath(folder) ?? folder}${sep}`) === true
  if (isBelow(home.dir) && !isBelow(home.files) && !isBelow(home.transcripts)) return true
  // A file with only one name was found by that name.
  const others = file.nlink > 1n ? keptPaths(home) : []
  return [home.identity, ...others].some((kept) => {
    const there = lstatSync(kept, { bigint: true, throwIfNoEntry: false })
    return there !== undefined && there.dev === file.dev && there.ino === file.ino
  })
}

/** Whether bytes are a copy of one of them, or look like one. White space at the end does not count: shells add or drop a line break. */
export function isKeptCopy(home: Home, bytes: Uint8Array): boolean {
  if (hasOwnFormat(bytes)) return true
  const given = withoutEnd(bytes)
  if (given.length < MIN_COPY) return false
  return [home.identity, ...keptPaths(home)].some((path) => {
    const more = sizeOf(path) - given.length
    return more >= 0 && more <= MAX_END && withoutEnd(readFileSync(path)).equals(given)
  })
}

/** Whether bytes that are too many to be held are a copy of one of them, byte for byte. `sha256`: of the bytes, in hex. */
export function isKeptDigest(home: Home, size: number, sha256: string): boolean {
  return keptPaths(home).some((path) => {
    if (sizeOf(path) !== size) return false
    const hash = createSha256()
    hash.update(readFileSync(path))
    return hash.hex() === sha256
  })
}

/** Whether bytes begin like the state, a call, a call's key or letters: an older copy of such a file may not leave either. */
export function hasOwnFormat(bytes: Uint8Array): boolean {
  return OWN_FORMAT.test(Buffer.from(bytes.subarray(0, 300)).toString('latin1'))
}

const OWN_FORMAT = /^\{(?:"sum":"[0-9a-f]{64}",)?"version":\d+,"(?:agent|id|call|peer)":"[0-9a-f]{64}"/

/** Shorter contents say nothing: an empty list, a lock. */
const MIN_COPY = 32

/** Most bytes of white space at the end that do not count. */
const MAX_END = 4

function withoutEnd(bytes: Uint8Array): Buffer {
  let end = bytes.length
  while (end > 0 && bytes.length - end < MAX_END && WHITE.includes(bytes[end - 1] ?? 0)) end--
  return Buffer.from(bytes.buffer, bytes.byteOffset, end)
}

const WHITE: readonly number[] = [0x0a, 0x0d, 0x20, 0x09]

function keptPaths({ dir, files, transcripts }: Home): string[] {
  return filesBelow(dir, [files, transcripts])
}

function filesBelow(folder: string, without: readonly string[]): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (without.includes(path)) return []
    return entry.isDirectory() ? filesBelow(path, without) : entry.isFile() ? [path] : []
  })
}

// Empty where the folder is gone (a parallel command may take it away) or may not be read.
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

function sizeOf(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? -1
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}
