// Builds the program once before any test runs it, and makes the folder below which all of them keep what they need: its compiled
// code, homes, files. It is gone in the end.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../scripts/build.ts'

export default async function setup(): Promise<() => void> {
  await bundle()
  const folder = mkdtempSync(join(tmpdir(), 'p2p-'))
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
