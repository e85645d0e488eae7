// Syncs what was written to the disk itself, where that is allowed.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { errno } from './disk-errors.ts'

/**
 * Returns when what was written to an open file is on the disk. Node 22 and 24 forbid that under their permission model: there the system
 * does it, seconds later.
 */
export function syncFile(file: number): void {
  try {
    fsyncSync(file)
  } catch (error) {
    if (errno(error) !== 'ERR_ACCESS_DENIED') throw error
  }
}

/** Returns when the names in a folder are on the disk, where the system can do that. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      syncFile(folder)
    } finally {
      closeSync(folder)
    }
  } catch (error) {
    // Windows and some network disks cannot, and Node's permission model may not let us; an EIO must be heard.
    if (!CANNOT.includes(errno(error))) throw error
  }
}

const CANNOT = ['EPERM', 'EACCES', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF', 'ERR_ACCESS_DENIED']
