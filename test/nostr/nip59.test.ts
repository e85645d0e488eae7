import { describe, expect, test } from 'vitest'
import { fromHex, keysFrom, type RandomBytes, sha256 } from '../../src/nostr/crypto.ts'
import { type Event, eventId, parseEvent, type Rumor, rumorOf, tag, verifyEvent } from '../../src/nostr/event.ts'
import { decodeNip19 } from '../../src/nostr/nip19.ts'
import { conversationKey, decrypt, encrypt, MAX_PLAINTEXT } from '../../src/nostr/nip44.ts'
import { seal, wrap, wrapSize } from '../../src/nostr/nip59.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { must } from '../support/must.ts'
import { alice, bob, mallory, now } from '../support/people.ts'
import {
  nip17Secrets,
  nip17WrapToReceiver,
  nip17WrapToSender,
  nip59Rumor,
  nip59Seal,
  nip59Secrets,
  nip59Wrap,
} from './nip-examples.ts'

const twoDays = 172_800
const rumor = rumorOf({ kind: 14, created_at: now, tags: [['p', bob.pubkey]], content: 'hello' }, alice.pubkey)

describe('the example that NIP-59 prints', () => {
  const author = keysOf(nip59Secrets.author)
  const receiver = keysOf(nip59Secrets.receiver)
  const once = keysOf(nip59Secrets.once)

  test('has the keys, ids and signatures that it says', () => {
    expect([nip59Rumor.pubkey, nip59Seal.pubkey]).toEqual([author.pubkey, author.pubkey])
    expect(nip59Wrap.pubkey).toBe(once.pubkey)
    expect(tag(nip59Wrap, 'p')).toBe(receiver.pubkey)
    expect(eventId(nip59Rumor)).toBe(nip59Rumor.id)
    expect([verifyEvent(nip59Seal), verifyEvent(nip59Wrap)]).toEqual([true, true])
  })

  test('opens to the rumor', () => {
    expect(unwrap(nip59Wrap, receiver)).toEqual({ ok: true, rumor: nip59Rumor, from: author.pubkey, key: 'identity' })
  })

  test('has layers that we encrypt to the same payloads, given the nonces', () => {
    const layers = [
      { layer: nip59Seal, key: must(conversationKey(author.secret, receiver.pubkey)), inner: nip59Rumor },
      { layer: nip59Wrap, key: must(conversationKey(once.secret, receiver.pubkey)), inner: nip59Seal },
    ]
    for (const { layer, key, inner } of layers) {
      const text = must(decrypt(layer.content, key))
      expect(JSON.parse(text)).toEqual(inner)
      expect(encrypt(text, key, Buffer.from(layer.content, 'base64').subarray(1, 33))).toBe(layer.content)
    }
  })
})

test('the wraps that NIP-17 prints open to one message, for receiver and sender', () => {
  const sender = keysOf(nip17Secrets.sender)
  const receiver = keysOf(nip17Secrets.receiver)
  const opened = unwrap(nip17WrapToReceiver, receiver)
  expect(opened).toMatchObject({ ok: true, from: sender.pubkey, rumor: { kind: 14, content: 'Hola, que tal?' } })
  expect(opened.ok && tag(opened.rumor, 'p')).toBe(receiver.pubkey)
  expect(unwrap(nip17WrapToSender, sender)).toEqual(opened)
  expect([verifyEvent(nip17WrapToReceiver), verifyEvent(nip17WrapToSender)]).toEqual([true, true])
})

