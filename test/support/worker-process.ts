// Workers of test/io/store/worker.ts that are processes of their own: started alone or all at the same moment.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { onTestFinished } from 'vitest'
import type { Home } from '../../src/io/home/paths.ts'

export type Worker = {
  readonly child: ChildProcess
  readonly lines: string[]
  /** Resolves as soon as so many lines are there, or the process has ended. */
  printed(count: number): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts test/io/store/worker.ts as a process. With `gate` it waits for a line on stdin before it does anything. */
export function startWorker(what: string, home: Home, number: number, gate = false): Worker {
  const env = gate ? { ...process.env, GATE: '1' } : process.env
  const child = spawn(process.execPath, [program(), what, home.root, `${number}`], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // One that was killed at the end of its test does not read its line any more.
  child.stdin?.on('error', () => {})
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const listeners = new Set<() => void>()
  let over = false
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const listener of listeners) listener()
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      over = true
      for (const listener of listeners) listener()
      resolve({ code, signal })
    })
  })
  const printed = (count: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (lines.length >= count || over) resolve()
      }
      listeners.add(check)
      check()
    })
  return { child, lines, printed, ended }
}

/** Starts workers and lets all of them go at the same moment. */
export async function startWorkersTogether(what: string, home: Home, numbers: readonly number[]): Promise<Worker[]> {
  const all = numbers.map((number) => startWorker(what, home, number, true))
  await Promise.all(all.map((worker) => worker.printed(1)))
  for (const worker of all) {
    worker.lines.length = 0
    worker.child.stdin?.end('go\n')
  }
  return all
}

let built: string | undefined

// Bundled once: twenty runs of a compiler would be slower than what they are there to test. As CommonJS, which starts sooner.
function program(): string {
  if (built !== undefined) return built
  const entry = fileURLToPath(new URL('../io/store/worker.ts', import.meta.url))
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  })
  built = join(mkdtempSync(join(tmpdir(), 'p2p-io-worker-')), 'worker.cjs')
  writeFileSync(built, outputFiles[0]?.contents ?? '')
  return built
}
