// Agents as processes: the built program, run once a command, each agent in a folder of its own. For the demo, the smoke
// test and the stories.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built program: one file. */
export const PROGRAM = fileURLToPath(new URL('../dist/p2p.js', import.meta.url))

/** What one command did. `code` is null when it was killed; `ms`: how long it took. */
export type ProcessResult = { code: number | null; stdout: string; stderr: string; ms: number }

export type RunningProcess = { readonly ended: Promise<ProcessResult>; stop(): void }

/** `env` is the whole environment: nothing of ours reaches an agent but what stands here. */
export type ProcessOptions = { cwd: string; env: Readonly<Record<string, string>>; stdin?: string; patience?: number }

/** No command stays longer, in ms; what does is killed. */
const TIMEOUT_MS = 60_000

/** Starts a program. It never throws: what cannot be started ends with code null and the reason on stderr. */
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

/** The environment that leads to an agent's home. Its code cache is that of all others where this process has one set. */
export function agentEnv(home: string, relays: readonly string[]): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME: home, P2P_RELAYS: relays.join(','), ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) }
}

/** Runs `body` with a new folder, which is gone afterwards, whatever happens. */
export async function withTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-play-'))
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
