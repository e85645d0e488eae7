// Received files: p2p/files/<first 8 of the call id>/<name>, never over another file, and there only once it is whole.
import { closeSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { createSha256 } from '../../nostr/aes-gcm.ts'
import { isHex32, randomBytes, sha256, toHex } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { linkNew, makeFolder, type OnStep, writeNew } from '../store/atomic.ts'
import { discard, removeLeftovers } from '../store/discard.ts'
import { withDiskErrors } from '../store/disk-errors.ts'

/**
 * Keeps a received file and gives its absolute path. The same bytes under the same name are kept once; other bytes go to
 * `report (2).json` and so on. `name` is safe already (call/filename.ts); one that is not is a bug, and thrown.
 * Throws DISK_FULL, HOME_UNWRITABLE.
 */
export function placeFile(
  home: Home,
  callId: string,
  name: string,
  bytes: Uint8Array,
  step: OnStep = () => {},
): string {
  const pending = openPendingFile(home, callId, name, step)
  try {
    writeNew(pending.temp, bytes, pending.path, step)
    return pending.place({ size: bytes.length, digest: toHex(sha256(bytes)) })
  } finally {
    pending.cleanUp()
  }
}

/** A file that is written under a temporary name, and gets its own name once it is whole. */
export type PendingFile = {
  readonly temp: string
  /** The path that errors name. */
  readonly path: string
  /** Puts `temp`, which must be whole and on the disk, under its name and gives the path. `digest`: SHA-256 in hex. */
  place(file: { size: number; digest: string }): string
  /** Removes `temp`. Must be called at the end, whether it was placed or not. */
  cleanUp(): void
}

/** Like `placeFile`, for a file that is too large to be handed over as bytes: its caller writes `temp`. */
export function openPendingFile(home: Home, callId: string, name: string, step: OnStep = () => {}): PendingFile {
  // A peer chose both; the last line of defence against ../../.bashrc is where the file is written.
  if (!isHex32(callId) || !isPlain(name)) throw new Error('no safe place for a received file')
  const folder = join(home.files, callId.slice(0, 8))
  makeFolder(folder, step)
  // Left by runs that were killed. No run writes a file for an hour.
  removeLeftovers(folder, PART_PREFIX, 3_600_000)
  const temp = join(folder, `${PART_PREFIX}${toHex(randomBytes(8))}`)
  return {
    temp,
    path: join(folder, name),
    place({ size, digest }) {
      for (let n = 1; ; n++) {
        const path = join(folder, numberedName(name, n, digest))
        if (linkNew(temp, path, step) || isSame(path, size, digest)) return path
      }
    },
    cleanUp() {
      step('remove temp')
      discard(temp)
    },
  }
}

// A hundred files with one name are somebody's mistake or malice; from then on the digest in the name finds a free one at once.
function numberedName(name: string, n: number, digest: string): string {
  if (n === 1) return name
  const mark = n < 100 ? `${n}` : n === 100 ? digest.slice(0, 16) : `${digest}-${n}`
  const dot = name.lastIndexOf('.')
  return dot < 1 ? `${name} (${mark})` : `${name.slice(0, dot)} (${mark})${name.slice(dot)}`
}

function isSame(path: string, size: number, digest: string): boolean {
  return withDiskErrors(path, () => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats?.isFile() === true && stats.size === size && digestOf(path) === digest
  })
}

function digestOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const hash = createSha256()
    const buffer = new Uint8Array(65_536)
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read))
    return hash.hex()
  } finally {
    closeSync(file)
  }
}

function isPlain(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name) && Buffer.byteLength(name) <= 180
}

const PART_PREFIX = '.part-'
