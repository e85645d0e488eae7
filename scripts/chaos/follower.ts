// An agent that is on line: a `wait --follow` that stays, with the time at which each message came in.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { PROGRAM } from '../processes.ts'

export type Follower = {
  /** When each message was printed, Unix ms, by its text. */
  came: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** Starts `wait --follow` for an agent, in the folder `cwd`. */
export function follow(cwd: string, env: Readonly<Record<string, string>>): Follower {
  const came = new Map<string, number>()
  const args = [PROGRAM, 'wait', '86400', '--follow', '--json']
  const child = spawn(process.execPath, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { text } = Object(JSON.parse(line))
    if (typeof text === 'string' && !came.has(text)) came.set(text, Date.now())
  })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  return {
    came,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
