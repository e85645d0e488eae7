// Files that are only ever seen whole: written under another name, synced to the disk, then put in place in one step.
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type InputText, inputText } from '../../input-text.ts'
import { errno, withDiskErrors } from './disk-errors.ts'
import { checkOwnership } from './ownership.ts'
import { replaceFile, type StagedFile } from './replace.ts'
import { syncFile, syncFolder } from './sync.ts'

/** Called with a name before every step that changes the disk; tests end the process there. */
export type OnStep = (name: string) => void

/**
 * The text of a file that only we and root can have written; undefined where there is none. Throws HOME_UNSAFE, and what `withDiskErrors`
 * throws.
 */
export function readText(path: string): InputText | undefined {
  return withDiskErrors(path, () => {
    const file = openToRead(path)
    if (file === undefined) return undefined
    try {
      // The open file is checked, since the path may lead to another one by now.
      checkOwnership(path, { open: fstatSync(file) })
      return inputText('file', readFileSync(file))
    } finally {
      closeSync(file)
    }
  })
}

/** Makes a folder of ours, mode 0700, and missing ones above it. A folder that exists is left as it is. */
export function makeFolder(path: string, step: OnStep = noStep): void {
  if (withDiskErrors(path, () => statSync(path, { throwIfNoEntry: false }))?.isDirectory()) return
  withDiskErrors(path, () => {
    step(`mkdir ${path}`)
    try {
      mkdirSync(path, 0o700)
    } catch (error) {
      // One by one: Node's `recursive` reports a read-only disk as ENOENT. The one above is looked at only where it has to be
      // made: Node's permission model may not let us.
      if (errno(error) === 'ENOENT' && dirname(path) !== path) {
        makeFolder(dirname(path), step)
        return makeFolder(path, step)
      }
      // Another run was faster, or a file is in the way.
      if (errno(error) !== 'EEXIST' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
    }
    syncFolder(dirname(path))
  })
}

/** Writes a new file, mode 0600, and syncs it to the disk. `of`: the path that errors name. */
export function writeNew(temp: string, content: string | Uint8Array, of: string, step: OnStep = noStep): void {
  withDiskErrors(of, () => {
    step(`write ${of}`)
    const file = openSync(temp, 'wx', 0o600)
    try {
      // A disk that is nearly full takes the first part of a write and reports success; writeFileSync asks again until all
      // of it is written or the disk has said no.
      writeFileSync(file, content)
      step(`fsync ${of}`)
      syncFile(file)
    } finally {
      closeSync(file)
    }
  })
}

/** Moves staged files over their targets in the given order. A folder is synced before the first file of the next folder is moved. */
export function commitFiles(staged: readonly StagedFile[], step: OnStep = noStep): void {
  staged.forEach((file, n) => {
    const { target } = file
    withDiskErrors(target, () => {
      step(`rename ${target}`)
      replaceFile(file)
      const folder = dirname(target)
      const next = staged[n + 1]
      if (next !== undefined && dirname(next.target) === folder) return
      step(`fsync ${folder}`)
      syncFolder(folder)
    })
  })
}

/** Gives a whole file a second name (a copy where there are no hard links); false where the name is taken, which is never overwritten. */
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

function openToRead(path: string): number | undefined {
  try {
    // A pipe that nobody writes to would hold us forever.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

// What file systems without hard links say (FAT, some network and phone disks); EXDEV: a file that is mounted by itself.
const NO_HARD_LINKS = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

function copyNew(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw error
  }
}

function noStep(): void {}
