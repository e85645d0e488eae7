// Tidying up: temporary files and folders, our own and those of runs that were killed. Tidying that fails is tried again by the next run.
import { lstatSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Removes a file, or a folder with all that is in it; a link, not what it points to. That it is gone already, or cannot be removed (a disk that is read-only by now), is no error. */
export function discard(path: string): void {
  // Every command does this twice for its lock, and rmSync takes longer to load than to run.
  tryQuietly(() => {
    if (!lstatSync(path).isDirectory()) return unlinkSync(path)
    for (const name of readdirSync(path)) discard(join(path, name))
    rmdirSync(path)
  })
}

/** Removes what is in a folder under names that begin with `prefix` and that are `age` ms old or older. */
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
