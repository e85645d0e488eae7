// Sets damaged files aside, for whoever can still read them.
import { segmentFiles, segmentFolder } from './archive.ts'
import { linkNew, type OnStep } from './atomic.ts'
import { withDiskErrors } from './disk-errors.ts'
import { takeAway } from './replace.ts'

/**
 * Moves a damaged file, and with a call its segments, to a name of its own, never over an earlier one, and gives that. Needs the lock.
 * @param own the folder of the lock
 * @param now Unix ms
 */
export function quarantine(path: string, own: string, now: number, step: OnStep): string {
  // Segments first: if this run is killed in between, the head without them is found damaged again.
  for (const segment of segmentFiles(segmentFolder(path))) moveAside(segment, own, now, step)
  return moveAside(path, own, now, step)
}

// Moved into the lock's folder and not removed: a run that has lost the lock must not take away the good file of the next run.
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
