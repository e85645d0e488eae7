// Many wraps at once: whatever is among them, each is judged as it would be alone.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import { type Event, eventId, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { unwrap, unwrapAll, wrap } from '../../src/nostr/nip59.ts'
import { alice, bob, mallory, must, now } from '../support/given.ts'

const once = must(keysFrom(sha256(Buffer.from('once'))))
const shared = new Map<string, Uint8Array>()

const genuine = sealed('hello', alice)
const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1)
const hostile: Record<string, Event> = {
  'not a wrap': { ...wrapped(genuine), kind: 1 },
  'not for us': { ...wrapped(genuine), tags: [['p', alice.pubkey]] },
  'a wrap that is no base64': { ...wrapped(genuine), content: '?' },
  'a wrap by nobody': { ...wrapped(genuine), pubkey: 'ff'.repeat(32) },
  'no seal': wrapped('{}'),
  'a seal with another signature': wrapped({ ...genuine, sig: sealed('other', alice).sig }),
  'a seal with a changed signature': wrapped({ ...genuine, sig: flip(genuine.sig) }),
  'a seal with s moved': wrapped({ ...genuine, sig: genuine.sig.slice(0, 64) + flip(genuine.sig.slice(64)) }),
  'a seal with another id': wrapped({ ...genuine, id: flip(genuine.id) }),
  'a seal in another name': wrapped(named(sealed('hello', mallory), alice.pubkey)),
  'a seal by nobody': wrapped(named(genuine, 'ff'.repeat(32))),
  'a seal that was changed': wrapped({ ...genuine, created_at: now + 1 }),
  'a seal for somebody else': wrapped(finalize({ ...genuine, content: encrypted('{}', once, alice) }, alice)),
  'a rumor in another name': wrapped(sealing(rumorOf({ ...plain('hello') }, alice.pubkey), mallory)),
  'no rumor': wrapped(sealing({ kind: 14 }, alice)),
  'a rumor with another id': wrapped(sealing({ ...rumorOf(plain('x'), alice.pubkey), id: '00'.repeat(32) }, alice)),
}
const good = Array.from({ length: 24 }, (_, index) =>
  wrapped(sealed(`message ${index}`, must([alice, mallory, bob][index % 3]))),
)
const pool = [
  ...good,
  wrap(rumorOf(plain('sent'), alice.pubkey), alice, bob.pubkey, { now }),
  ...Object.values(hostile),
]
const alone = new Map(pool.map((event) => [event, unwrap(event, bob)]))

test('the pool holds what it says', () => {
  expect(pool.filter((event) => alone.get(event)?.ok)).toHaveLength(25)
  const reasons = Object.values(hostile).map((event) => ({ reason: 'none', ...alone.get(event) }).reason)
  expect(new Set(reasons)).toEqual(
    new Set(['not-a-wrap', 'not-for-us', 'undecryptable', 'bad-seal', 'forged', 'bad-rumor']),
  )
})

test('unwrapAll gives what unwrap gives, in the same order', () => {
  expect(unwrapAll([], bob)).toEqual([])
  expect(unwrapAll(pool, bob)).toEqual(pool.map((event) => alone.get(event)))
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 80 }), (events) => {
      expect(unwrapAll(events, bob)).toEqual(events.map((event) => alone.get(event)))
    }),
    { numRuns: 15 },
  )
  // Only good ones, so that no bad one turns the batch into many checks of one.
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...good), { minLength: 20, maxLength: 80 }), (events) => {
      expect(unwrapAll(events, bob)).toEqual(events.map((event) => alone.get(event)))
    }),
    { numRuns: 5 },
  )
})

test('one bad seal among many is dropped, and nothing else', () => {
  const seals = Array.from({ length: 300 }, (_, index) => sealed(`message ${index}`, index % 2 ? alice : mallory))
  const wraps = seals.map((seal, index) => wrapped(index === 200 ? { ...seal, sig: genuine.sig } : seal))
  const opened = unwrapAll(wraps, bob)
  expect(opened[200]).toEqual({ ok: false, reason: 'forged' })
  expect(opened.map((one) => (one.ok ? one.rumor.content : one.reason))).toEqual(
    seals.map((_, index) => (index === 200 ? 'forged' : `message ${index}`)),
  )
})

test('when it is late, what was opened by then is there', () => {
  for (const most of [1, 2, 7, 25, 39, 40, 41]) {
    let asked = 0
    const opened = unwrapAll(pool, bob, () => ++asked >= most)
    expect(opened).toEqual(pool.slice(0, most).map((event) => alone.get(event)))
  }
})

function plain(content: string) {
  return { kind: 14, created_at: now, tags: [['p', bob.pubkey]], content }
}

function sealed(content: string, keys: Keys): Event {
  return sealing(rumorOf(plain(content), keys.pubkey), keys)
}

function sealing(rumor: Rumor | object, keys: Keys): Event {
  return finalize({ kind: 13, created_at: now, tags: [], content: encrypted(rumor, keys, bob) }, keys)
}

// Under one key used all the time and without a signature, which nobody looks at: that saves the tests a second.
function wrapped(inner: Event | string): Event {
  const bare = { kind: 1059, created_at: now, tags: [['p', bob.pubkey]], content: encrypted(inner, once, bob) }
  return { ...rumorOf(bare, once.pubkey), sig: '00'.repeat(64) }
}

function named(event: Event, pubkey: string): Event {
  return { ...event, pubkey, id: eventId({ ...event, pubkey }) }
}

function encrypted(inner: object | string, keys: Keys, to: Keys): string {
  const key = shared.get(keys.pubkey + to.pubkey) ?? must(conversationKey(keys.secret, to.pubkey))
  shared.set(keys.pubkey + to.pubkey, key)
  return encrypt(typeof inner === 'string' ? inner : JSON.stringify(inner), key)
}
