// What a file system can do wrong, as plain errors with a hint: nothing that a person can cause or mend is a fault of p2p's own. The hints
// lead to the state that is there, never away from it.
import { lstatSync, readFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { shellPath } from '../../command-name.ts'
import { type Code, Failure } from '../../errors.ts'

/** Runs `work`. An error of the disk becomes a Failure that names the path; anything else is thrown as it is, ENOENT among it. */
export function withDiskErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw diskFailure(error, path) ?? error
  }
}

/** As `withDiskErrors`, for asynchronous work. */
export async function withDiskErrorsLater<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw diskFailure(error, path) ?? error
  }
}

/** The code of a system error ("ENOENT"), "" for any other error. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/**
 * The Failure for an error of a file system; undefined for any other error, and for ENOENT, which callers handle.
 * @param path what was to be read or written
 */
export function diskFailure(error: unknown, path: string): Failure | undefined {
  const word = errno(error)
  if (word === 'ERR_ACCESS_DENIED') return permissionFailure(error, path)
  if (word === 'ENOENT') return undefined
  const known = DISK_ERRORS[word] ?? (error instanceof Error && 'syscall' in error ? BROKEN : undefined)
  if (known === undefined) return undefined
  const [code, what, hint] = known
  return new Failure(code, `${path}: ${what} (${word})`, typeof hint === 'string' ? hint : hint(path))
}

/** As `diskFailure`, for an error that no caller has handled: ENOENT then means that somebody took a file away. */
export function lastDiskFailure(error: unknown): Failure | undefined {
  const path = error instanceof Error && 'path' in error ? String(error.path) : ''
  // Without a path it is an error of the network, or one of ours.
  if (path === '' && errno(error) !== 'ERR_ACCESS_DENIED') return undefined
  if (errno(error) === 'ENOENT') return new Failure('DISK_FAILED', `${path} is gone (ENOENT)`, GONE)
  return diskFailure(error, path)
}

/** A user for a sentence: "alice (uid 1000)", "uid 1000" where the system has no name for it. */
export function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === `${uid}`)
    const name = line?.split(':')[0] ?? ''
    return /^[\w.-]{1,32}$/.test(name) ? `${name} (uid ${uid})` : `uid ${uid}`
  } catch {
    return `uid ${uid}`
  }
}

type DiskError = readonly [Code, string, string | ((path: string) => string)]

const SPACE = 'free some space and run it again; what was there before is unharmed'
const FILES = 'end other programs that hold files open, or allow more: `ulimit -n 1024`'
const GONE = 'somebody has moved or deleted it meanwhile; run it again'
const BLOCKED = 'look at what is there: a file where a folder belongs, or the other way round'
const MOUNT = 'mount the disk anew, or look whether it is failing, and run it again'

const BROKEN: DiskError = ['DISK_FAILED', 'the disk failed to read or to write', MOUNT]

const DISK_ERRORS: Readonly<Record<string, DiskError>> = {
  ENOSPC: ['DISK_FULL', 'the disk is full', SPACE],
  EDQUOT: ['DISK_FULL', 'your share of the disk is used up', SPACE],
  EFBIG: ['DISK_FULL', 'the file would be larger than is allowed here', 'allow larger ones: `ulimit -f unlimited`'],
  EROFS: ['HOME_UNWRITABLE', 'the disk can only be read', 'mount it so that it can be written'],
  EACCES: ['HOME_UNWRITABLE', 'this user may not use it', accessHint],
  EPERM: ['HOME_UNWRITABLE', 'this user may not use it', accessHint],
  ENOTDIR: ['HOME_UNWRITABLE', 'a part of that path is no folder', 'correct it, or what --home or P2P_HOME names'],
  EISDIR: ['HOME_UNWRITABLE', 'a folder is in its place', BLOCKED],
  EEXIST: ['HOME_UNWRITABLE', 'something else is in its place', BLOCKED],
  ELOOP: ['HOME_UNWRITABLE', 'links lead in a circle there', 'correct the links'],
  ENAMETOOLONG: ['HOME_UNWRITABLE', 'the path is too long', 'move the folder to where its path is shorter'],
  EBUSY: [
    'HOME_UNWRITABLE',
    'it is in use: mounted by itself, or held by another program',
    'mount the folder that it is in, and not the file alone',
  ],
  EMFILE: ['TOO_MANY_FILES', 'this program has too many files open', FILES],
  ENFILE: ['TOO_MANY_FILES', 'the system has too many files open', FILES],
  EIO: BROKEN,
  ESTALE: ['DISK_FAILED', 'the network disk has lost it', MOUNT],
  ENOTCONN: ['DISK_FAILED', 'the disk is not connected any more', MOUNT],
}

// What helps depends on the owner. The attack: files that root was told to give away, or to open for all, are somebody else's to change.
function accessHint(path: string): string {
  const { where, stats } = nearest(path)
  const me = process.getuid?.()
  if (me === undefined || stats === undefined) return 'look at its permissions'
  if (stats.uid !== me && me !== 0) return `${where} belongs to ${userName(stats.uid)}: run p2p as that user`
  if (me === 0)
    return `its permissions allow it, so look how the disk is mounted, and at \`lsattr -d ${shellPath(where)}\``
  return `let its owner use it: \`chmod u+rwX ${shellPath(where)}\``
}

/** The path, or the nearest one above it that exists; the folder instead, where that belongs to another user. */
function nearest(path: string): { where: string; stats: Stats | undefined } {
  for (let where = path; ; where = dirname(where)) {
    try {
      const stats = lstatSync(where)
      // In another user's folder even a file of our own may be out of reach.
      const above = where === dirname(where) ? stats : lstatSync(dirname(where))
      return above.uid !== stats.uid && above.uid !== 0 ? { where: dirname(where), stats: above } : { where, stats }
    } catch {
      if (where === dirname(where)) return { where, stats: undefined }
    }
  }
}

// https://nodejs.org/api/permissions.html: the error names the permission and the resource.
function permissionFailure(error: unknown, path: string): Failure {
  const permission = error instanceof Error && 'permission' in error ? String(error.permission) : ''
  const named = error instanceof Error && 'resource' in error ? String(error.resource) : ''
  const resource = named === '' ? path : named
  const flag = PERMISSION_FLAGS[permission] ?? 'its permissions'
  const hint = `start Node with ${flag}, or without its permission model`
  const what = permission === '' && error instanceof Error ? error.message : `${permission} of ${resource}`
  return new Failure('NOT_PERMITTED', `Node's permission model forbids it: ${what}`, hint)
}

const PERMISSION_FLAGS: Readonly<Record<string, string>> = {
  FileSystemRead: '--allow-fs-read for the program and for the folder of identity and state',
  FileSystemWrite: '--allow-fs-write for the folder of identity and state',
  WorkerThreads: '--allow-worker',
  ChildProcess: '--allow-child-process',
}
