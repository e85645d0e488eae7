// Against rust-nostr, which shares nothing with this room, not even the language: both directions.
import {
  EventBuilder,
  Kind,
  loadWasmSync,
  NIP44Version,
  Nip19Profile,
  NostrSigner,
  nip44Decrypt,
  nip44Encrypt,
  PublicKey,
  SecretKey,
  Tag,
  Event as TheirEvent,
  Keys as TheirKeys,
  Timestamp,
  UnsignedEvent,
  UnwrappedGift,
} from '@rust-nostr/nostr-sdk'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Keys, randomKeys, toHex } from '../../src/nostr/crypto.ts'
import { type Event, finalize, parseEvent, type Rumor, rumorOf, verifyEvent } from '../../src/nostr/event.ts'
import { decodeNip19, npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { conversationKey, decrypt, encrypt } from '../../src/nostr/nip44.ts'
import { wrap } from '../../src/nostr/nip59.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { codePoint } from '../support/code-points.ts'
import { must } from '../support/must.ts'
import { alice, bob, now } from '../support/people.ts'

beforeAll(() => loadWasmSync())

const controls = Array.from({ length: 33 }, (_, code) => String.fromCharCode(code)).join('')
const texts = [
  '',
  'hello',
  `all controls ${controls}\u007f\u0080`,
  '"\\/\b\f\n\r\t',
  'é ☎ 😀 👩‍👩‍👧 \u2028\u2029\ufeff',
  'x'.repeat(20_000),
]
const template = (content: string) => ({
  kind: 14,
  created_at: now,
  tags: [
    ['p', bob.pubkey],
    ['subject', content.slice(0, 99)],
  ],
  content,
})

describe('events', () => {
  test('of ours are verified there', () => {
    for (const content of texts) {
      const event = TheirEvent.fromJson(JSON.stringify(finalize(template(content), alice)))
      expect([event.verifyId(), event.verifySignature()]).toEqual([true, true])
      expect(event.content).toBe(content)
    }
  })

  test('of theirs are verified here', () => {
    for (const content of texts) {
      const { kind, created_at, tags } = template(content)
      const event = new EventBuilder(new Kind(kind), content)
        .tags(tags.map((tag) => Tag.parse(tag)))
        .customCreatedAt(Timestamp.fromSecs(created_at))
        .signWithKeys(rustKeysOf(alice))
      const parsed = must(parseEvent(JSON.parse(event.asJson())))
      expect(parsed).toEqual({ ...rumorOf(template(content), alice.pubkey), sig: parsed.sig })
      expect(verifyEvent(parsed)).toBe(true)
    }
  })

  test('with a changed signature are refused by both', () => {
    const event = finalize(template('hello'), alice)
    const forged = { ...event, sig: finalize(template('other'), alice).sig }
    expect(verifyEvent(forged)).toBe(false)
    expect(TheirEvent.fromJson(JSON.stringify(forged)).verify()).toBe(false)
  })
})

describe('NIP-44', () => {
  const plain = fc.oneof(
    fc.string({ minLength: 1, maxLength: 2_000 }),
    fc.string({ unit: codePoint, minLength: 1, maxLength: 200 }),
  )

  test('200 payloads each way', () => {
    const key = must(conversationKey(alice.secret, bob.pubkey))
    const [secret, pubkey] = [rustKeysOf(bob).secretKey, PublicKey.parse(alice.pubkey)]
    fc.assert(
      fc.property(plain, (text) => {
        expect(nip44Decrypt(secret, pubkey, encrypt(text, key))).toBe(text)
        expect(decrypt(nip44Encrypt(secret, pubkey, text, NIP44Version.V2), key)).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

describe('gift wraps', () => {
  test('of ours open there and name the right sender', async () => {
    for (const content of texts) {
      const rumor = rumorOf(template(content), alice.pubkey)
      const opened = await unwrapWithRust(
        wrap(rumor, alice, bob.pubkey, { now, expiration: now + 60, relay: 'wss://a.example' }),
        bob,
      )
      expect(opened).toEqual({ rumor, from: alice.pubkey })
    }
  })

  test('of theirs open here and name the right sender', async () => {
    for (const content of texts) {
      const rumor = rumorOf(template(content), alice.pubkey)
      const signer = NostrSigner.keys(rustKeysOf(alice))
      const unsigned = UnsignedEvent.fromJson(JSON.stringify(rumor))
      const wrapped = await EventBuilder.giftWrap(signer, PublicKey.parse(bob.pubkey), unsigned, [])
      const received = must(parseEvent(JSON.parse(wrapped.asJson())))
      expect(verifyEvent(received)).toBe(true)
      expect(unwrap(received, bob)).toEqual({ ok: true, rumor, from: alice.pubkey, key: 'identity' })
    }
  })

  test('of ours for one do not open there for another', async () => {
    const rumor = rumorOf(template('hello'), alice.pubkey)
    await expect(unwrapWithRust(wrap(rumor, alice, alice.pubkey, { now }), bob)).rejects.toThrow()
  })
})

describe('NIP-19', () => {
  test('keys and profiles are written alike and read alike', () => {
    for (const keys of [alice, bob, randomKeys(), randomKeys()]) {
      const other = rustKeysOf(keys)
      expect(other.publicKey.toHex()).toBe(keys.pubkey)
      expect([npubEncode(keys.pubkey), nsecEncode(keys.secret)]).toEqual([
        other.publicKey.toBech32(),
        other.secretKey.toBech32(),
      ])
      const relays = ['wss://a.example', 'wss://b.example:7777']
      const profile = new Nip19Profile(other.publicKey, relays)
      expect(decodeNip19(profile.toBech32())).toEqual({ type: 'nprofile', pubkey: keys.pubkey, relays })
    }
  })
})

function rustKeysOf(keys: Keys): TheirKeys {
  return new TheirKeys(SecretKey.parse(toHex(keys.secret)))
}

async function unwrapWithRust(wrapped: Event, keys: Keys): Promise<{ rumor: Rumor; from: string }> {
  const gift = await UnwrappedGift.fromGiftWrap(
    NostrSigner.keys(rustKeysOf(keys)),
    TheirEvent.fromJson(JSON.stringify(wrapped)),
  )
  return { rumor: JSON.parse(gift.rumor.asJson()), from: gift.sender.toHex() }
}
