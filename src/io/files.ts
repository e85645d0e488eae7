// Received files: p2p/files/<first 8 of the call id>/<name>, never over another file, and there only once it is whole.
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isHex32, randomBytes, sha256, toHex } from '../nostr/crypto.ts'
import { linkNew, makeFolder, onDisk, type Step, writeNew } from './atomic.ts'
import { discard, sweep } from './discard.ts'
import type { Home } from './home.ts'

/**
 * Keeps a received file and gives its absolute path. The same bytes under the same name are kept once; other bytes go to
 * `report (2).json` and so on. `name` is safe already (call/filename.ts); one that is not is a bug, and thrown.
 * Throws DISK_FULL, HOME_UNWRITABLE.
 */
export function placeFile(home: Home, callId: string, name: string, bytes: Uint8Array, step: Step = () => {}): string {
  // A peer chose both; the last line of defence against ../../.bashrc stands where the file is written.
  if (!isHex32(callId) || !isPlain(name)) throw new Error('no safe place for a received file')
  const folder = join(home.files, callId.slice(0, 8))
  makeFolder(folder, step)
  // What killed runs have left. An hour is longer than any run writes a file.
  sweep(folder, TEMP, 3_600_000)
  const digest = toHex(sha256(bytes))
  const temp = join(folder, `${TEMP}${toHex(randomBytes(8))}`)
  try {
    writeNew(temp, bytes, join(folder, name), step)
    for (let n = 1; ; n++) {
      const path = join(folder, numbered(name, n, digest))
      if (linkNew(temp, path, step) || isSame(path, bytes, digest)) return path
    }
  } finally {
    step('remove temp')
    discard(temp)
  }
}

// A hundred files of one name are somebody's mistake or malice; from then on the digest finds a free name at once.
function numbered(name: string, n: number, digest: string): string {
  if (n === 1) return name
  const mark = n < 100 ? `${n}` : n === 100 ? digest.slice(0, 16) : `${digest}-${n}`
  const dot = name.lastIndexOf('.')
  return dot < 1 ? `${name} (${mark})` : `${name.slice(0, dot)} (${mark})${name.slice(dot)}`
}

function isSame(path: string, bytes: Uint8Array, digest: string): boolean {
  return onDisk(path, () => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats?.isFile() === true && stats.size === bytes.length && toHex(sha256(readFileSync(path))) === digest
  })
}

function isPlain(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name) && Buffer.byteLength(name) <= 180
}

const TEMP = '.part-'
