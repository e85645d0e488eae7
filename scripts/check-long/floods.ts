// The lane "floods": junk, strangers and rings in numbers that were found to hurt, against the built program. Its figures are printed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LaneOptions } from '../check-long.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TESTS = ['test/program/flood-sizes.test.ts', 'test/program/flood.test.ts', 'test/program/silent-relays.test.ts']

/** Runs the tests of floods at full size. Gives whether they passed. */
export async function checkFloods({ tell }: LaneOptions): Promise<boolean> {
  tell(`${TESTS.join(', ')}, in full`)
  const env = { ...process.env, P2P_FLOODS: 'full', P2P_FLOOD: '10000' }
  const child = spawn('npx', ['vitest', 'run', ...TESTS, '--no-file-parallelism'], { cwd: ROOT, env, stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return code === 0
}
