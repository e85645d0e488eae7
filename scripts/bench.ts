// Measures how long whole commands take, beside node alone and beside programs with other libraries that do the same work, and judges that
// by the goals. npm run bench -- [--only NAME …] [--rounds N] [--json FILE] [--quick]; it writes FILE, else dist/bench.json.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { peakMemory } from '../test/support/preloads.ts'
import { type Race, races, sizeOfProgram } from './bench/races.ts'
import { openBenchRelays } from './bench/relays.ts'
import type { Course, Runner } from './bench/runners.ts'
import { type JudgedGoal, judgeGoal, type Result, summary, table } from './bench/table.ts'
import { startProcess, withTemporaryFolder } from './processes.ts'

export type Report = {
  machine: string
  node: string
  date: string
  kilobytes: number
  results: Result[]
  goals: JudgedGoal[]
}

export type BenchOptions = {
  only: readonly string[]
  rounds: number | undefined
  quick: boolean
  say: (line: string) => void
}

/** Runs the races, or `only` those. `rounds`: in place of each race's own. Throws for a name that is no race. */
export async function bench({ only, rounds, quick, say }: BenchOptions): Promise<Report> {
  const unknown = only.find((name) => !Object.hasOwn(races, name))
  if (unknown !== undefined) throw new Error(`there is no race ${unknown}: ${Object.keys(races).join(', ')}`)
  // Node reads these certificates at every start. That takes all programs equally long, and makes the differences look small.
  delete process.env.NODE_EXTRA_CA_CERTS
  const field = openBenchRelays()
  const results: Result[] = []
  const goals: JudgedGoal[] = []
  try {
    await withTemporaryFolder(async (folder) => {
      const course: Course = { folder, field, now: Math.floor(Date.now() / 1000), quick }
      for (const [race, prepare] of Object.entries(races)) {
        if (only.length > 0 && !only.includes(race)) continue
        say(`${race}: preparing`)
        const prepared = await prepare(course)
        const found = await runRace(race, { ...prepared, rounds: rounds ?? prepared.rounds })
        for (const goal of prepared.goals) {
          if (goal.kind === 'memory') await measureMemory(goal.of, prepared.runners, found)
          goals.push(judgeGoal(race, goal, found))
        }
        results.push(...found)
        for (const line of table(
          found,
          goals.filter((goal) => goal.race === race),
        ))
          say(line)
      }
    })
  } finally {
    field.close()
  }
  const [{ model } = { model: 'unknown' }] = cpus()
  return {
    machine: `${cpus().length} x ${model}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    kilobytes: sizeOfProgram(),
    results,
    goals,
  }
}

// In turns, so that a minute in which the machine does something else slows all of them down.
async function runRace(race: string, { runners, rounds, warm }: Race): Promise<Result[]> {
  const times = new Map<string, number[]>()
  const trips = new Map<string, number[]>()
  const missing = new Map<string, number>()
  for (let round = warm ? -1 : 0; round < rounds; round++) {
    for (const runner of runners) {
      const { ms, left } = await runOnce(runner)
      if (round < 0) continue
      times.set(runner.name, [...(times.get(runner.name) ?? []), ms])
      if (left !== undefined) missing.set(runner.name, Math.max(left, missing.get(runner.name) ?? 0))
      if (runner.trips) trips.set(runner.name, [...(trips.get(runner.name) ?? []), await runner.trips()])
    }
  }
  return runners.map(({ name }) => {
    const sorted = (times.get(name) ?? []).sort((a, b) => a - b)
    const taken = (trips.get(name) ?? []).sort((a, b) => a - b)
    const timing = { median: median(sorted), min: sorted[0] ?? Number.NaN, runs: sorted.length }
    const left = missing.get(name)
    return {
      race,
      name,
      ...timing,
      ...(left !== undefined && { missing: left }),
      ...(taken.length > 0 && { trips: median(taken) }),
    }
  })
}

async function runOnce(runner: Runner): Promise<{ ms: number; left: number | undefined }> {
  const { name, args, setting, ready, counts, opened, cpu } = runner
  ready?.()
  const ran = await startProcess(process.execPath, cpu ? ['--import', CPU_TIME, ...args] : args, setting).ended
  const { code, stdout, stderr } = ran
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`)
  const ms = cpu ? Number(/computed for (\d+) µs/.exec(stderr)?.[1]) / 1000 : ran.ms
  if (counts === undefined) return { ms, left: undefined }
  return { ms, left: counts - (opened?.() ?? Number(JSON.parse(stdout).opened)) }
}

const CPU_TIME = new URL('bench/cpu-time.mjs', import.meta.url).href

async function measureMemory(name: string, runners: readonly Runner[], results: Result[]): Promise<void> {
  const runner = runners.find((one) => one.name === name)
  const result = results.find((one) => one.name === name)
  if (runner === undefined || result === undefined) return
  runner.ready?.()
  const { stderr } = await startProcess(process.execPath, [...peakMemory.flags, ...runner.args], runner.setting).ended
  result.memory = Math.max(...[...stderr.matchAll(/peak RSS (\d+) MiB/g)].map((found) => Number(found[1])))
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      json: { type: 'string', default: fileURLToPath(new URL('../dist/bench.json', import.meta.url)) },
      quick: { type: 'boolean', default: false },
    },
  })
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  const report = await bench({ only: values.only, rounds, quick: values.quick, say: console.log })
  const { machine, node, date, kilobytes, goals } = report
  console.log(`\n${summary(goals, report.results).join('\n')}\n`)
  console.log(`${machine}, Node ${node}, ${date}; the program has ${kilobytes} KB`)
  console.log(`${goals.filter((goal) => goal.met).length} of ${goals.length} goals met`)
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`written to ${values.json}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  })
}
