// What a session of a harness remembers: that it was told, and how often it was held up.
import { expect, test } from 'vitest'
import { type HookMemory, parseHookMemory, rememberHold, rememberTold } from '../../src/state/hook-memory.ts'

const FRESH = parseHookMemory(undefined)
const T = 1_800_000_000

/** How often a session is held up when it stops once a minute; `keysAt`: what waits then. */
function holds(stops: number, keysAt: (stop: number) => string[], step = 60): number {
  let memory: HookMemory = FRESH
  let held = 0
  for (let stop = 0; stop < stops; stop++) {
    const next = rememberHold(memory, keysAt(stop), T + stop * step)
    if (next === undefined) continue
    memory = next
    held++
  }
  return held
}

test('what is told once is not told again, until something new is there', () => {
  const told = rememberTold(FRESH, ['message a', 'message b'])
  expect(told).toMatchObject({ told: ['message a', 'message b'] })
  expect(rememberTold(told ?? FRESH, ['message b'])).toBeUndefined()
  expect(rememberTold(told ?? FRESH, ['message b', 'message c'])).toMatchObject({ told: ['message b', 'message c'] })
})

test('nothing that waits holds a session up more than three times, however long it waits', () => {
  expect(holds(100, () => ['request a'])).toBe(3)
  expect(holds(100, () => ['request a'], 7200)).toBe(3)
  expect(holds(100, (stop) => (stop < 50 ? ['request a'] : ['request a', 'message b']))).toBe(6)
})

test('a peer that writes at every step holds it up eight times an hour', () => {
  expect(holds(60, (stop) => [`message ${stop}`])).toBe(8)
  expect(holds(120, (stop) => [`message ${stop}`])).toBe(16)
})

test('a clock that was set back lets nobody be held up forever, nor for nothing', () => {
  const memory = rememberHold(FRESH, ['message a'], T)
  expect(rememberHold(memory ?? FRESH, ['message b'], T - 86_400)).toMatchObject({ at: [T - 86_400] })
})

test.each([
  [undefined],
  [null],
  ['text'],
  [[]],
  [{ told: 7, held: [], at: {} }],
  [{ told: [7, null], held: { a: -1, b: 'x', c: 0.5 }, at: ['now', Number.NaN] }],
])('what is no memory is a fresh one: %j', (value) => {
  expect(parseHookMemory(value)).toEqual({ told: [], held: {}, at: [] })
})

test('names of an object’s own are names like others', () => {
  expect(rememberHold(FRESH, ['toString', '__proto__'], T)?.at).toEqual([T])
  expect(holds(10, () => ['__proto__'])).toBe(3)
})
