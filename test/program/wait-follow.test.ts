// `wait --follow`: a stream for hours. Nothing printed before it is on disk, nothing lost or twice when a relay or the reader
// goes away, an end at once when it is told to, and memory that does not grow with what came through.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import { agentEnv, PROGRAM } from '../../scripts/processes.ts'
import { type EmbeddedRelay, startRelay } from '../../scripts/relay.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { lastSignal } from '../../src/call/replay.ts'
import { NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { secretKeys } from '../../src/io/home/identity.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { callKeyIn } from '../support/call-key-of.ts'
import { must } from '../support/must.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { giftWrapOf } from '../support/strangers.ts'
import { type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

const TIMEOUT_MS = 60_000

test('it streams, outlives its relay, forgets nothing, grows no fatter, and stops when told', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben } = pair
    const call = await startCall(pair)
    const stream = follow(ada, relay)
    const path = `${ada.home}/.openclaw/p2p/calls/${call}.json`
    const unkept: string[] = []
    stream.onLine((item) => {
      if (item.seq % 20 === 0 && !readFileSync(path, 'utf8').includes(item.id)) unkept.push(item.id)
    })
    const say = await messageWriter(relay, ben, ada, call)

    await say(2, 150)
    await stream.until(150)
    const early = memoryOf(stream.child)
    await relay.restart()
    await say(152, 150)
    await stream.until(300)
    await say(302, 200)
    await stream.until(500)
    const late = memoryOf(stream.child)

    // What comes again after a break comes in no order, and is shown as it comes.
    const seqs = stream.items.map((item) => item.seq).sort((a, b) => a - b)
    expect(seqs).toEqual(Array.from({ length: 500 }, (_, i) => i + 2))
    expect(unkept).toEqual([])
    if (late !== undefined) expect(late - (early ?? 0)).toBeLessThan(32)
    expect(await stop(stream.child)).toEqual({ code: 0, soon: true })
    expect(await ada.json(['inbox'])).toMatchObject({ new: [] })
  })
}, 120_000)

test(
  'it may begin before there is a relay, and end while one keeps silent',
  async () => {
    await withPair({}, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      const gone = await startRelay()
      await gone.close()
      const stream = follow(ada, gone)
      await vi.waitFor(() => expect(stream.errors()).toContain('ECONNREFUSED'), { timeout: 20_000 })
      const relay = await startRelay({ port: gone.port })
      onTestFinished(() => relay.close())
      const say = await messageWriter(relay, ben, ada, call)
      await say(2, 1)
      await stream.until(1)
      // From now on nobody answers when it tells ben that it has it.
      relay.faults.noOk = true
      await say(3, 1)
      await stream.until(2)
      expect(await stop(stream.child)).toEqual({ code: 0, soon: true })
    })
  },
  TIMEOUT_MS,
)

test(
  'a reader that goes away ends it, and what it has not read stays unread',
  async () => {
    await withPair({}, async (pair) => {
      const { relay, ada, ben } = pair
      const call = await startCall(pair)
      const { child, until } = follow(ada, relay)
      const say = await messageWriter(relay, ben, ada, call)
      await say(2, 1)
      await until(1)
      const ended = once(child, 'exit')
      child.stdout?.destroy()
      await say(3, 1)
      expect((await ended)[0]).toBe(0)
      expect(await ada.json(['inbox'])).toMatchObject({ new: [{ text: 'text 3' }] })
    })
  },
  TIMEOUT_MS,
)

type Line = { type: string; id: string; text: string; seq: number }

/** A running `p2p wait --follow` and what it has printed. */
function follow({ home }: AgentProgram, relay: EmbeddedRelay) {
  const child = spawn(process.execPath, [PROGRAM, 'wait', '--follow', '--verbose'], {
    env: agentEnv(home, [relay.url]),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const items: Line[] = []
  let errors = ''
  const listeners: ((item: Line) => void)[] = []
  child.stderr.on('data', (part: Buffer) => {
    errors += part
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const item: Line = JSON.parse(line)
    if (item.type !== 'message') return
    items.push(item)
    for (const listener of listeners) listener(item)
  })
  return {
    child,
    items,
    errors: () => errors,
    onLine: (listener: (item: Line) => void) => void listeners.push(listener),
    until: (count: number) =>
      vi.waitFor(() => expect(items.length, errors).toBeGreaterThanOrEqual(count), { timeout: 50_000, interval: 50 }),
  }
}

/** Says texts in a call as `from`, numbered from `first`, faster than its program would. */
async function messageWriter(relay: EmbeddedRelay, from: AgentProgram, to: AgentProgram, call: string) {
  const keys = keysIn(from)
  const receiver = stringField((await to.json(['whoami'])).agent, 'pubkey')
  const log = parseLog(JSON.parse(readFileSync(join(from.home, '.openclaw', 'p2p', 'calls', `${call}.json`), 'utf8')))
  let prev = log === undefined || log === 'newer' ? undefined : lastSignal(log, keys.pubkey).id
  const sealKey = must(callKeyIn(from.home, call)).key
  return async (first: number, count: number) => {
    const client = await openNostrClient(relay.url)
    const now = Math.floor(Date.now() / 1000)
    for (let seq = first; seq < first + count; seq++) {
      const place = { call, to: receiver, seq, prev, ack: NOTHING }
      const rumor = rumorOf(signalTemplate({ type: 'message', text: `text ${seq}` }, place, now), keys.pubkey)
      prev = rumor.id
      client.send('EVENT', giftWrapOf(rumor, keys, receiver, { sealKey }))
    }
    await vi.waitFor(() => expect(client.waiting('OK') === count || relay.faults.noOk).toBe(true), { timeout: 20_000 })
    client.socket.close()
  }
}

function keysIn({ home }: AgentProgram): Keys {
  const identity: unknown = JSON.parse(readFileSync(`${home}/.openclaw/p2p-identity.json`, 'utf8'))
  const keys = secretKeys(stringField(identity, 'secretKey'))
  if (keys === undefined) throw new Error('no key')
  return keys
}

/** Megabytes that a process holds, where the system tells. */
function memoryOf({ pid }: ChildProcess): number | undefined {
  const path = `/proc/${pid}/status`
  if (!existsSync(path)) return undefined
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1]) / 1024
}

async function stop(child: ChildProcess): Promise<{ code: unknown; soon: boolean }> {
  const told = performance.now()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return { code, soon: performance.now() - told < 2_000 }
}
