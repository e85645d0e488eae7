// Runs the cases of targets one after the other and watches what no target can see of itself: exceptions, time, prototypes.
import { choicesOf } from './random.ts'
import type { Target } from './target.ts'

/** `n`: which case of the target. */
export type Finding = { target: string; n: number; what: string; input: string }

export type Report = { target: string; cases: number; ms: number; findings: Finding[] }

export type Fuzzing = {
  seed: string
  /** The first case, and how many. */
  from: number
  cases: number
  /** Told before each case. */
  beat?: (n: number) => void
}

/** What one case may take, in ms of the processor. A case that took longer is tried again: it may have been the first. */
const LONGEST = 500

/** After so many cases the prototypes are looked at, and so many findings of one target are enough. */
const BATCH = 1_000
const ENOUGH = 5

/** Runs so many cases of a target, or until enough of them have failed. */
export async function fuzz(target: Target, { seed, from, cases, beat = () => {} }: Fuzzing): Promise<Report> {
  const findings: Finding[] = []
  const began = performance.now()
  let n = from
  for (; n < from + cases && findings.length < ENOUGH; n++) {
    beat(n)
    const what = (await tried(target, `${seed} ${target.name} ${n}`)) ?? pollution(n)
    if (what === undefined) continue
    const { input } = target.attempt(choicesOf(`${seed} ${target.name} ${n}`))
    findings.push({ target: target.name, n, what, input: shown(input) })
  }
  return { target: target.name, cases: n - from, ms: performance.now() - began, findings }
}

async function tried(target: Target, name: string): Promise<string | undefined> {
  const first = await once(target, name)
  if (first.fault !== undefined || first.ms < LONGEST) return first.fault
  const again = await once(target, name)
  return again.ms < LONGEST ? again.fault : `it took ${Math.round(again.ms)} ms`
}

async function once(target: Target, name: string): Promise<{ fault: string | undefined; ms: number }> {
  const { run } = target.attempt(choicesOf(name))
  // Of the processor, not of the clock: the machine may be busy with something else.
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

// The attack: a key that reaches the prototype of everything, so that every object of ours has it from then on.
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
