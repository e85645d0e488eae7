// Puts a whole file in the place of another one, even where it cannot simply be moved: into a folder, or over a file, that is mounted by
// itself.
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { discard } from './discard.ts'
import { errno } from './disk-errors.ts'
import { syncFile } from './sync.ts'

/** A file that is written in full and waits to replace `target`. */
export type StagedFile = {
  readonly temp: string
  readonly target: string
  /** `target` may be written in place: its readers read `wholeCopy(target)` where it is cut off. */
  readonly inPlace?: true
}

/**
 * Moves a staged file over its target, which is whole at any time. Throws ENOENT where `temp` is gone: the lock is lost, and the target is
 * another run's by now.
 */
export function replaceFile({ temp, target, inPlace }: StagedFile): void {
  const step = tryMove(temp, target)
  if (step === undefined) return
  if (errno(step) !== 'EXDEV' && !(errno(step) === 'EBUSY' && inPlace)) throw step
  // The target lies on another mount: the contents are first written whole beside it.
  const copy = wholeCopy(target)
  const content = readFileSync(temp)
  writeThrough(copy, content)
  // Throws where the lock is lost. A move within one mount leaves no such gap: between this look and the next move it may still be lost.
  statSync(temp)
  const moved = errno(step) === 'EXDEV' ? tryMove(copy, target) : step
  if (moved !== undefined && !(errno(moved) === 'EBUSY' && inPlace)) {
    discard(copy)
    throw moved
  }
  if (moved !== undefined) overwrite(target, copy, content)
  discard(temp)
}

/** The path at which the new contents lie, whole, while a file is written in place. */
export function wholeCopy(target: string): string {
  return `${target}.next`
}

/** Moves a file into the lock's folder `own`, which is gone where the lock is lost. Throws what moving throws. */
export function takeAway(path: string, own: string, name: string): void {
  const failed = tryMove(path, `${own}/${name}`)
  if (failed === undefined) return
  if (errno(failed) !== 'EXDEV') throw failed
  statSync(own)
  unlinkSync(path)
}

/** The file that a link leads to, so that the file is replaced and not the link; the path itself where it leads nowhere. */
export function linkedFile(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function tryMove(from: string, to: string): unknown {
  try {
    renameSync(from, to)
    return undefined
  } catch (error) {
    return error
  }
}

function writeThrough(path: string, content: Uint8Array): void {
  discard(path)
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, content)
    syncFile(file)
  } finally {
    closeSync(file)
  }
}

// Truncated only after the new contents are written: a reader finds the old contents, the new ones, or what is no JSON. From the first byte
// on the copy stays until everything is written, whatever goes wrong.
function overwrite(path: string, copy: string, content: Uint8Array): void {
  const file = openOr(() => discard(copy), path)
  try {
    writeFileSync(file, content)
    ftruncateSync(file, content.length)
    syncFile(file)
    discard(copy)
  } finally {
    closeSync(file)
  }
}

function openOr(giveUp: () => void, path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    giveUp()
    throw error
  }
}
