// Removes temporary files and folders, our own and those of killed runs. What fails is tried again by the next run.
import { lstatSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Removes a file, a link (not what it points to), or a folder with all that is in it. Never throws: what is gone already or cannot be
 * removed is no error.
 */
export function discard(path: string): void {
  // Every command does this twice for its lock, and rmSync takes longer to load than to run.
  tryQuietly(() => {
    if (!lstatSync(path).isDirectory()) return unlinkSync(path)
    for (const name of readdirSync(path)) discard(join(path, name))
    rmdirSync(path)
  })
}

/** Removes what in a folder has a name that begins with `prefix` and was last changed at least `age` ms ago. Never throws. */
export function removeLeftovers(folder: string, prefix: string, age = 0): void {
  for (const name of tryQuietly(() => readdirSync(folder)) ?? []) {
    if (!name.startsWith(prefix)) continue
    const path = join(folder, name)
    const changed = tryQuietly(() => statSync(path).mtimeMs)
    if (age === 0 || (changed !== undefined && Date.now() - changed >= age)) discard(path)
  }
}

function tryQuietly<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
