// What nobody waits for costs no command its time: receipts, and relays that say nothing. And who only rings is not called back at
// relays of its own.
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { agentEnv, type ProcessResult, withTemporaryFolder } from '../../scripts/processes.ts'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { type Keys, toHex } from '../../src/nostr/crypto.ts'
import { finalize, type Rumor } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { must } from '../support/must.ts'
import { startRun } from '../support/runs.ts'
import {
  giftWrapOf,
  presenceEvent,
  publishAll,
  requestRumor,
  signalRumor,
  strangerKeys,
  unixNow,
} from '../support/strangers.ts'

const ben = strangerKeys('ben')

type Program = (...args: string[]) => Promise<ProcessResult>

async function withBen(
  options: RelayOptions[],
  config: object,
  body: (run: Program, relays: EmbeddedRelay[]) => Promise<void>,
): Promise<void> {
  const relays = await Promise.all(options.map((one) => startRelay({ auth: 'none', trust: true, ...one })))
  try {
    await withTemporaryFolder(async (folder) => {
      // The first is ben's own, the others are what peers name.
      const env = {
        ...agentEnv(
          folder,
          relays.slice(0, 1).map(({ url }) => url),
        ),
        P2P_SECRET_KEY: toHex(ben.secret),
      }
      mkdirSync(`${folder}/.openclaw/p2p`, { recursive: true, mode: 0o700 })
      writeFileSync(`${folder}/.openclaw/p2p/config.json`, JSON.stringify(config), { mode: 0o600 })
      await body((...args) => startRun(args, { env }).ended, relays)
    })
  } finally {
    await Promise.all(relays.map((relay) => relay.close()))
  }
}

/** As long as a command may take that waits for nobody, in ms: the machine may be busy. */
async function quickly(run: Program): Promise<number> {
  return 2_500 + 6 * (await run('whoami')).ms
}

const wraps = (relay: EmbeddedRelay | undefined) => relay?.events().filter(({ kind }) => kind === 1059) ?? []
/** What ben has said to a peer. */
function acceptOf(relay: EmbeddedRelay | undefined, keys: Keys): Rumor | undefined {
  const opened = wraps(relay).map((event) => unwrap(event, keys))
  return opened.flatMap((one) => (one.ok && one.from === ben.pubkey ? [one.rumor] : []))[0]
}

const news = (ran: ProcessResult): { text: string }[] => JSON.parse(ran.stdout).new

test('40 active calls with a new message each: their receipts do not hold up a command, and all go out in time', async () => {
  const peers = Array.from({ length: 40 }, (_, n) => strangerKeys(`peer ${n}`))
  const contacts = peers.map(({ pubkey }, n) => ({ pubkey, petname: `peer ${n}`, trust: 'trusted' }))
  const config = { version: 1, policy: { autoAnswer: 'trusted' }, contacts }
  await withBen([{}], config, async (run, [relay]) => {
    const url = String(relay?.url)
    const requests = peers.map((keys) => requestRumor(keys, ben.pubkey, 'hello'))
    await publishAll(
      url,
      requests.map((rumor, n) => giftWrapOf(rumor, peers[n] ?? ben, ben.pubkey)),
    )
    for (let n = 0; n < 4; n++) await run('inbox')
    const before = wraps(relay).length
    const messages = requests.map(({ id }, n) => {
      const keys = peers[n] ?? ben
      const ack = { seq: 1, id: must(acceptOf(relay, keys)).id }
      const rumor = signalRumor(
        keys,
        { type: 'message', text: `message ${n}` },
        { to: ben.pubkey, call: id, seq: 2, prev: id, ack },
      )
      return giftWrapOf(rumor, keys, ben.pubkey)
    })
    await publishAll(url, messages)
    const first = await run('inbox', '--json')
    expect(news(first)).toHaveLength(40)
    expect(first.ms).toBeLessThan(await quickly(run))
    const told = () => wraps(relay).length - before - 40
    expect(told()).toBeGreaterThan(5)
    for (let n = 0; n < 5; n++) await run('inbox')
    expect(told()).toBeGreaterThanOrEqual(40)
  })
})

test('strangers who ring and name relays, in a request, a presence or a list: none of those sees a connection', async () => {
  await withBen(
    [{}, { faults: { silent: true } }, {}, { faults: { mute: true } }],
    { version: 1, relays: { allowPrivate: true } },
    async (run, relays) => {
      const [own, ...theirs] = relays
      const callers = Array.from({ length: 19 }, (_, n) => strangerKeys(`caller ${n}`))
      const named = theirs.map(({ url }) => url)
      const rings = callers.map((keys) => {
        const deadline = unixNow() + 900
        const body = { type: 'request' as const, text: 'let me in', deadline, name: 'x', relays: named }
        return giftWrapOf(signalRumor(keys, body, { to: ben.pubkey }), keys, ben.pubkey)
      })
      const lists = callers.map((keys) =>
        finalize({ kind: 10050, created_at: unixNow(), tags: named.map((url) => ['relay', url]), content: '' }, keys),
      )
      const presences = callers.map((keys) =>
        presenceEvent(
          keys,
          named.map((url) => ['relay', url]),
        ),
      )
      await publishAll(String(own?.url), [...rings, ...lists, ...presences])
      for (const command of ['status', 'inbox', 'status', 'announce', 'list']) {
        const ran = await run(command)
        expect(ran.code).toBe(0)
        expect(ran.ms).toBeLessThan(await quickly(run))
      }
      expect(theirs.map((relay) => relay.connectionsSoFar())).toEqual([0, 0, 0])
      // Answered, one of them hears of it where it reads.
      const status = JSON.parse((await run('status', '--json')).stdout)
      await run('answer', 'accept', '--call', status.calls[0].id)
      expect(theirs[1]?.connectionsSoFar()).toBeGreaterThan(0)
    },
  )
})

test('a list that names three dead relays before a live one: that one is tried, and our own', async () => {
  await withBen(
    [{}, { faults: { silent: true } }, { faults: { mute: true } }, { faults: { silent: true } }, {}],
    { version: 1, relays: { allowPrivate: true } },
    async (run, relays) => {
      const [own, ...theirs] = relays
      const peer = strangerKeys('peer')
      const tags = theirs.map(({ url }) => ['relay', url])
      await publishAll(String(own?.url), [finalize({ kind: 10050, created_at: unixNow(), tags, content: '' }, peer)])
      const called = await run('call', peer.pubkey, 'hello', '--json')
      expect(called.code).toBe(0)
      expect(called.ms).toBeLessThan(2_000 + (await quickly(run)))
      expect(wraps(theirs.at(-1))).toHaveLength(1)
      expect(wraps(own)).toHaveLength(1)
    },
  )
})
