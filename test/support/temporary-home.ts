// Folders that are gone after the test, disks of a few kilobytes, and workers that are processes of their own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll, afterEach } from 'vitest'
import { type Home, homeOf } from '../../src/io/home/paths.ts'

/** A home in a new folder, removed after the test. */
export function newHome(): Home {
  return homeOf(newFolder(), {})
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-io-'))
  folders.push(folder)
  return folder
}

/** A disk in memory of so many kilobytes, or a word why this machine gives none. Unmounted after the test. */
export function newDisk(kilobytes: number): { folder: string } | { no: string } {
  const folder = newFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder], { stdio: 'pipe' })
    disks.push(folder)
    return { folder }
  } catch {
    return { no: 'no tmpfs can be mounted here' }
  }
}

export function remountReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'pipe' })
}

/** Every name below a folder, sorted. */
export function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}

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
  workers.push(child)
  const lines: string[] = []
  const heard = new Set<() => void>()
  let over = false
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const hear of heard) hear()
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      over = true
      for (const hear of heard) hear()
      resolve({ code, signal })
    })
  })
  const printed = (count: number) =>
    new Promise<void>((resolve) => {
      const hear = () => {
        if (lines.length >= count || over) resolve()
      }
      heard.add(hear)
      hear()
    })
  return { child, lines, printed, ended }
}

/** Starts workers and lets all of them go at the same moment. */
export async function startTogether(what: string, home: Home, numbers: readonly number[]): Promise<Worker[]> {
  const all = numbers.map((number) => startWorker(what, home, number, true))
  await Promise.all(all.map((worker) => worker.printed(1)))
  for (const worker of all) {
    worker.lines.length = 0
    worker.child.stdin?.end('go\n')
  }
  return all
}

const folders: string[] = []
const disks: string[] = []
const workers: ChildProcess[] = []
let built: string | undefined

// Bundled once: twenty runs of a compiler would be slower than what they are there to test.
function program(): string {
  if (built !== undefined) return built
  const entry = fileURLToPath(new URL('../io/store/worker.ts', import.meta.url))
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  built = join(mkdtempSync(join(tmpdir(), 'p2p-io-worker-')), 'worker.mjs')
  writeFileSync(built, outputFiles[0]?.contents ?? '')
  return built
}

afterEach(() => {
  for (const child of workers.splice(0)) child.kill('SIGKILL')
  for (const disk of disks.splice(0)) execFileSync('umount', [disk])
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

afterAll(() => {
  if (built !== undefined) rmSync(join(built, '..'), { recursive: true, force: true })
})