describe('a wrap', () => {
  test('opens for its receiver and names its author', () => {
    expect(unwrap(wrap(rumor, alice, bob.pubkey, { now }), bob)).toEqual({
      ok: true,
      rumor,
      from: alice.pubkey,
      key: 'identity',
    })
  })

  test('to oneself opens as well', () => {
    expect(unwrap(wrap(rumor, alice, alice.pubkey, { now }), alice)).toEqual({
      ok: true,
      rumor,
      from: alice.pubkey,
      key: 'identity',
    })
  })

  test('survives the way through JSON', () => {
    const received = must(parseEvent(JSON.parse(JSON.stringify(wrap(rumor, alice, bob.pubkey, { now })))))
    expect(unwrap(received, bob)).toMatchObject({ ok: true, rumor })
  })

  test('shows the receiver, the expiration and nothing else', () => {
    const plain = wrap(rumor, alice, bob.pubkey, { now })
    expect(plain).toMatchObject({ kind: 1059, tags: [['p', bob.pubkey]] })
    expect(verifyEvent(plain)).toBe(true)
    expect(JSON.stringify(plain)).not.toContain(alice.pubkey)
    const stamped = wrap(rumor, alice, bob.pubkey, { now, expiration: now + 60, relay: 'wss://a.example' })
    expect(stamped.tags).toEqual([
      ['p', bob.pubkey, 'wss://a.example'],
      ['expiration', String(now + 60)],
    ])
  })

  test('holds a signed seal without tags, which holds the rumor without a signature', () => {
    const sealed = sealIn(wrap(rumor, alice, bob.pubkey, { now, expiration: now + 60 }))
    expect(sealed).toMatchObject({ kind: 13, pubkey: alice.pubkey, tags: [] })
    expect(verifyEvent(sealed)).toBe(true)
    expect(rumorIn(sealed)).toEqual(rumor)
    // To the compiler a signed event is a rumor. What is sealed must not be one that proves to others who wrote it.
    const signed: Rumor = { ...rumor, ...{ sig: '00'.repeat(64), extra: 'x' } }
    expect(rumorIn(sealIn(wrap(signed, alice, bob.pubkey, { now })))).toEqual(rumor)
  })

  test('has another key and other nonces each time', () => {
    const wraps = Array.from({ length: 8 }, () => wrap(rumor, alice, bob.pubkey, { now }))
    const seals = wraps.map(sealIn)
    for (const events of [wraps, seals]) {
      expect(new Set(events.map((event) => event.content.slice(2, 44))).size).toBe(8)
      expect(new Set(events.map((event) => event.sig)).size).toBe(8)
    }
    expect(new Set(wraps.map((event) => event.pubkey)).size).toBe(8)
  })

  test('and its seal are dated apart, each anywhere in the past two days', () => {
    const wraps = Array.from({ length: 30 }, () => wrap(rumor, alice, bob.pubkey, { now }))
    const ages = {
      wrap: wraps.map((event) => now - event.created_at),
      seal: wraps.map((event) => now - sealIn(event).created_at),
    }
    for (const list of [ages.wrap, ages.seal]) {
      expect(Math.min(...list)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...list)).toBeLessThan(twoDays)
      // All 30 in one half of the range: once in 10^9 runs.
      expect(Math.min(...list)).toBeLessThan(twoDays / 2)
      expect(Math.max(...list)).toBeGreaterThan(twoDays / 2)
    }
    expect(ages.wrap).not.toEqual(ages.seal)
    // Two days after 1970 there is less of a past, and NIP-01 has no time before it.
    expect(wrap(rumor, alice, bob.pubkey, { now: 0 }).created_at).toBe(0)
  })

  test('is dated now when it must be recent, its seal still is not', () => {
    const recent = Array.from({ length: 4 }, () => wrap(rumor, alice, bob.pubkey, { now, recent: true }))
    expect(recent.map((event) => event.created_at)).toEqual([now, now, now, now])
    expect(recent.map((event) => sealIn(event).created_at)).not.toEqual([now, now, now, now])
  })

  test('takes all its randomness from the dice', () => {
    const [one, two] = [seeded('x'), seeded('x')].map((dice) => wrap(rumor, alice, bob.pubkey, { now }, dice))
    expect(one).toEqual(two)
    expect(wrap(rumor, alice, bob.pubkey, { now }, seeded('y'))).not.toEqual(one)
  })

  test('is not made of what nobody could open or believe', () => {
    expect(() => wrap(rumor, mallory, bob.pubkey, { now })).toThrow(RangeError)
    expect(() => wrap({ ...rumor, content: 'changed' }, alice, bob.pubkey, { now })).toThrow(RangeError)
    for (const to of ['', 'bob', 'ff'.repeat(32), bob.pubkey.slice(2)])
      expect(() => wrap(rumor, alice, to, { now })).toThrow(RangeError)
  })
})

