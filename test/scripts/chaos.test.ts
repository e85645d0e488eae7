// A short run of `npm run chaos`: killed processes, bad relays, parallel senders; nothing lost, nothing twice.
import { expect, test } from 'vitest'
import { chaos, isKept } from '../../scripts/chaos.ts'
import { startRelay } from '../../scripts/relay.ts'

test('the promise is kept through a short chaos', async () => {
  const report = await chaos(16, 3, { restores: 1 })
  const kept = { kept: true, unsound: [], readable: [], losses: 0, repeats: 0, verified: true, restores: 1 }
  expect({ ...report, kept: isKept(report) }).toMatchObject(kept)
}, 180_000)

// Nine of ten is for many messages: npm run check:long -- leaky. Of twelve, half may be said in the one second in which the third relay
// is silent, and wrapped anew 20 s later in another one.
test('between agents on line, with two of three relays that keep no letters, what the third keeps in time comes within a minute', async () => {
  const report = await chaos(12, 5, { leaky: true })
  expect(report).toMatchObject({ losses: 0, repeats: 0, sameOrder: true, equalDigests: true, verified: true })
  const late = report.late ?? []
  // What came later is explained line by line: when its wraps went out, in seconds, and which relay kept them.
  const inTime = late.filter((line) => [...line.matchAll(/([\d.]+) relay \d kept/g)].some(([, at]) => Number(at) < 40))
  expect(inTime, late.join('\n')).toEqual([])
  expect(report.withinMinute, late.join('\n')).toBeGreaterThanOrEqual(0.5)
}, 180_000)

test('it is kept at relays that are not ours, over lines that are cut', async () => {
  const relays = await Promise.all([startRelay({ auth: 'none' }), startRelay({ auth: 'none' })])
  try {
    const report = await chaos(8, 2, { foreign: relays.map(({ url }) => url) })
    expect({ ...report, kept: isKept(report) }).toMatchObject({ kept: true, losses: 0, repeats: 0, verified: true })
    expect(Math.min(...relays.map((relay) => relay.connectionsSoFar()))).toBeGreaterThan(8)
  } finally {
    await Promise.all(relays.map((relay) => relay.close()))
  }
}, 180_000)

test('a lost, a repeated and a shuffled message would be noticed', () => {
  const good = {
    seed: 1,
    messages: 2,
    accepted: 2,
    kills: 0,
    faults: {},
    rounds: 1,
    seconds: 1,
    restores: 1,
    unsound: [],
    readable: [],
  }
  const whole = { ...good, losses: 0, repeats: 0, sameOrder: true, equalDigests: true, verified: true }
  expect(isKept(whole)).toBe(true)
  for (const bad of [
    { losses: 1 },
    { repeats: 1 },
    { sameOrder: false },
    { equalDigests: false },
    { verified: false },
    { withinMinute: 0.89 },
    { unsound: ['ada: the call is active'] },
    { readable: ['to ben: message "ada 1"'] },
  ]) {
    expect(isKept({ ...whole, ...bad })).toBe(false)
  }
})
