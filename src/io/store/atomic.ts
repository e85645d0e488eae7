// Files that are only ever seen whole: written under another name, brought to the disk, then put in place in one step.
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { EXIT, Failure } from '../../errors.ts'

/** Called with a name before every step that changes the disk; tests end the process there. */
export type OnStep = (name: string) => void

/** A file that is written in full and waits to replace `target`. */
export type StagedFile = { readonly temp: string; readonly target: string }

/** The text of a file, undefined when there is none. Throws HOME_UNWRITABLE when it may not be read. */
export function readText(path: string): string | undefined {
  return withDiskErrors(path, () => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (errno(error) === 'ENOENT') return undefined
      throw error
    }
  })
}

/** Makes a folder of ours, 0700, and the ones above that are missing. One that exists is left as it is. */
export function makeFolder(path: string, step: OnStep = noStep): void {
  if (withDiskErrors(path, () => statSync(path, { throwIfNoEntry: false }))?.isDirectory()) return
  // One by one: Node's `recursive` reports a read-only disk as ENOENT.
  if (dirname(path) !== path) makeFolder(dirname(path), step)
  withDiskErrors(path, () => {
    step(`mkdir ${path}`)
    try {
      mkdirSync(path, 0o700)
    } catch (error) {
      // Another run was faster, or a file is in the way.
      if (errno(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error
    }
    syncFolder(dirname(path))
  })
}

/** Writes a new file, 0600, through to the disk. `of` is the path that errors name. */
export function writeNew(temp: string, content: string | Uint8Array, of: string, step: OnStep = noStep): void {
  withDiskErrors(of, () => {
    step(`write ${of}`)
    const file = openSync(temp, 'wx', 0o600)
    try {
      // A disk that is nearly full takes the first part of a write and reports success; writeFileSync asks again until all
      // of it is written or the disk has said no.
      writeFileSync(file, content)
      step(`fsync ${of}`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  })
}

/** Moves staged files over their targets in the given order, each folder on disk before the next folder's first file. */
export function commitFiles(staged: readonly StagedFile[], step: OnStep = noStep): void {
  staged.forEach(({ temp, target }, n) => {
    withDiskErrors(target, () => {
      step(`rename ${target}`)
      renameSync(temp, target)
      const folder = dirname(target)
      const next = staged[n + 1]
      if (next !== undefined && dirname(next.target) === folder) return
      step(`fsync ${folder}`)
      syncFolder(folder)
    })
  })
}

/** Gives a whole file a second name; false when that name is taken, which is never overwritten. */
export function linkNew(from: string, to: string, step: OnStep = noStep): boolean {
  return withDiskErrors(to, () => {
    step(`link ${to}`)
    try {
      linkSync(from, to)
    } catch (error) {
      if (errno(error) === 'EEXIST') return false
      if (!NO_HARD_LINKS.includes(errno(error))) throw error
      return copyNew(from, to)
    }
    syncFolder(dirname(to))
    return true
  })
}

/** Runs `work`; what a disk can do wrong becomes a Failure that names the path, everything else passes through. */
export function withDiskErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw diskFailure(error, path) ?? error
  }
}

/** The word of a system error, "" when it is none. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Brings the names in a folder to the disk, where the system can. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (error) {
    // Windows and some network disks cannot; an EIO must be heard.
    if (!['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF'].includes(errno(error))) throw error
  }
}

// File systems without hard links (FAT, some network and phone disks).
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

function copyNew(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw error
  }
}

function diskFailure(error: unknown, path: string): Failure | undefined {
  const code = errno(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint = 'free some space and run it again; what was there before is unharmed'
    return new Failure('DISK_FULL', EXIT.fault, `the disk is full: ${path} could not be written`, hint)
  }
  if (!['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EEXIST'].includes(code)) return undefined
  const hint = 'make it writable for this user, or choose another folder: --home DIR'
  return new Failure('HOME_UNWRITABLE', EXIT.fault, `cannot use ${path} (${code})`, hint)
}

function noStep(): void {}
