// What was measured, and whether that meets the goals, in lines for people.
import type { Goal } from './races.ts'

/** Times in ms; `memory` in MB; `trips`: the median; `missing`: wraps that the worst run left unopened. */
export type Result = {
  race: string
  name: string
  median: number
  min: number
  runs: number
  memory?: number
  trips?: number
  missing?: number
}

export type JudgedGoal = Goal & { race: string; value: number; met: boolean }

/** Whether what was measured meets a goal. `value`: NaN, which meets none, where it was not measured. */
export function judgeGoal(race: string, goal: Goal, results: readonly Result[]): JudgedGoal {
  const of = results.find((one) => one.name === goal.of)
  const to = results.find((one) => one.name === goal.to)
  const value = valueOfGoal(goal, of, to)
  return { ...goal, race, value, met: value <= goal.most }
}

function valueOfGoal({ kind }: Goal, of: Result | undefined, to: Result | undefined): number {
  if (of === undefined) return Number.NaN
  if (kind === 'memory') return of.memory ?? Number.NaN
  if (kind === 'missing') return of.missing ?? Number.NaN
  if (kind === 'trips') return of.trips ?? Number.NaN
  if (to === undefined) return Number.NaN
  return kind === 'ratio' ? Math.round((of.median / to.median) * 100) / 100 : Math.round(of.median - to.median)
}

/** One line for each runner, then one for each goal. */
export function table(results: readonly Result[], goals: readonly JudgedGoal[]): string[] {
  const [first] = results
  return [
    ...results.map(({ name, median, min, memory }) => {
      const ratio = (median / (first?.median ?? median)).toFixed(2)
      const weight = memory === undefined ? '' : `${memory} MB`
      return `  ${name.padEnd(36)} ${median.toFixed(0).padStart(7)} ms  min ${min.toFixed(0).padStart(6)}  x${ratio}  ${weight}`
    }),
    ...goals.map((goal) => `  ${goal.met ? 'met    ' : 'NOT MET'}  ${goalLine(goal)}`),
  ]
}

function goalLine({ of, kind, to, most, value }: JudgedGoal): string {
  if (kind === 'memory') return `${of}: ${value} MB, at most ${most}`
  if (kind === 'ratio') return `${of}: ${value} x ${to}, at most ${most}`
  if (kind === 'missing') return `${of}: ${value} wraps left unopened, at most ${most}`
  if (kind === 'trips') return `${of}: ${value} round trips, at most ${most}`
  return `${of}: ${value} ms more than ${to}, at most ${most}`
}

/** All goals in a Markdown table, with the times behind them. */
export function summary(goals: readonly JudgedGoal[], results: readonly Result[]): string[] {
  const rows = goals.map((goal) => {
    const of = results.find(({ race, name }) => race === goal.race && name === goal.of)
    const ms = (value = Number.NaN) => (Number.isNaN(value) ? '' : value.toFixed(0))
    const { measured, wanted } = cells(goal)
    return [goal.race, goal.of, ms(of?.median), ms(of?.min), measured, wanted, goal.met ? 'yes' : '**no**']
  })
  const head = ['race', 'what', 'median ms', 'min ms', 'measured', 'goal', 'met']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

function cells({ kind, to, value, most }: JudgedGoal): { measured: string; wanted: string } {
  if (kind === 'ratio') return { measured: `${value} x ${to}`, wanted: `${most}` }
  if (kind === 'over') return { measured: `+${value} ms over ${to}`, wanted: `+${most} ms` }
  const unit = { memory: 'MB', trips: 'round trips', missing: 'left unopened' }[kind]
  return { measured: `${value} ${unit}`, wanted: `${most}` }
}
