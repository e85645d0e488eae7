// Lanes that run another script of ours with large numbers, as a process, and print its last lines.
import { fileURLToPath } from 'node:url'
import { bundle } from '../build.ts'
import type { Lane } from '../check-long.ts'
import { startProcess } from '../processes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Ms after which a lane is killed. */
const PATIENCE = 6 * 3_600_000

/** How many lines of a script that went well are printed. */
const LAST_LINES = 3

/** A lane that builds the program and runs a script with these arguments; it has passed where the script ends with 0. */
export function scriptLane(describe: string, script: string, ...args: string[]): Lane {
  return {
    describe,
    run: async ({ tell }) => {
      await bundle()
      const env = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])))
      const words = ['--import', 'tsx', script, ...args]
      const { ended } = startProcess(process.execPath, words, { cwd: root, env, patience: PATIENCE })
      const { code, stdout, stderr } = await ended
      const lines = `${stdout}${stderr}`.trim().split('\n')
      for (const line of code === 0 ? lines.slice(-LAST_LINES) : lines) tell(line)
      return code === 0
    },
  }
}
