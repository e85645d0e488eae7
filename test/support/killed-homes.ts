// What a run leaves on the disk when it is killed before its first, its second … step: at each step of one run the home is copied
// as it lies there. That a real kill leaves just that, the tests with real processes show.
import { cpSync, existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../../src/io/home/paths.ts'
import type { OnStep } from '../../src/io/store/atomic.ts'
import { newHome } from './temporary-home.ts'

/** @param work what the run does in `home`, telling each step. The last home is what it leaves when nobody kills it. */
export async function killedAtEveryStep(home: Home, work: (step: OnStep) => unknown): Promise<Home[]> {
  const homes: Home[] = []
  await work(() => homes.push(copyAsDead(home)))
  return [...homes, copyAsDead(home)]
}

function copyAsDead(home: Home): Home {
  const copy = newHome()
  if (existsSync(home.root)) cpSync(home.root, copy.root, { recursive: true, preserveTimestamps: true })
  for (const name of readdirSync(copy.root, { recursive: true, encoding: 'utf8' })) {
    const path = join(copy.root, name)
    if (!name.endsWith('holder.json') || !statSync(path).isFile()) continue
    // Whoever holds the lock there is a process that is no more.
    const { mtime } = statSync(path)
    const holder = JSON.parse(readFileSync(path, 'utf8') || '{}')
    writeFileSync(path, JSON.stringify({ ...holder, processStart: 'of a process that was killed' }))
    utimesSync(path, mtime, mtime)
  }
  return copy
}
