// Putting a whole file in the place of another one, also where it cannot simply be moved: into a folder that is mounted by
// itself, and over a file that is.
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
  /** Whoever reads `target` reads `wholeCopy(target)` where that is cut off: only then may it be written in place. */
  readonly inPlace?: true
}

/**
 * Moves a staged file over its target, which is whole at any time. Throws ENOENT when `temp` is gone: the lock is lost, and
 * the target is another run's by now.
 */
export function replaceFile({ temp, target, inPlace }: StagedFile): void {
  const step = tryMove(temp, target)
  if (step === undefined) return
  if (errno(step) !== 'EXDEV' && !(errno(step) === 'EBUSY' && inPlace)) throw step
  // Another mount: what is moved has to lie there already, and is as whole in there as where it came from.
  const copy = wholeCopy(target)
  const content = readFileSync(temp)
  writeThrough(copy, content)
  // Between this look and the move another run may take the lock, in microseconds that a move has not got.
  statSync(temp)
  const moved = errno(step) === 'EXDEV' ? tryMove(copy, target) : step
  if (moved !== undefined && !(errno(moved) === 'EBUSY' && inPlace)) {
    discard(copy)
    throw moved
  }
  if (moved !== undefined) {
    overwrite(target, copy, content)
  }
  discard(temp)
}

/** Where the new contents are, whole, while a file is written in place. */
export function wholeCopy(target: string): string {
  return `${target}.next`
}

/** Takes a file away, into a folder of ours that is gone when the lock is lost. Throws what moving throws. */
export function takeAway(path: string, own: string, name: string): void {
  const failed = tryMove(path, `${own}/${name}`)
  if (failed === undefined) return
  if (errno(failed) !== 'EXDEV') throw failed
  statSync(own)
  unlinkSync(path)
}

/** The file that a link leads to, so that it is the one that is replaced; the path itself where it leads nowhere. */
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

// Nothing is cut off before the new contents are there: a reader finds the old, the new, or what is no JSON. From the first
// letter on the copy stays until all of it is written, whatever goes wrong.
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
