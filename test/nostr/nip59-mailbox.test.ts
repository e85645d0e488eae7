// Many wraps at once: whatever is among them, each is judged as it would be alone.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import { type Event, eventId, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { wrap } from '../../src/nostr/nip59.ts'
import { unwrap, unwrapAll } from '../../src/nostr/nip59-unwrap.ts'
import { must } from '../support/must.ts'
import { alice, bob, mallory, now } from '../support/people.ts'

const throwawayKeys = must(keysFrom(sha256(Buffer.from('once'))))
const shared = new Map<string, Uint8Array>()

const genuine = sealText('hello', alice)
const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1)
const hostile: Record<string, Event> = {
  'not a wrap': { ...wrapAround(genuine), kind: 1 },
  'not for us': { ...wrapAround(genuine), tags: [['p', alice.pubkey]] },
  'a wrap that is no base64': { ...wrapAround(genuine), content: '?' },
  'a wrap by nobody': { ...wrapAround(genuine), pubkey: 'ff'.repeat(32) },
  'no seal': wrapAround('{}'),
  'a seal with another signature': wrapAround({ ...genuine, sig: sealText('other', alice).sig }),
  'a seal with a changed signature': wrapAround({ ...genuine, sig: flip(genuine.sig) }),
  'a seal with s moved': wrapAround({ ...genuine, sig: genuine.sig.slice(0, 64) + flip(genuine.sig.slice(64)) }),
  'a seal with another id': wrapAround({ ...genuine, id: flip(genuine.id) }),
  'a seal in another name': wrapAround(withPubkey(sealText('hello', mallory), alice.pubkey)),
  'a seal by nobody': wrapAround(withPubkey(genuine, 'ff'.repeat(32))),
  'a seal that was changed': wrapAround({ ...genuine, created_at: now + 1 }),
  'a seal for somebody else': wrapAround(
    finalize({ ...genuine, content: encryptFor('{}', throwawayKeys, alice) }, alice),
  ),
  'a rumor in another name': wrapAround(sealAround(rumorOf({ ...messageTemplate('hello') }, alice.pubkey), mallory)),
  'no rumor': wrapAround(sealAround({ kind: 14 }, alice)),
  'a rumor with another id': wrapAround(
    sealAround({ ...rumorOf(messageTemplate('x'), alice.pubkey), id: '00'.repeat(32) }, alice),
  ),
}
const goodWraps = Array.from({ length: 24 }, (_, index) =>
  wrapAround(sealText(`message ${index}`, must([alice, mallory, bob][index % 3]))),
)
const pool = [
  ...goodWraps,
  wrap(rumorOf(messageTemplate('sent'), alice.pubkey), alice, bob.pubkey, { now }),
  ...Object.values(hostile),
]
const unwrappedAlone = new Map(pool.map((event) => [event, unwrap(event, bob)]))

test('the pool holds what it says', () => {
  expect(pool.filter((event) => unwrappedAlone.get(event)?.ok)).toHaveLength(25)
  const reasons = Object.values(hostile).map((event) => ({ reason: 'none', ...unwrappedAlone.get(event) }).reason)
  expect(new Set(reasons)).toEqual(
    new Set(['not-a-wrap', 'not-for-us', 'undecryptable', 'bad-seal', 'forged', 'bad-rumor']),
  )
})

test('unwrapAll gives what unwrap gives, in the same order', () => {
  expect(unwrapAll([], bob)).toEqual([])
  expect(unwrapAll(pool, bob)).toEqual(pool.map((event) => unwrappedAlone.get(event)))
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 80 }), (events) => {
      expect(unwrapAll(events, bob)).toEqual(events.map((event) => unwrappedAlone.get(event)))
    }),
    { numRuns: 15 },
  )
  // Only good ones, so that no bad one turns the batch into many checks of one.
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...goodWraps), { minLength: 20, maxLength: 80 }), (events) => {
      expect(unwrapAll(events, bob)).toEqual(events.map((event) => unwrappedAlone.get(event)))
    }),
    { numRuns: 5 },
  )
})

test('one bad seal among many is dropped, and nothing else', () => {
  const seals = Array.from({ length: 300 }, (_, index) => sealText(`message ${index}`, index % 2 ? alice : mallory))
  const wraps = seals.map((seal, index) => wrapAround(index === 200 ? { ...seal, sig: genuine.sig } : seal))
  const opened = unwrapAll(wraps, bob)
  expect(opened[200]).toEqual({ ok: false, reason: 'forged' })
  expect(opened.map((one) => (one.ok ? one.rumor.content : one.reason))).toEqual(
    seals.map((_, index) => (index === 200 ? 'forged' : `message ${index}`)),
  )
})

test('when it is late, what was opened by then is there', () => {
  for (const most of [1, 2, 7, 25, 39, 40, 41]) {
    let asked = 0
    const opened = unwrapAll(pool, bob, { late: () => ++asked >= most })
    expect(opened).toEqual(pool.slice(0, most).map((event) => unwrappedAlone.get(event)))
  }
})

function messageTemplate(content: string) {
  return { kind: 14, created_at: now, tags: [['p', bob.pubkey]], content }
}

function sealText(content: string, keys: Keys): Event {
  return sealAround(rumorOf(messageTemplate(content), keys.pubkey), keys)
}

function sealAround(rumor: Rumor | object, keys: Keys): Event {
  return finalize({ kind: 13, created_at: now, tags: [], content: encryptFor(rumor, keys, bob) }, keys)
}

// Under one key used all the time and without a signature, which nobody looks at: that saves the tests a second.
function wrapAround(inner: Event | string): Event {
  const bare = {
    kind: 1059,
    created_at: now,
    tags: [['p', bob.pubkey]],
    content: encryptFor(inner, throwawayKeys, bob),
  }
  return { ...rumorOf(bare, throwawayKeys.pubkey), sig: '00'.repeat(64) }
}

function withPubkey(event: Event, pubkey: string): Event {
  return { ...event, pubkey, id: eventId({ ...event, pubkey }) }
}

function encryptFor(inner: object | string, keys: Keys, to: Keys): string {
  const key = shared.get(keys.pubkey + to.pubkey) ?? must(conversationKey(keys.secret, to.pubkey))
  shared.set(keys.pubkey + to.pubkey, key)
  return encrypt(typeof inner === 'string' ? inner : JSON.stringify(inner), key)
}
