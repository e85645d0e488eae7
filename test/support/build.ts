// Builds the program once before any test runs it, and makes the folder in which all of them keep its compiled code.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../scripts/build.ts'

export default async function setup(): Promise<() => void> {
  await bundle()
  const cache = mkdtempSync(join(tmpdir(), 'p2p-cache-'))
  // The workers, and the agents of their tests, have it from here.
  process.env.NODE_COMPILE_CACHE = cache
  return () => rmSync(cache, { recursive: true, force: true })
}
