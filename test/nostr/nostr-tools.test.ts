// Against nostr-tools, which shares no code of this room but noble: random cases in both directions.
import fc from 'fast-check'
import { npubEncode as theirNpub, nsecEncode as theirNsec, nprofileEncode as theirProfile } from 'nostr-tools/nip19'
import { v2 as theirs } from 'nostr-tools/nip44'
import { unwrapEvent, wrapEvent } from 'nostr-tools/nip59'
import { finalizeEvent, getEventHash, getPublicKey, verifyEvent as theirVerify } from 'nostr-tools/pure'
import { describe, expect, test } from 'vitest'
import { isPubkey, keysFrom, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, finalize, parseEvent, rumorOf, verifyEvent, verifyEvents } from '../../src/nostr/event.ts'
import { decodeNip19, npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { conversationKey, decrypt, encrypt } from '../../src/nostr/nip44.ts'
import { wrap } from '../../src/nostr/nip59.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { codePoint } from '../support/code-points.ts'
import { must } from '../support/must.ts'
import { now } from '../support/people.ts'

// Words, any code points, and any 16-bit units, among which are halves of pairs.
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes))
const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: codePoint, maxLength: 100 }), units)
const wellFormed = fc.oneof(
  fc.string({ minLength: 1, maxLength: 5_000 }),
  fc.string({ unit: codePoint, minLength: 1, maxLength: 300 }),
)
const template = fc.record({
  kind: fc.nat(65_535),
  created_at: fc.nat(4_000_000_000),
  tags: fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { maxLength: 5 }),
  content: text,
})
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => keysFrom(bytes) !== undefined)
const people = Array.from({ length: 12 }, () => randomKeys())
const member = fc.constantFrom(...people)

/** More of them: P2P_CASES=1000. */
const RUNS = Number(process.env.P2P_CASES ?? 150)

test('events of ours: the same id there, and verified there', () => {
  fc.assert(
    fc.property(template, member, (event, keys) => {
      const signed = finalize(event, keys)
      expect(getEventHash(signed)).toBe(signed.id)
      expect(theirVerify({ ...signed })).toBe(true)
    }),
    { numRuns: RUNS },
  )
})

test('events of theirs: parsed, and verified here', () => {
  const all: Event[] = []
  fc.assert(
    fc.property(template, member, (event, keys) => {
      const signed = must(parseEvent(JSON.parse(JSON.stringify(finalizeEvent({ ...event }, keys.secret)))))
      expect(rumorOf(event, keys.pubkey).id).toBe(signed.id)
      all.push(signed)
    }),
    { numRuns: RUNS },
  )
  expect(verifyEvents(all)).toEqual(all.map(() => true))
  for (const signed of all.slice(0, 100)) expect(verifyEvent(signed)).toBe(true)
})

test('60 keys: the same public key and the same conversation keys', () => {
  fc.assert(
    fc.property(secret, member, (bytes, other) => {
      expect(keysFrom(bytes)?.pubkey).toBe(getPublicKey(bytes))
      expect(conversationKey(bytes, other.pubkey)).toEqual(theirs.utils.getConversationKey(bytes, other.pubkey))
    }),
    { numRuns: 60 },
  )
})

describe('NIP-44', () => {
  const key = must(conversationKey(people[0]?.secret ?? new Uint8Array(), people[1]?.pubkey ?? ''))
  const nonce = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const anyKey = fc.oneof(fc.constant(key), nonce)

  test('payloads of ours are theirs to the byte and are read there', () => {
    fc.assert(
      fc.property(wellFormed, anyKey, nonce, (plain, conversation, fixed) => {
        const payload = encrypt(plain, conversation, fixed)
        expect(payload).toBe(theirs.encrypt(plain, conversation, fixed))
        // Their decoder drops a byte order mark.
        expect(theirs.decrypt(payload, conversation)).toBe(plain.replace(/^\ufeff/, ''))
      }),
      { numRuns: RUNS },
    )
  })

  test('payloads of theirs are read here', () => {
    fc.assert(
      fc.property(wellFormed, anyKey, (plain, conversation) => {
        expect(decrypt(theirs.encrypt(plain, conversation), conversation)).toBe(plain)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('NIP-59', () => {
  test('25 wraps of ours open there', () => {
    fc.assert(
      fc.property(template, member, member, (event, author, receiver) => {
        const rumor = rumorOf(event, author.pubkey)
        expect(unwrapEvent(wrap(rumor, author, receiver.pubkey, { now, expiration: now }), receiver.secret)).toEqual(
          rumor,
        )
      }),
      { numRuns: 25 },
    )
  })

  test('25 wraps of theirs open here', () => {
    fc.assert(
      fc.property(template, member, member, (event, author, receiver) => {
        const wrapped = must(parseEvent(JSON.parse(JSON.stringify(wrapEvent(event, author.secret, receiver.pubkey)))))
        const rumor = rumorOf(event, author.pubkey)
        expect(unwrap(wrapped, receiver)).toEqual({ ok: true, rumor, from: author.pubkey, key: 'identity' })
      }),
      { numRuns: 25 },
    )
  })
})

describe('NIP-19', () => {
  const relays = fc.array(fc.stringMatching(/^wss:\/\/[a-z0-9.-]{1,80}(:[0-9]{1,5})?\/?$/), { maxLength: 6 })

  test('100 keys are written alike and read alike', () => {
    fc.assert(
      fc.property(secret, relays, (bytes, hints) => {
        const { pubkey } = must(keysFrom(bytes))
        expect([npubEncode(pubkey), nsecEncode(bytes)]).toEqual([theirNpub(pubkey), theirNsec(bytes)])
        expect(decodeNip19(theirNpub(pubkey))).toEqual({ type: 'npub', pubkey })
        expect(decodeNip19(theirNsec(bytes))).toEqual({ type: 'nsec', secret: bytes })
        // They write the relays first and the key last, which is as good.
        expect(decodeNip19(theirProfile({ pubkey, relays: hints }))).toEqual({
          type: 'nprofile',
          pubkey,
          relays: hints,
        })
      }),
    )
  })

  test('32 bytes that are no point on the curve are theirs to show and ours to refuse', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{64}$/), (hex) => {
        expect(decodeNip19(theirNpub(hex)) !== undefined).toBe(isPubkey(hex))
      }),
    )
  })
})
