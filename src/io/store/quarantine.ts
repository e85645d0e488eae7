// Damaged files, kept for whoever can still read them.
import { segmentFiles, segmentFolder } from './archive.ts'
import { linkNew, type OnStep } from './atomic.ts'
import { withDiskErrors } from './disk-errors.ts'
import { takeAway } from './replace.ts'

/**
 * Keeps a damaged file under a name of its own, never over an earlier one, and takes it out of the way; the segments of a call
 * with it. `own`: the folder of the lock, `now` in ms. @returns where it is kept
 */
export function quarantine(path: string, own: string, now: number, step: OnStep): string {
  // First of all: a head that is left without them is found to be damaged once more.
  for (const segment of segmentFiles(segmentFolder(path))) moveAside(segment, own, now, step)
  return moveAside(path, own, now, step)
}

// Moved into the lock's folder and not removed: a run that has lost the lock meanwhile must not take away the good file of
// the next one.
function moveAside(path: string, own: string, now: number, step: OnStep): string {
  const name = `${path}.damaged-${Math.floor(now / 1000)}`
  for (let n = 1; ; n++) {
    const kept = n === 1 ? name : `${name}-${n}`
    if (!linkNew(path, kept, step)) continue
    withDiskErrors(path, () => {
      step(`take away ${path}`)
      takeAway(path, own, `damaged-${n}`)
    })
    return kept
  }
}
