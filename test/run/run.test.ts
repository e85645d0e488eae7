// Two agents through `run` itself, in memory: relays, disks and a clock, and no process, socket or timer.
import { expect, test } from 'vitest'
import type { IntentOf, IntentType } from '../../src/call/intent.ts'
import { keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import { tag } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { runCommand } from '../simulation/command.ts'
import { diceOf } from '../simulation/dice.ts'
import { emptyDisk } from '../simulation/disk.ts'
import { type Machine, simEnvironment } from '../simulation/environment.ts'
import { openNetwork } from '../simulation/relays.ts'

/** A world in which nothing goes wrong. Every command takes a second. */
function calmWorld() {
  const network = openNetwork(diceOf(1), 2, true)
  let [ms, pids] = [1_800_000_000_000, 0]
  const lost: boolean[] = []
  const host = {
    turn: async () => {},
    dies: () => false,
    saved: () => {},
    losesLock: () => lost.shift() === true,
    now: () => ms,
    random: () => 0.5,
    async sleep(pause: number) {
      ms += pause
    },
    later: () => () => {},
  }
  const machine = (name: string): Machine => {
    const keys = keysFrom(sha256(Buffer.from(name)))
    if (keys === undefined) throw new Error('no key')
    return { name, keys, contacts: [], disk: emptyDisk(), ahead: 0, told: true, running: new Set() }
  }
  const at = (who: Machine) => {
    return async <T extends IntentType>(type: T, intent: IntentOf<T>) => {
      ms += 1_000
      const pid = ++pids
      const environment = simEnvironment({ machine: who, network, codec: stateCodec, host, pid })
      return await runCommand(type, intent, environment)
    }
  }
  return { machine, at, lost, network, now: () => ms }
}

test('two agents call, accept, talk and end, and both hold the same', async () => {
  const { machine, at, now } = calmWorld()
  const [ada, ben] = [machine('ada'), machine('ben')]
  const [asAda, asBen] = [at(ada), at(ben)]
  const { call } = await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  expect(call).toMatchObject({ phase: 'ringing', role: 'caller' })
  expect((await asBen('status', { type: 'status' })).news).toMatchObject([{ type: 'request', text: 'rain' }])
  await asBen('answer', { type: 'answer', accept: true, text: 'hello' })
  const { news } = await asAda('inbox', { type: 'inbox', peek: false, all: false, deep: false })
  expect(news).toMatchObject([{ type: 'accept', text: 'hello' }])

  const sent = await asAda('send', { type: 'send', text: 'it rains', wait: undefined })
  expect(sent).toMatchObject({ failure: undefined, said: { seq: 2 } })
  const began = now()
  const heard = await asBen('wait', { type: 'wait', seconds: 45, for: [], follow: false, call: undefined })
  expect(heard.news).toMatchObject([{ type: 'message', text: 'it rains' }])
  const silent = await asBen('wait', { type: 'wait', seconds: 45, for: [], follow: false, call: undefined })
  expect(silent.failure?.code).toBe('TIMED_OUT')
  expect(now() - began).toBeGreaterThan(45_000)

  const { reading } = await asAda('end', { type: 'end', text: 'bye', maxChars: 0 })
  expect(reading).toMatchObject({ type: 'call', shown: { verified: 'pending' } })
  // The confirming end, and the receipt for it.
  for (const as of [asBen, asAda, asBen]) await as('status', { type: 'status' })
  const shown = await Promise.all([asAda, asBen].map((as) => as('transcript', transcriptOf(call?.id))))
  const [ours, theirs] = shown.map((one) => (one.reading?.type === 'call' ? one.reading.shown : undefined))
  expect(ours).toMatchObject({ verified: true, digest: theirs?.digest })
  expect(theirs).toMatchObject({ verified: true, entries: ours?.entries.map(({ text }) => ({ text })) })
})

// "A ringing request of that peer is not accepted before that is told."
test('who has lost the key of a call tells the caller before it accepts what rings once more', async () => {
  const { machine, at, network } = calmWorld()
  const [ada, ben] = [machine('ada'), machine('ben')]
  const [asAda, asBen] = [at(ada), at(ben)]
  const inbox = { type: 'inbox' as const, peek: false, all: false, deep: false }
  const accept = { type: 'answer' as const, accept: true, text: '' }
  await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  await asBen('answer', accept)
  await asAda('inbox', inbox)
  await asAda('send', { type: 'send', text: 'it rains', wait: undefined })
  ben.disk = emptyDisk()
  // Relays that do not tell all: nobody knows whether the key is lost.
  await asBen('status', { type: 'status' })
  for (const relay of network.relays) relay.mood = 'mute'
  const refused = await asBen('answer', accept)
  expect([refused.failure?.code, refused.said]).toEqual(['CALL_KEY_LOST', undefined])
  for (const relay of network.relays) relay.mood = 'honest'
  const before = network.relays[0]?.stored.get(ada.keys.pubkey)?.length ?? 0
  const answered = await asBen('answer', accept)
  const sent = network.relays[0]?.stored.get(ada.keys.pubkey)?.slice(before) ?? []
  const said = sent.map(({ event }) => unwrap(event, ada.keys))
  const ops = said.flatMap((one) => (one.ok ? [`${tag(one.rumor, 'op')} ${tag(one.rumor, 'lost') ?? ''}`] : []))
  expect([ops[0], ops.includes('accept ')]).toEqual(['receipt 1', true])
  expect([answered.failure, answered.call?.phase]).toEqual([undefined, 'active'])
  expect(answered.notices.filter((line) => /cannot be decrypted here.*begins anew/.test(line))).toHaveLength(1)
  // Of an accept it knows already what a fork is; it has been told why.
  const { news } = await asAda('inbox', inbox)
  expect(news.map(({ type }) => type)).toEqual(expect.arrayContaining(['forked', 'undelivered']))
})

function transcriptOf(id: string | undefined): IntentOf<'transcript'> {
  const all = { with: undefined, since: undefined, until: undefined, search: undefined }
  return { type: 'transcript', id, format: 'json', maxChars: 0, ...all }
}

// The kind: a run is stopped between the file of a call and the index, another takes its lock, and it wakes up.
test.each(['send', 'sendfile', 'escalate', 'end'] as const)(
  '%s says it once where the lock is lost half-way',
  async (type) => {
    const { machine, at, lost } = calmWorld()
    const [ada, ben] = [machine('ada'), machine('ben')]
    const [asAda, asBen] = [at(ada), at(ben)]
    const inbox = { type: 'inbox' as const, peek: false, all: false, deep: false }
    const { call } = await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
    await asBen('answer', { type: 'answer', accept: true, text: '' })
    await asAda('inbox', inbox)
    lost.push(true, true)
    if (type === 'send') await asAda(type, { type, text: 'it rains', wait: undefined })
    const content = { type: 'bytes' as const, bytes: Buffer.from('it rains') }
    if (type === 'sendfile') await asAda(type, { type, files: [{ name: 'a', content }] })
    const asked = type === 'escalate' ? await asAda(type, { type, text: 'May I?' }) : undefined
    if (type === 'end') await asAda(type, { type, text: 'it rains', maxChars: 0 })
    expect(lost).toEqual([])
    const said = Object.values(ada.disk.logs[call?.id ?? '']?.entries ?? {}).map(({ rumor }) => rumor)
    expect(said.filter(({ pubkey }) => pubkey === ada.keys.pubkey)).toHaveLength(2)
    // And it goes out as if nothing had happened.
    const { news } = await asBen('inbox', inbox)
    expect(news).toHaveLength(1)
    if (asked !== undefined) expect(asked.escalation).toBeDefined()
  },
)
