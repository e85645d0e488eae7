// A call between two real programs, and who reads it afterwards: a thief who has the identities of both sides and everything that
// the relay was ever sent reads its request, its accept and who spoke, and none of the words.
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { secretKeys } from '../../src/io/home/identity.ts'
import type { CallKey } from '../../src/nostr/call-key.ts'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, parseEvent, type Rumor, rumorOf, tag } from '../../src/nostr/event.ts'
import { conversationKey, decrypt } from '../../src/nostr/nip44.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { callKeyIn } from '../support/call-key-of.ts'
import { must } from '../support/must.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { NO_PRELOAD } from '../support/preloads.ts'
import { type AgentPair, type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

const WORDS = [
  'the first secret',
  'the second secret',
  'a secret answer',
  'a secret file',
  'agreed in secret',
  'goodbye in secret',
]

test('a thief of both identities and of all that a relay was sent reads none of the words', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const { agent } = await ben.json(['whoami'])
    const { call } = await ada.json(['call', stringField(agent, 'npub'), 'the topic'])
    const id = stringField(call, 'id')
    await ben.json(['answer', 'accept', 'the greeting'])
    await ada.json(['inbox'])
    await ada.json(['send', 'the first secret'])
    await ben.json(['inbox'])
    await ben.json(['send', '--re', 'peer/2', 'a secret answer'])
    await ada.json(['propose', 'the second secret'])
    await ada.json(['sendfile', 'a secret file', Buffer.from('the bytes in secret').toString('base64')])
    await ben.json(['agree', 'peer/3', 'agreed in secret'])
    await ada.json(['end', 'goodbye in secret'])
    for (const who of [ben, ada, ben]) await who.json(['status'])
    for (const who of [ada, ben]) {
      expect(valueAt(await who.json(['status']), `.calls[id=${id}]`)).toMatchObject({ secrecy: 'call', verified: true })
      const { transcript } = await who.json(['transcript', id])
      expect(transcript).toMatchObject({ call: { secrecy: 'call' }, verified: true })
      expect((await who.run(['transcript', id])).stdout).toContain('secrecy: call')
      expect(statSync(keyPath(who, id)).mode & 0o777).toBe(0o600)
    }

    const wraps = wrapsSentTo(pair)
    const read = wraps.flatMap((wrap) => readBy([identityOf(ada), identityOf(ben)], wrap))
    // Receipts from before the accept say that it rings, and hold no words.
    const named = read.map((rumor) => tag(rumor, 'op') ?? 'message').filter((op) => op !== 'receipt')
    expect([...new Set(named)].sort()).toEqual(['accept', 'request'])
    expect(JSON.stringify(read)).toContain('the topic')
    for (const word of [...WORDS, 'the bytes in secret', Buffer.from('the bytes in secret').toString('base64')])
      expect(JSON.stringify(read)).not.toContain(word)

    // A thief who comes while a call key is there reads all of it: the test above looks at the right thing.
    const stolen = wraps.flatMap((wrap) =>
      readWith(must(callKeyIn(ada.home, id)), [identityOf(ada), identityOf(ben)], wrap),
    )
    for (const word of WORDS) expect(JSON.stringify(stolen)).toContain(word)
    // Neither secret stands in anything that was printed, kept or sent.
    const secret = stringField(JSON.parse(readFileSync(keyPath(ada, id), 'utf8')), 'secretKey')
    expect(JSON.stringify(relay.seen)).not.toContain(secret)
    for (const path of [logPath(ada, id), `${ada.home}/.openclaw/p2p/state.json`])
      expect(readFileSync(path, 'utf8')).not.toContain(secret)
  })
}, 120_000)

test('what a thief of an identity says in such a call is dropped and counted', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const id = await startCall(pair)
    await ben.json(['send', 'the true one'])
    await ada.json(['inbox'])
    const log = logOf(ben, id)
    const [own] = Object.values(log.entries).flatMap(({ rumor }) => (rumor.content === 'the true one' ? [rumor] : []))
    const place = { call: id, to: identityOf(ada).pubkey, seq: 3, prev: must(own).id, ack: NOTHING }
    const text = { type: 'message' as const, text: 'I agree to everything' }
    const forged = rumorOf(signalTemplate(text, place, seconds()), identityOf(ben).pubkey)
    const client = await openNostrClient(relay.url)
    await client.publish(
      giftWrap(forged, identityOf(ada).pubkey, identityOf(ben), { now: seconds(), callKey: undefined }),
    )
    client.socket.close()
    const status = await ada.json(['status'])
    expect(status).toMatchObject({ new: [], dropped: { downgraded: 1 } })
    expect((await ada.run(['status'])).stdout).toContain('1 downgraded')
  })
}, 60_000)

