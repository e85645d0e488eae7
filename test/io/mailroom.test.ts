// Wraps opened by two threads: the same as by one, whatever becomes of the second.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { counter, takeShare } from '../../src/io/mailroom/share.ts'
import { openerOf } from '../../src/io/mailroom.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, rumorOf } from '../../src/nostr/event.ts'
import { unwrap, wrap } from '../../src/nostr/nip59.ts'

const program = fileURLToPath(new URL('../../dist/p2p.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'p2p-mailroom-'))
const [alice, bob] = [randomKeys(), randomKeys()]
const now = 1_760_000_000
const wraps = Array.from({ length: 200 }, (_, index): Event => {
  const rumor = rumorOf({ kind: 14, created_at: now, tags: [], content: `message ${index}` }, alice.pubkey)
  const event = wrap(rumor, alice, bob.pubkey, { now })
  return index % 50 === 7 ? { ...event, content: `A${event.content.slice(1)}` } : event
})
const alone = wraps.map((event) => unwrap(event, bob))
const never = Number.MAX_SAFE_INTEGER

afterAll(() => rmSync(folder, { recursive: true }))

test('the wraps are good but for four', () => {
  expect(alone.filter((one) => one.ok)).toHaveLength(196)
})

test('without a file of the program, one thread opens all', async () => {
  expect(await openerOf(bob, Date.now)(wraps, never)).toEqual(alone)
})

test.skipIf(availableParallelism() < 2)('with it, two do, and each does a part', async () => {
  let mine = 0
  // The clock is asked after each wrap, by this thread alone. It waits in the beginning, so that the other one can start.
  const clock = () => {
    mine += 1
    return mine < 30 ? Date.now() + idle(20) : Date.now()
  }
  expect(await openerOf(bob, clock, program)(wraps, never)).toEqual(alone)
  expect(mine).toBeGreaterThan(30)
  expect(mine).toBeLessThan(200)
})

const broken: Record<string, string> = {
  'is not there': '',
  'is no program': 'this is no JavaScript',
  throws: 'throw new Error("broken")',
  'ends at once': 'process.exit(3)',
  'writes and goes on for ever': 'console.log("x"); console.error("y"); setInterval(() => {}, 1000)',
  'takes a share and breaks': `const { workerData } = require("node:worker_threads")
    Atomics.add(workerData.next, 0, 40); setTimeout(() => { throw new Error("broken") }, 50)`,
  'takes everything and ends': `const { workerData } = require("node:worker_threads"); Atomics.store(workerData.next, 0, 200)`,
}
for (const [what, text] of Object.entries(broken))
  test(`a second thread whose file ${what} is made up for`, async () => {
    const script = join(folder, `${what}.cjs`)
    if (text !== '') writeFileSync(script, text)
    expect(await openerOf(bob, Date.now, script)(wraps, never)).toEqual(alone)
  })

test('too late for all, the first is opened', async () => {
  expect(await openerOf(bob, Date.now)(wraps, 0)).toEqual(alone.slice(0, 1))
  const opened = await openerOf(bob, Date.now, join(folder, 'none.cjs'))(wraps, 0)
  expect(opened).toEqual(wraps.map((_, index) => (index === 0 ? alone[0] : undefined)))
})

test('shares are everything, each once, and small at the end', () => {
  for (const total of [0, 1, 31, 32, 33, 150, 1_000, 5_000]) {
    const next = counter()
    const shares = []
    for (let share = takeShare(next, total); share !== undefined; share = takeShare(next, total)) shares.push(share)
    const taken = shares.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
    expect(taken).toEqual(Array.from({ length: total }, (_, index) => index))
    expect(Math.max(0, ...shares.map(({ from, to }) => to - from))).toBeLessThanOrEqual(256)
    if (total > 150) expect((shares.at(-1)?.to ?? 0) - (shares.at(-1)?.from ?? 0)).toBeLessThanOrEqual(32)
  }
})

// Time during which this thread is not busy opening.
function idle(ms: number): number {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  return 0
}
