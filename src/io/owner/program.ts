// Runs a program of the owner's, without a shell and for a bounded time.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { type Foreign, foreign, foreignLine, isBlank } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import { formatSeconds } from '../timers.ts'

/** `input`: what it gets on stdin. `ms`: most milliseconds that it may run. */
export type ProgramOptions = { input: string; ms: number; env: Env }

/** How it ended: `error` is absent where it ended with 0. `stdout`: the first 64 KiB of it. */
export type ProgramResult = { error?: Foreign; stdout: string }

const MAX_OUTPUT = 65_536

/** Ms that the output is waited for after the program has ended: another one that it left behind may hold the output open. */
const DRAIN_MS = 300

/** Runs a program with its arguments as a list; it is killed when its time is up. Never rejects. */
export function runProgram(
  [file = '', ...args]: readonly string[],
  { input, ms, env }: ProgramOptions,
): Promise<ProgramResult> {
  const child = start(file, args, env)
  if (child instanceof Error) return Promise.resolve({ error: reasonOf(child), stdout: '' })
  return new Promise((resolve) => {
    const [stdout, stderr] = [readBounded(child.stdout), readBounded(child.stderr)]
    const timers: NodeJS.Timeout[] = []
    const end = (error: Foreign | undefined) => {
      for (const timer of timers) clearTimeout(timer)
      child.removeAllListeners('exit')
      for (const stream of child.stdio) stream?.destroy()
      resolve({ ...(error === undefined ? {} : { error }), stdout: stdout() })
    }
    const late = () => {
      kill(child)
      end(foreign`gave no answer within ${formatSeconds(ms)}; with a longer --timeout it has longer`)
    }
    timers.push(setTimeout(late, ms))
    child.on('error', (error) => end(reasonOf(error)))
    child.on('exit', (code, signal) => {
      const done = () => end(code === 0 ? undefined : foreign`ended with ${code ?? signal ?? 0}${lastLine(stderr())}`)
      child.on('close', done)
      timers.push(setTimeout(done, DRAIN_MS))
    })
    // That a program does not read its stdin is no failure.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function lastLine(output: string): Foreign {
  const why = foreignLine(output.trim().split('\n').at(-1) ?? '')
  return isBlank(why) ? why : foreign` (${why})`
}

function start(file: string, args: readonly string[], env: Env): ChildProcess | Error {
  // The program does not get our secret key.
  const { P2P_SECRET_KEY: _, ...rest } = env
  try {
    // In a group of its own, so that whatever it starts can be stopped with it.
    return spawn(file, args, { env: rest, stdio: 'pipe', detached: process.platform !== 'win32', windowsHide: true })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL')
    else child.kill('SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Reads all of a stream, so that its writer does not hang, and keeps the beginning. */
function readBounded(stream: Readable | null): () => string {
  const parts: Buffer[] = []
  let size = 0
  stream?.on('data', (part: Buffer) => {
    if (size < MAX_OUTPUT) parts.push(part.subarray(0, MAX_OUTPUT - size))
    size += part.length
  })
  stream?.on('error', () => {})
  return () => Buffer.concat(parts).toString('utf8')
}

function reasonOf(error: Error): Foreign {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return foreign`there is no such program`
  return code === 'EACCES' ? foreign`the program may not be run` : foreignLine(error.message)
}
