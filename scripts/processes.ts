// Agents as processes: the built program, started anew for each command, each agent in a folder of its own.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built program: one file. */
export const PROGRAM = fileURLToPath(new URL('../dist/p2p.js', import.meta.url))

/** What one command did. `code`: null where it was killed, below 0 where it could not be started; `ms`: how long it took. */
export type ProcessResult = { code: number | null; stdout: string; stderr: string; ms: number }

export type RunningProcess = { readonly ended: Promise<ProcessResult>; stop(): void }

/** `env`: the whole environment, to which nothing of ours is added. `patience`: ms after which the program is killed. */
export type ProcessOptions = { cwd: string; env: Readonly<Record<string, string>>; stdin?: string; patience?: number }

/** Ms after which a program is killed, unless `patience` says otherwise. */
const TIMEOUT_MS = 60_000

/** Starts a program. Where it cannot be started it ends with a code below 0, and the reason on stderr. `ended` never rejects. */
export function startProcess(
  file: string,
  args: readonly string[],
  { cwd, env, stdin = '', patience }: ProcessOptions,
): RunningProcess {
  const began = performance.now()
  const child = spawn(file, args, {
    cwd,
    env: { ...env },
    stdio: 'pipe',
    timeout: patience ?? TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => out.push(part))
  child.stderr.on('data', (part: Buffer) => err.push(part))
  // A command that does not read its stdin may be gone before all of it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const ended = new Promise<ProcessResult>((resolve) => {
    child.on('error', (error) => err.push(Buffer.from(`${error.message}\n`)))
    child.on('close', (code) =>
      resolve({
        code,
        stdout: String(Buffer.concat(out)),
        stderr: String(Buffer.concat(err)),
        ms: performance.now() - began,
      }),
    )
  })
  return { ended, stop: () => void child.kill('SIGKILL') }
}

/** The environment of an agent with this home and these relays. All agents share one code cache, where NODE_COMPILE_CACHE is set. */
export function agentEnv(home: string, relays: readonly string[]): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME: home, P2P_RELAYS: relays.join(','), ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) }
}

/** Runs `body` with a new folder, and removes that afterwards, whatever happens. Throws what `body` throws. */
export async function withTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-play-'))
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
