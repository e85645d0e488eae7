// Deletes what is kept of calls: keys, files, transcripts and received files. What is deleted is named.
import { lstatSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Removal } from '../../state/retention.ts'
import { transcriptPath } from '../files/transcripts.ts'
import type { Home } from '../home/paths.ts'
import type { OnStep } from './atomic.ts'
import { callKeyPath } from './call-keys.ts'
import { discard } from './discard.ts'
import { errno, withDiskErrors } from './disk-errors.ts'
import { logPath, namesIn } from './load.ts'
import { wholeCopy } from './replace.ts'
import { syncFolder } from './sync.ts'

/**
 * Deletes what exists of the removals, each path in one step, and gives the paths that are gone. Needs the lock, whose folder is `own`.
 * It does not shred: a disk, a snapshot or a backup may still have the bytes.
 */
export function removeFiles(home: Home, removals: readonly Removal[], own: string, step: OnStep): string[] {
  const paths = [...new Set(removals.flatMap((removal) => pathsOf(home, removal)))]
  const removed = paths.filter((path, n) => removeOne(path, join(own, `removed-${n}`), step))
  for (const folder of new Set(removed.map((path) => dirname(path)))) syncFolder(folder)
  return removed
}

function removeOne(path: string, away: string, step: OnStep): boolean {
  return withDiskErrors(path, () => {
    if (!isThere(path)) return false
    step(`take away ${path}`)
    // Where the lock is lost the folder is gone, so this throws: the file may be another run's by now.
    const moved = tryMove(path, away)
    // Removed at once, not with the lock's folder: no secret may lie about under another name.
    step(`remove ${path}`)
    discard(moved ? away : path)
    return !isThere(path)
  })
}

// False where the file lies on another disk than the state, as received files may. Throws where the lock is lost.
function tryMove(path: string, away: string): boolean {
  try {
    renameSync(path, away)
    return true
  } catch (error) {
    if (errno(error) !== 'EXDEV') throw error
    statSync(dirname(away))
    return false
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function pathsOf(home: Home, removal: Removal): string[] {
  switch (removal.type) {
    case 'key':
      // Where the folder is a mount of its own, a killed run may have left the copy that was to be put in place.
      return [callKeyPath(home, removal.call), wholeCopy(callKeyPath(home, removal.call))]
    case 'transcript':
      return [transcriptPath(home, removal.call)]
    case 'call':
      return callFiles(home, removal.call)
    case 'files':
      if (!/^[0-9a-f]{8}$/.test(removal.folder)) throw new Error('a folder of received files has eight hex digits')
      return [join(home.files, removal.folder)]
  }
}

// The file of a call, damaged ones that were set aside, and the folder of its archive. The file, which names the rest, first.
function callFiles(home: Home, call: string): string[] {
  const path = logPath(home, call)
  const damaged = namesIn(home.calls).filter((name) => name.startsWith(`${call}.json.damaged-`))
  return [path, ...damaged.map((name) => join(home.calls, name)), path.slice(0, -'.json'.length)]
}
