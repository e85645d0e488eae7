// Files that hold a secret: read only where nobody else can read or change them.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { shellPath } from '../../command-name.ts'
import type { Failure } from '../../errors.ts'
import { errno, userName, withDiskErrors } from './disk-errors.ts'

/** Most bytes of such a file. */
const MAX_SECRET_FILE = 4096

/** Makes the refusal of a file. `what`: what is wrong with it; `hint`: what to do, where that is more than to put the right file there. */
export type RefuseFile = (what: string, hint?: string) => Failure

/**
 * What is in a file that only its owner can read or change; undefined where there is none. Throws the refusal of a link, of what is no
 * regular file or too large, of loose permissions, and of another user's file.
 */
export function readSecretFile(path: string, refuse: RefuseFile): Uint8Array | undefined {
  // The same open file is checked and read, so nobody can put another one there in between. O_NOFOLLOW refuses a link, O_NONBLOCK keeps a
  // pipe from holding us up.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  return withDiskErrors(path, () => {
    const there = lstatSync(path, { throwIfNoEntry: false })
    if (there === undefined) return undefined
    if (there.isSymbolicLink())
      throw refuse('is a link', 'put the file that it leads to in its place, readable for its owner alone')
    const file = openIfThere(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (file === undefined) return undefined
    try {
      checkSecretFile(path, fstatSync(file), refuse)
      return readFileSync(file)
    } finally {
      closeSync(file)
    }
  })
}

// Undefined where another run has deleted the file since `lstat`.
function openIfThere(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags)
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

function checkSecretFile(path: string, stats: Stats, refuse: RefuseFile): void {
  if (!stats.isFile()) throw refuse('is no regular file')
  if (stats.size > MAX_SECRET_FILE) throw refuse('is too large for a key')
  // Windows keeps no such owner and bits.
  if (process.getuid === undefined) return
  if (stats.uid !== process.getuid())
    throw refuse(`belongs to ${userName(stats.uid)}`, 'run p2p as that user, whose agent it is')
  if ((stats.mode & 0o077) !== 0) throw refuse('can be read or changed by others', `\`chmod 600 ${shellPath(path)}\``)
}