test('a program without call keys is talked with as before, and the call says so', async () => {
  await withPair({}, async ({ ada, relay }) => {
    const other = randomKeys()
    await ada.json(['whoami'])
    const me = identityOf(ada)
    const client = await openNostrClient(relay.url)
    const request = {
      type: 'request' as const,
      text: 'hello',
      deadline: seconds() + 900,
      name: 'x',
      relays: [relay.url],
    }
    const place = { call: undefined, to: me.pubkey, seq: 1, prev: undefined, ack: NOTHING }
    const rumor = rumorOf(signalTemplate(request, place, seconds()), other.pubkey)
    await client.publish(giftWrap(rumor, me.pubkey, other, { now: seconds(), callKey: undefined }))
    client.socket.close()
    const { call } = await ada.json(['answer', 'accept'])
    expect(call).toMatchObject({ state: 'active', secrecy: 'identity' })
    expect(existsSync(keyPath(ada, rumor.id))).toBe(false)
    await ada.json(['send', 'in the open'])
    const sent = relay.events().flatMap((wrap) => readBy([other], wrap))
    expect(sent.map(({ content }) => content)).toContain('in the open')
    expect((await ada.run(['status'])).stdout).toContain('secrecy: identity')
    expect((await ada.run(['transcript', rumor.id])).stdout).toContain('secrecy: identity')
  })
}, 60_000)

test('without its key nothing is said in a call, rather than in the open; with a copy of it everything is', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await startCall(pair)
    const before = wrapsSentTo(pair).length
    renameSync(keyPath(ada, id), `${keyPath(ada, id)}.away`)
    // A process that has ended: what a run that goes on has written down is its own to say.
    const refused = await ada.run(['send', 'not in the open', '--json'], 0, '', NO_PRELOAD)
    expect([refused.code, JSON.parse(refused.stdout).error.code]).toEqual([6, 'CALL_KEY_LOST'])
    expect((await ada.run(['status'])).stdout).toContain('is missing or damaged')
    expect(wrapsSentTo(pair).length).toBe(before)
    renameSync(`${keyPath(ada, id)}.away`, keyPath(ada, id))
    await ada.json(['status'], 60_000)
    expect(valueAt(await ben.json(['inbox'], 60_000), '.new')).toMatchObject([{ text: 'not in the open' }])
  })
}, 60_000)

test('whoever has lost the key of a call tells the other side, after two looks at all that relays keep', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await startCall(pair)
    rmSync(keyPath(ben, id))
    await ada.json(['send', 'nobody reads this'])
    for (const minutes of [0, 4, 6, 8]) await ben.json(['inbox'], minutes * 60_000)
    const { new: items } = await ada.json(['inbox'], 10 * 60_000)
    expect(items).toMatchObject([{ type: 'lost', call: id }])
  })
}, 60_000)

/** Every wrap that the relay was ever sent, kept or not. */
function wrapsSentTo({ relay }: AgentPair): Event[] {
  return relay.seen.flatMap(({ frame: [verb, value] }) => {
    const event = verb === 'EVENT' ? parseEvent(value) : undefined
    return event?.kind === 1059 ? [event] : []
  })
}

/** All that these identities open of a wrap, by whatever pair of their keys. */
function readBy(identities: readonly Keys[], wrap: Event): Rumor[] {
  return sealsIn(identities, wrap).flatMap(({ pubkey, content }) =>
    identities.flatMap((one) => {
      const others = [pubkey, ...identities.map((other) => other.pubkey)].filter((key) => key !== one.pubkey)
      return [...new Set(others)].flatMap((other): Rumor[] => {
        const inner = decrypt(content, must(conversationKey(one.secret, other)))
        return inner === undefined ? [] : [JSON.parse(inner)]
      })
    }),
  )
}

function readWith({ key }: CallKey, identities: readonly Keys[], wrap: Event): Rumor[] {
  return sealsIn(identities, wrap).flatMap(({ content }): Rumor[] => {
    const inner = decrypt(content, key)
    return inner === undefined ? [] : [JSON.parse(inner)]
  })
}

function sealsIn(identities: readonly Keys[], wrap: Event): Event[] {
  return identities.flatMap((one) => {
    const outer = decrypt(wrap.content, must(conversationKey(one.secret, wrap.pubkey)))
    return outer === undefined ? [] : [must(parseEvent(JSON.parse(outer)))]
  })
}

function logOf(who: AgentProgram, id: string) {
  const log = parseLog(JSON.parse(readFileSync(logPath(who, id), 'utf8')))
  if (log === undefined || log === 'newer') throw new Error('the call cannot be read')
  return log
}

function identityOf({ home }: AgentProgram): Keys {
  const held = JSON.parse(readFileSync(`${home}/.openclaw/p2p-identity.json`, 'utf8'))
  return must(secretKeys(stringField(held, 'secretKey')))
}

function logPath({ home }: AgentProgram, id: string): string {
  return `${home}/.openclaw/p2p/calls/${id}.json`
}

function keyPath({ home }: AgentProgram, id: string): string {
  return `${home}/.openclaw/p2p/calls/${id}.key`
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
