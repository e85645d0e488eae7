// Folders that are gone with all others in the end (see build.ts), and disks of a few kilobytes.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Home, homeOf } from '../../src/io/home/paths.ts'

/** A home in a new folder. */
export function newHome(): Home {
  return homeOf(newFolder(), {})
}

/** A new folder for one test. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'p2p-io-'))
}

/** A disk in memory of so many kilobytes, or a word why this machine gives none. Unmounted after the test. */
export function newDisk(kilobytes: number): { folder: string } | { no: string } {
  const folder = newFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder], { stdio: 'pipe' })
    onTestFinished(() => void execFileSync('umount', [folder]))
    return { folder }
  } catch {
    return { no: 'no tmpfs can be mounted here' }
  }
}

/** The disk at this folder takes nothing more. */
export function remountReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'pipe' })
}

/** Every name below a folder, sorted. */
export function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}
