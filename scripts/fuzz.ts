// Throws spoiled input at every parser: npm run fuzz -- [--cases 1000000] [--seed 1] [--only NAME] [--from N]
// A finding names its target and case; `--only NAME --from N --cases 1`, with the same seed, shows it again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import type { Finding, Report } from './fuzz/run.ts'
import { casesOf, TARGETS } from './fuzz/targets.ts'
import type { Task } from './fuzz/worker.ts'

/** Ms after which a case that does not end is stopped, and MiB that a thread may hold. */
const STUCK = 20_000
const MEMORY = 512

async function main(file: string): Promise<void> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      from: { type: 'string', default: '0' },
    },
  })
  const targets = TARGETS.filter(({ name }) => values.only === undefined || name === values.only)
  if (targets.length === 0)
    throw new Error(`no target is called ${values.only}: ${TARGETS.map((t) => t.name).join(', ')}`)
  const reports: Report[] = []
  for (const target of targets) {
    const cases = casesOf(target, Number(values.cases), targets)
    const report = await inThread(file, { name: target.name, seed: values.seed, from: Number(values.from), cases })
    reports.push(report)
    const rate = Math.round((1000 * report.cases) / Math.max(1, report.ms))
    console.log(
      `${report.target.padEnd(14)} ${String(report.cases).padStart(8)} cases ${String(rate).padStart(8)}/s  ${outcome(report)}`,
    )
    for (const finding of report.findings) console.log(told(finding, values.seed))
  }
  const [cases, ms, found] = [
    sum(reports, (r) => r.cases),
    sum(reports, (r) => r.ms),
    sum(reports, (r) => r.findings.length),
  ]
  console.log(`${cases} cases of ${reports.length} targets in ${Math.round(ms / 1000)} s: ${found} findings`)
  if (found > 0) process.exitCode = 1
}

/**
 * Runs a target in a thread and gives its report. A case that hangs, or kills the thread, is a finding, and the last case of its target.
 */
function inThread(file: string, task: Omit<Task, 'at'>): Promise<Report> {
  const at = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const began = performance.now()
  return new Promise((resolve) => {
    const worker = new Worker(file, {
      workerData: { ...task, at },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY },
      execArgv: ['--enable-source-maps'],
    })
    let [last, since] = [-1, performance.now()]
    const end = (report: Report) => {
      clearInterval(timer)
      void worker.terminate()
      resolve(report)
    }
    const broken = (what: string) => {
      const n = Atomics.load(at, 0)
      const finding = { target: task.name, n, what, input: '' }
      end({ target: task.name, cases: n - task.from + 1, ms: performance.now() - began, findings: [finding] })
    }
    const timer = setInterval(() => {
      const n = Atomics.load(at, 0)
      if (n !== last) [last, since] = [n, performance.now()]
      else if (performance.now() - since > STUCK) broken(`it has not come back after ${STUCK / 1000} s`)
    }, 500)
    worker.on('message', end)
    worker.on('error', (error) => broken(`its thread died: ${error instanceof Error ? error.message : String(error)}`))
  })
}

function told({ target, n, what, input }: Finding, seed: string): string {
  return `  case ${n}: ${what}\n  input: ${input}\n  again: npm run fuzz -- --seed ${seed} --only '${target}' --from ${n} --cases 1`
}

function outcome({ findings }: Report): string {
  return findings.length === 0 ? 'ok' : `${findings.length} FINDINGS`
}

function sum(reports: readonly Report[], of: (report: Report) => number): number {
  return reports.reduce((total, report) => total + of(report), 0)
}

/** Builds the program of the threads in one file, since a thread cannot load TypeScript, and gives its path. */
async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, 'worker.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./fuzz/worker.ts', import.meta.url))],
    ...{
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'cjs',
      sourcemap: 'inline',
      logLevel: 'warning',
    },
    define: { 'import.meta.url': 'here' },
    banner: { js: "const here = require('node:url').pathToFileURL(__filename).href" },
    supported: { 'dynamic-import': false },
    external: ['bufferutil', 'utf-8-validate'],
  })
  return outfile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-fuzz-'))
  bundled(folder)
    .then(main)
    .catch((error: unknown) => {
      console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = 2
    })
    .finally(() => rmSync(folder, { recursive: true, force: true }))
}
