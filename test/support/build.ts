// Builds the program once before any test runs it, and makes the folder below which all of them keep what they need: its compiled
// code, homes, files. It is gone in the end.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../scripts/build.ts'

/** What all tests together may keep, in bytes, several times over. */
const MIN_ROOM = 3e9

export default async function setup(): Promise<() => void> {
  const program = await bundle()
  // By its time its compiled code is found: copies that keep it keep whole seconds exactly.
  const made = new Date(1000 * Math.floor(statSync(program).mtimeMs / 1000))
  utimesSync(program, made, made)
  const folder = newFolderInMemory() ?? mkdtempSync(join(tmpdir(), 'p2p-'))
  // Some tests run the program as another user, who must get through to its own.
  chmodSync(folder, 0o755)
  const cache = join(folder, 'cache')
  // The code in it will run: nobody else may write there.
  mkdirSync(cache, { mode: 0o700 })
  // The workers, and the agents of their tests, have them from here.
  process.env.TMPDIR = folder
  process.env.NODE_COMPILE_CACHE = cache
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/**
 * A folder in Linux's file system in memory, undefined where there is none, no room in it, or programs cannot be run there. Tests write
 * thousands of files that the program syncs, and no test can tell what a disk would have kept.
 */
function newFolderInMemory(): string | undefined {
  if (process.env.TMPDIR !== undefined) return undefined
  let folder: string | undefined
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize < MIN_ROOM) return undefined
    folder = mkdtempSync('/dev/shm/p2p-')
    const program = join(folder, 'program')
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 })
    execFileSync(program)
    rmSync(program)
    return folder
  } catch {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    return undefined
  }
}