describe('wrapSize', () => {
  const text = (length: number, unit = 'x') => rumorOf({ ...rumor, content: unit.repeat(length) }, alice.pubkey)
  const sizeOf = (event: Event) => Buffer.byteLength(JSON.stringify(event))

  test('is the size of the real wrap, for texts of many lengths and kinds', () => {
    for (let length = 0; length < 30_000; length = Math.ceil(length * 1.25 + 1)) {
      const message = text(length)
      expect(wrapSize(message), String(length)).toBe(sizeOf(wrap(message, alice, bob.pubkey, { now })))
    }
    for (const unit of ['é', '😀', '"', '\u0001', '\ud800']) {
      const message = text(1_500, unit)
      expect(wrapSize(message), unit).toBe(sizeOf(wrap(message, alice, bob.pubkey, { now })))
    }
  })

  test('counts expiration and relay', () => {
    for (const postage of [{ expiration: now + 9 }, { relay: 'wss://é.example/"' }, { expiration: now, relay: '' }])
      expect(wrapSize(rumor, postage)).toBe(sizeOf(wrap(rumor, alice, bob.pubkey, { now, ...postage })))
  })

  test('is right on both sides of every step of the padding up to the largest wrap', () => {
    const bare = Buffer.byteLength(JSON.stringify(text(0)))
    for (const step of [512, 1_024, 4_096, 8_192, 16_384, 28_672, 32_768, 40_960])
      for (const length of [step - bare, step - bare + 1].filter((length) => length <= 40_960 - bare))
        expect(wrapSize(text(length)), String(length)).toBe(sizeOf(wrap(text(length), alice, bob.pubkey, { now })))
    // What a relay with the usual bound of 65,536 bytes takes: rumors of up to 28,672 bytes of JSON.
    expect(wrapSize(text(28_672 - bare), { expiration: now })).toBeLessThan(65_536)
    expect(wrapSize(text(28_673 - bare))).toBeGreaterThan(65_536)
  })

  test('is above 65,536 for all that cannot be wrapped at all', () => {
    const bare = Buffer.byteLength(JSON.stringify(text(0)))
    for (const size of [40_961, MAX_PLAINTEXT, MAX_PLAINTEXT + 1, 100_000, 10_000_000]) {
      const message = text(size - bare)
      expect(wrapSize(message)).toBeGreaterThan(65_536)
      expect(() => wrap(message, alice, bob.pubkey, { now })).toThrow(RangeError)
    }
  })
})

test('a seal is dated as told', () => {
  const sealed = seal(rumor, alice, bob.pubkey, { stamp: 12_345 })
  expect(sealed).toMatchObject({ kind: 13, created_at: 12_345, pubkey: alice.pubkey })
  expect(rumorIn(sealed)).toEqual(rumor)
})

function keysOf(secret: string) {
  const decoded = decodeNip19(secret)
  return must(keysFrom(decoded?.type === 'nsec' ? decoded.secret : must(fromHex(secret))))
}

// Both layers of a wrap to bob, or of one to whom `keys` belong, opened by hand.
function sealIn(event: Event): Event {
  return must(parseEvent(JSON.parse(must(decrypt(event.content, must(conversationKey(bob.secret, event.pubkey)))))))
}

function rumorIn(sealed: Event): unknown {
  return JSON.parse(must(decrypt(sealed.content, must(conversationKey(bob.secret, sealed.pubkey)))))
}

function seeded(seed: string): RandomBytes {
  let count = 0
  return (length) => sha256(Buffer.from(`${seed} ${count++}`)).subarray(0, length)
}
