// Wraps opened by two threads: the same as by one, whatever becomes of the second.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BroadcastChannel } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { openShares } from '../../src/io/unwrap-shares.ts'
import { unwrapperOf } from '../../src/io/unwrap-worker.ts'
import { randomKeys, toHex } from '../../src/nostr/crypto.ts'
import { type Event, rumorOf } from '../../src/nostr/event.ts'
import { wrap } from '../../src/nostr/nip59.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { callPair, keyringOf, messageIn } from '../support/call-pair.ts'

const program = fileURLToPath(new URL('../../dist/p2p.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'p2p-mailroom-'))
const [alice, bob] = [randomKeys(), randomKeys()]
const now = 1_760_000_000
const wraps = Array.from({ length: 70 }, (_, index): Event => {
  const rumor = rumorOf({ kind: 14, created_at: now, tags: [], content: `message ${index}` }, alice.pubkey)
  const event = wrap(rumor, alice, bob.pubkey, { now })
  return index % 25 === 7 ? { ...event, content: `B${event.content.slice(1)}` } : event
})
const unwrappedAlone = wraps.map((event) => unwrap(event, bob))
const NEVER = Number.MAX_SAFE_INTEGER
const ALWAYS = { worth: () => true, patience: 20_000, grace: 250 }
const HASTY = { ...ALWAYS, patience: 300 }

afterAll(() => rmSync(folder, { recursive: true }))

test('the wraps are good but for three', () => {
  expect(unwrappedAlone.filter((one) => one.ok)).toHaveLength(67)
})

test('without a file of the program, one thread opens all', async () => {
  expect(await unwrapperOf(bob, Date.now)([...wraps], NEVER)).toEqual(unwrappedAlone)
})

test('with it, two do, and each does a part', async () => {
  // The clock is asked after each wrap, by this thread alone: it is held until the other one has sent something.
  const [sent, script] = [join(folder, 'sent'), join(folder, 'watched.cjs')]
  writeFileSync(
    script,
    `const { parentPort } = require('node:worker_threads')
    const post = parentPort.postMessage.bind(parentPort)
    parentPort.postMessage = (told) => { post(told); require('node:fs').writeFileSync(${JSON.stringify(sent)}, '') }
    require(process.argv[1] = ${JSON.stringify(program)})`,
  )
  const start = Date.now()
  let mine = 0
  const clock = () => {
    mine += 1
    while (!existsSync(sent) && Date.now() - start < 20_000) pause()
    return Date.now()
  }
  expect(await unwrapperOf(bob, clock, script, ALWAYS)([...wraps], NEVER)).toEqual(unwrappedAlone)
  expect(mine).toBeGreaterThan(20)
  expect(mine).toBeLessThan(50)
})

const broken: Record<string, string> = {
  'is not there': '',
  throws: 'throw new Error("broken")',
  'ends at once': 'process.exit(3)',
  'writes and goes on forever': 'console.log("x"); console.error("y"); setInterval(() => {}, 1000)',
  'takes a share and breaks': `const { parentPort } = require("node:worker_threads")
    parentPort.on("message", () => { throw new Error("broken") })`,
  'takes all that it is given and says nothing': `require("node:worker_threads").parentPort.on("message", () => {})`,
  'opens less than it is given': `const { parentPort } = require("node:worker_threads")
    parentPort.on("message", ({ from }) => parentPort.postMessage({ from, opened: [] }))`,
}
for (const [what, text] of Object.entries(broken))
  test(`a second thread whose file ${what} is made up for`, async () => {
    const script = join(folder, `${what}.cjs`)
    if (text !== '') writeFileSync(script, text)
    expect(await unwrapperOf(bob, Date.now, script, HASTY)([...wraps], NEVER)).toEqual(unwrappedAlone)
  })

test('on a busy machine there is no second one', async () => {
  const [ran, script] = [join(folder, 'ran'), join(folder, 'runs.cjs')]
  writeFileSync(script, `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '')`)
  expect(await unwrapperOf(bob, Date.now, script, { ...ALWAYS, worth: () => false })([...wraps], NEVER)).toEqual(
    unwrappedAlone,
  )
  expect(existsSync(ran)).toBe(false)
})

test('too late for all, the first is opened', async () => {
  expect(await unwrapperOf(bob, Date.now)([...wraps], 0)).toEqual(unwrappedAlone.slice(0, 1))
  const opened = await unwrapperOf(bob, Date.now, join(folder, 'none.cjs'), ALWAYS)([...wraps], 0)
  expect(opened).toEqual(wraps.map((_, index) => (index === 0 ? unwrappedAlone[0] : undefined)))
})

const pair = callPair('a call', alice, bob)
const ofCall = Array.from({ length: 40 }, (_, n) =>
  wrap(messageIn(pair.binding, `secret ${n}`, alice, bob), alice, bob.pubkey, { now, callKey: pair.caller }),
)
const mixed = [...ofCall, ...wraps.slice(0, 40)].sort((a, b) => (a.id < b.id ? -1 : 1))

test('what is sealed with the key of a call opens beside a second thread as well', async () => {
  const ring = () => keyringOf([pair.callee])
  const expected = mixed.map((event) => unwrap(event, bob, ring()))
  expect(expected.filter((one) => one.ok && one.key === 'call')).toHaveLength(40)
  expect(await unwrapperOf(bob, Date.now)([...mixed], NEVER, ring())).toEqual(expected)
  expect(await unwrapperOf(bob, Date.now, program, ALWAYS)([...mixed], NEVER, ring())).toEqual(expected)
  for (const what of ['throws', 'takes a share and breaks'])
    expect(await unwrapperOf(bob, Date.now, join(folder, `${what}.cjs`), HASTY)([...mixed], NEVER, ring())).toEqual(
      expected,
    )
})

test('a keyring that throws is heard, and the second thread is let go', async () => {
  const refusing = {
    ...keyringOf([pair.callee]),
    keyOf: () => {
      throw new Error('a link')
    },
  }
  await expect(unwrapperOf(bob, Date.now, program, ALWAYS)([...mixed], NEVER, refusing)).rejects.toThrow('a link')
})

test('the second thread is given no key of a call, and the secret in memory that is wiped afterwards', async () => {
  const [script, told] = [join(folder, 'tells.cjs'), join(folder, 'told')]
  const channel = new BroadcastChannel('p2p-secret')
  const lent = new Promise<Uint8Array>((resolve) => {
    channel.onmessage = (message: unknown) => resolve(Object(message).data)
  })
  writeFileSync(
    script,
    `const { parentPort, workerData, BroadcastChannel } = require('node:worker_threads')
    const { appendFileSync } = require('node:fs')
    const tell = (what) => appendFileSync(${JSON.stringify(told)}, JSON.stringify(what, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))
    tell(workerData)
    parentPort.on('message', tell)
    new BroadcastChannel('p2p-secret').postMessage(workerData.secret)`,
  )
  const opening = unwrapperOf(bob, Date.now, script, HASTY)([...mixed], NEVER, keyringOf([pair.callee]))
  const seen = await lent
  expect(seen.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(Buffer.from(seen).toString('hex')).toBe(toHex(bob.secret))
  await opening
  while (seen.some((byte) => byte !== 0)) await new Promise(setImmediate)
  channel.close()
  const given = readFileSync(told, 'utf8')
  expect(given).toContain(toHex(bob.secret))
  expect(given).toContain(alice.pubkey)
  for (const secret of [pair.callee.key, pair.eks.callee.secret, pair.eks.caller.secret])
    expect(given).not.toContain(toHex(secret))
})

test('shares are everything, each once, and small at the end', () => {
  for (const total of [0, 1, 31, 32, 33, 150, 1_000, 5_000]) {
    const next = openShares(total)
    const given = []
    for (let share = next(); share !== undefined; share = next()) given.push(share)
    const taken = given.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
    expect(taken).toEqual(Array.from({ length: total }, (_, index) => index))
    expect(Math.max(0, ...given.map(({ from, to }) => to - from))).toBeLessThanOrEqual(256)
    if (total > 150) expect((given.at(-1)?.to ?? 0) - (given.at(-1)?.from ?? 0)).toBeLessThanOrEqual(32)
  }
})

// Ten milliseconds in which this thread does nothing at all.
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
}
