// A mailbox full of junk: commands answer in time and in bounded memory, what is real among it is found, nothing is lost.
// P2P_FLOOD says how many wraps of junk (800; the full number is 10,000).
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { type Keys, toHex } from '../../src/nostr/crypto.ts'
import { type Event, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { mine } from '../../src/nostr/nip13.ts'
import { cachedConversationKey, conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { wrap } from '../../src/nostr/nip59.ts'
import { must } from '../support/must.ts'
import { peakMemory } from '../support/preloads.ts'
import { finalizeQuickly } from '../support/quick-signatures.ts'
import { startRun } from '../support/runs.ts'
import { giftWrapOf, letterRumor, publishAll, requestRumor, strangerKeys, unixNow } from '../support/strangers.ts'

const WRAPS = Number(process.env.P2P_FLOOD ?? 800)
/** The network budget of a command, and what the rest of it may take, in ms. */
const BUDGET = 8_000
const REST_BUDGET = 4_000
/** Most memory that a command may hold, in MiB. */
const MEMORY = 200

const ben = strangerKeys('ben')
const envelopeKeys = strangerKeys('a key for all envelopes')
const shared = must(conversationKey(envelopeKeys.secret, ben.pubkey))

/** An envelope around anything. Whose key it is under does not matter, and nobody looks at its signature. */
function envelope(inner: string, n: number): Event {
  const content = encrypt(inner, shared)
  const bare = { kind: 1059, created_at: unixNow() - (n % 100_000), tags: [['p', ben.pubkey]], content }
  return { ...rumorOf(bare, envelopeKeys.pubkey), sig: '00'.repeat(64) }
}

function sealFor(rumor: Rumor, keys: Keys): string {
  const content = encrypt(JSON.stringify(rumor), must(cachedConversationKey(keys, ben.pubkey)))
  return JSON.stringify(finalizeQuickly({ kind: 13, created_at: unixNow(), tags: [], content }, keys))
}

const KINDS: readonly ((n: number) => Event)[] = [
  (n) => ({ ...envelope('x'.repeat(500), n), id: toHex(Buffer.alloc(32, n)) }),
  (n) => envelope(`{"junk":${n}}`, n),
  (n) => envelope('x'.repeat(1 + (n % 20_000)), n),
  (n) => {
    const keys = strangerKeys(`number ${n}`)
    return envelope(sealFor(requestRumor(keys, ben.pubkey, `call ${n} ${'x'.repeat(200)}`), keys), n)
  },
]

function junk(count: number): Event[] {
  const undecryptable = envelope('nobody can open this', 0).content.replace(/.{40}$/, 'A'.repeat(40))
  return Array.from({ length: count }, (_, n) => {
    const made = must(KINDS[n % KINDS.length])(n)
    if (n % KINDS.length !== 0) return made
    const bare = { kind: 1059, created_at: unixNow() - n, tags: [['p', ben.pubkey]], content: undecryptable }
    return { ...rumorOf(bare, envelopeKeys.pubkey), sig: '00'.repeat(64) }
  })
}

type Status = { new: { text: string; type: string }[]; dropped: Record<string, number>; relays: { ok: boolean }[] }

function statusOf(ran: ProcessResult): Status {
  if (ran.code !== 0) throw new Error(`status ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  return JSON.parse(ran.stdout)
}

/** What the index says: how many wraps were opened, and whether the mailbox counts as read. */
function progress(home: string): { seen: number; read: boolean; calls: number } {
  const { seen, relays, calls } = JSON.parse(readFileSync(`${home}/.openclaw/p2p/state.json`, 'utf8'))
  const cursors = Object.values(relays).filter((r) => typeof r === 'object' && r !== null && 'cursor' in r)
  return { seen: Object.keys(seen).length, read: cursors.length > 0, calls: Object.keys(calls).length }
}

type Flood = { run: (...args: string[]) => Promise<ProcessResult>; home: string; all: number }

/** A mailbox with junk in it, and in the middle what is real: of a contact, and of a stranger who has worked for it. */
async function withFlood(count: number, pow: number, body: (flood: Flood) => Promise<void>): Promise<void> {
  const relay = await startRelay({ trust: true })
  try {
    await withTemporaryFolder(async (folder) => {
      const env = { ...agentEnv(folder, [relay.url]), P2P_SECRET_KEY: toHex(ben.secret) }
      const run = (...args: string[]) =>
        startProcess(process.execPath, [...peakMemory.flags, PROGRAM, ...args], { cwd: folder, env }).ended
      const [ada, carol] = [strangerKeys('ada'), strangerKeys('carol')]
      for (const words of [
        ['contacts', 'add', carol.pubkey, 'carol'],
        ['config', 'set', 'policy.pow', `${pow}`],
      ])
        expect((await startRun(words, { env }).ended).code).toBe(0)
      const work = (event: Omit<Rumor, 'id'>) =>
        mine(event, pow, { deadline: Number.POSITIVE_INFINITY, clock: Date.now })
      const real = [
        giftWrapOf(letterRumor(carol, ben.pubkey, 'a letter of a contact'), carol, ben.pubkey),
        giftWrapOf(requestRumor(carol, ben.pubkey, 'a call of a contact'), carol, ben.pubkey),
        wrap(requestRumor(ada, ben.pubkey, 'a call worked for'), ada, ben.pubkey, { now: unixNow(), work }),
      ]
      const heap = junk(count)
      await publishAll(relay.url, [...heap.slice(0, count / 2), ...real, ...heap.slice(count / 2)])
      const all = count + real.length
      expect(relay.events()).toHaveLength(all)
      await body({ run, home: folder, all })
    })
  } finally {
    await relay.close()
  }
}

/** `status` again and again until the whole mailbox is read; what each run found, and how many wraps it opened. */
async function readThrough({ run, home, all }: Flood, most: number): Promise<{ found: string[]; opened: number }[]> {
  const runs: { found: string[]; opened: number }[] = []
  for (let before = 0; runs.length < most; ) {
    const ran = await run('status', '--json')
    const found = statusOf(ran).new.map((item) => item.text)
    const { seen, read } = progress(home)
    const memory = Number(/peak RSS (\d+)/.exec(ran.stderr)?.[1])
    if (process.env.P2P_FLOOD !== undefined)
      console.log(`run ${runs.length + 1}: ${Math.round(ran.ms)} ms, ${memory} MiB, ${seen} of ${all} opened`)
    expect(ran.ms).toBeLessThan(BUDGET + REST_BUDGET)
    expect(memory).toBeLessThan(MEMORY)
    // The cursor moves when all of it was read, and not before.
    expect(read).toBe(seen === all)
    runs.push({ found, opened: seen - before })
    before = seen
    if (read) break
  }
  return runs
}

describe(`${WRAPS} wraps of junk`, () => {
  test('status answers in time, and it or the next runs find what is real', { timeout: 300_000 }, async () => {
    await withFlood(WRAPS, 0, async (flood) => {
      const runs = await readThrough(flood, 20)
      const found = runs.flatMap((run) => run.found)
      for (const text of ['a letter of a contact', 'a call of a contact'])
        expect(found.filter((one) => one === text)).toHaveLength(1)
      // Of the strangers' calls only those are kept that ring; on a slow machine it takes several runs, and what had been shown in one
      // of them makes room in the next.
      const { seen, read, calls } = progress(flood.home)
      expect({ seen, read }).toEqual({ seen: flood.all, read: true })
      const madeRoom = calls - 21
      expect(madeRoom).toBeGreaterThanOrEqual(0)
      expect(madeRoom).toBeLessThanOrEqual(20 * (runs.length - 1))
      const { dropped, new: news } = statusOf(await flood.run('status', '--json'))
      expect(news).toEqual([])
      expect(Object.keys(dropped).sort()).toEqual(['bad-seal', 'ringing', 'strangers-bound', 'undecryptable'])
      const count = Object.values(dropped).reduce((a, b) => a + b) + found.length
      expect(count - madeRoom).toBe(flood.all)
    })
  })

  test('with policy.pow what was worked for comes first, and junk costs little', { timeout: 300_000 }, async () => {
    await withFlood(1_300, 8, async (flood) => {
      const runs = await readThrough(flood, 20)
      expect(runs[0]?.found).toContain('a call worked for')
      // 200 in vain, and the slice in which that many were reached.
      for (const { opened } of runs) expect(opened).toBeLessThanOrEqual(402)
      expect(runs.length).toBeGreaterThan(3)
      const found = runs.flatMap((run) => run.found).sort()
      expect(found).toEqual(['a call of a contact', 'a call worked for', 'a letter of a contact'])
      const { dropped } = statusOf(await flood.run('status', '--json'))
      expect(dropped).toMatchObject({ pow: 325 })
      expect(progress(flood.home)).toEqual({ seen: flood.all, read: true, calls: 2 })
    })
  })
})
