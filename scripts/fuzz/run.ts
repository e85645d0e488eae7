// Runs the cases of a target one after the other, and watches what no target can check itself: exceptions, time, prototypes.
import { choicesOf } from './random.ts'
import type { Target } from './target.ts'

/** What is wrong with one case. `n`: its number. */
export type Finding = { target: string; n: number; what: string; input: string }

export type Report = { target: string; cases: number; ms: number; findings: Finding[] }

export type Fuzzing = {
  seed: string
  /** The number of the first case, and how many cases. */
  from: number
  cases: number
  /** Ms of CPU that one case may take. One that took longer is tried again: the first run of some code includes its compilation. */
  longest?: number
  /** Called before each case, with its number. */
  beat?: (n: number) => void
}

const LONGEST = 500

/** The prototypes are checked after every `BATCH` cases; after `ENOUGH` findings a target ends. */
const BATCH = 1_000
const ENOUGH = 5

/** Runs the cases of a target, until `ENOUGH` of them have failed. */
export async function fuzz(
  target: Target,
  { seed, from, cases, longest = LONGEST, beat = () => {} }: Fuzzing,
): Promise<Report> {
  const findings: Finding[] = []
  const began = performance.now()
  let n = from
  for (; n < from + cases && findings.length < ENOUGH; n++) {
    beat(n)
    const what = (await tried(target, `${seed} ${target.name} ${n}`, longest)) ?? pollution(n)
    if (what === undefined) continue
    const { input } = target.attempt(choicesOf(`${seed} ${target.name} ${n}`))
    findings.push({ target: target.name, n, what, input: shown(input) })
  }
  return { target: target.name, cases: n - from, ms: performance.now() - began, findings }
}

async function tried(target: Target, name: string, longest: number): Promise<string | undefined> {
  const first = await once(target, name)
  if (first.fault !== undefined || first.ms < longest) return first.fault
  const again = await once(target, name)
  return again.ms < longest ? again.fault : `it took ${Math.round(again.ms)} ms`
}

async function once(target: Target, name: string): Promise<{ fault: string | undefined; ms: number }> {
  const { run } = target.attempt(choicesOf(name))
  // CPU time and not wall time: the machine may be busy with something else.
  const began = process.cpuUsage()
  try {
    const result = run()
    const fault = result instanceof Promise ? await result : result
    const { user, system } = process.cpuUsage(began)
    return { fault, ms: (user + system) / 1000 }
  } catch (error) {
    return { fault: `it threw ${error instanceof Error ? error.stack : String(error)}`, ms: 0 }
  }
}

const ROOTS = { Object, Array, Function, String, Number, Boolean, Map, Set, Promise, Error, RegExp, Uint8Array }

const before = fingerprint()

// The attack: a key reaches a prototype, so that every object of ours has it from then on.
function pollution(n: number): string | undefined {
  if (n % BATCH !== BATCH - 1) return undefined
  return fingerprint() === before ? undefined : 'a prototype was changed in this case or one of those before it'
}

function fingerprint(): string {
  const told = Object.entries(ROOTS).map(([name, { prototype }]) => {
    const own = Reflect.ownKeys(prototype).map((key) => {
      const { value, get, set } = Reflect.getOwnPropertyDescriptor(prototype, key) ?? {}
      return `${String(key)}:${typeof value === 'function' ? value.name : typeof value}:${get?.name}:${set?.name}`
    })
    return `${name} ${own.join()}`
  })
  return told.join('\n')
}

function shown(input: unknown): string {
  const text = JSON.stringify(input, (_, value: unknown) =>
    value instanceof Uint8Array ? `hex ${Buffer.from(value).toString('hex')}` : value,
  )
  return text === undefined ? String(input) : text.slice(0, 4_000)
}
