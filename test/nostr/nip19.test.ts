import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, isPubkey, randomBytes } from '../../src/nostr/crypto.ts'
import { decodeNip19, npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { codePoint } from '../support/code-points.ts'
import { must } from '../support/must.ts'
import { alice, bob } from '../support/people.ts'

const FIATJAF = '3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d'
const profile =
  'nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p'

describe('the examples that NIP-19 prints', () => {
  test('npub', () => {
    const pairs = [
      [FIATJAF, 'npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6'],
      [
        '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e',
        'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg',
      ],
    ]
    for (const [pubkey = '', npub = ''] of pairs) {
      expect(npubEncode(pubkey)).toBe(npub)
      expect(decodeNip19(npub)).toEqual({ type: 'npub', pubkey })
    }
  })

  test('nsec', () => {
    const secret = must(fromHex('67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa'))
    const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5'
    expect(nsecEncode(secret)).toBe(nsec)
    expect(decodeNip19(nsec)).toEqual({ type: 'nsec', secret })
  })

  test('nprofile', () => {
    const relays = ['wss://r.x.com', 'wss://djbas.sadkb.com']
    expect(decodeNip19(profile)).toEqual({ type: 'nprofile', pubkey: FIATJAF, relays })
  })
})

describe('what is taken', () => {
  test('a profile without relays, and text in upper case', () => {
    expect(decodeNip19(profileOf([0, 32, ...must(fromHex(alice.pubkey))]))).toEqual({
      type: 'nprofile',
      pubkey: alice.pubkey,
      relays: [],
    })
    expect(decodeNip19(npubEncode(alice.pubkey).toUpperCase())).toEqual({ type: 'npub', pubkey: alice.pubkey })
  })

  test('a profile of nearly 5,000 characters', () => {
    const relay = `wss://${'a'.repeat(249)}`
    const items = [
      0,
      32,
      ...must(fromHex(alice.pubkey)),
      ...Array.from({ length: 11 }, () => [1, 255, ...Buffer.from(relay)]).flat(),
    ]
    expect(profileOf(items).length).toBeGreaterThan(4_500)
    expect(decodeNip19(profileOf(items))).toMatchObject({ relays: Array.from({ length: 11 }, () => relay) })
  })

  test('a profile with items of unknown types, in any order', () => {
    const relay = Buffer.from('wss://a.example')
    const items = [
      9,
      3,
      1,
      2,
      3,
      1,
      relay.length,
      ...relay,
      2,
      0,
      0,
      32,
      ...must(fromHex(alice.pubkey)),
      3,
      4,
      0,
      0,
      0,
      1,
    ]
    const decoded = { type: 'nprofile', pubkey: alice.pubkey, relays: ['wss://a.example'] }
    expect(decodeNip19(profileOf(items))).toEqual(decoded)
  })

  test('a relay that is no ASCII is passed over', () => {
    const key = [0, 32, ...must(fromHex(alice.pubkey))]
    const relays = (items: number[]) => {
      const decoded = decodeNip19(profileOf([...key, ...items]))
      return decoded?.type === 'nprofile' ? decoded.relays : undefined
    }
    expect(relays([1, 2, 0xc3, 0xa9, 1, 1, 0x61])).toEqual(['a'])
    expect(relays([1, 3, 0x61, 0x0a, 0x62])).toEqual([])
    expect(relays([1, 0])).toEqual([])
  })
})

describe('what is refused', () => {
  const npub = npubEncode(alice.pubkey)
  const refused: Record<string, string> = {
    nothing: '',
    hex: alice.pubkey,
    'a changed character': npub.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q')),
    'a missing character': npub.slice(0, -1),
    'a space': ` ${npub}`,
    'mixed case': npub.replace('npub1', 'NPUB1'),
    'a URI': `nostr:${npub}`,
    'a note': bech32.encodeFromBytes('note', randomBytes(32)),
    'another prefix': bech32.encodeFromBytes('nrelay', randomBytes(32)),
    '31 bytes': bech32.encodeFromBytes('npub', randomBytes(31)),
    '33 bytes': bech32.encodeFromBytes('npub', randomBytes(33)),
    'a secret of 31 bytes': bech32.encodeFromBytes('nsec', randomBytes(31)),
    'no public key': bech32.encodeFromBytes('npub', new Uint8Array(32).fill(0xff)),
    'a profile of nobody': profileOf([1, 1, 0x61]),
    'an empty profile': profileOf([]),
    'a profile cut in a value': profileOf([0, 32, ...must(fromHex(alice.pubkey)).subarray(0, 31)]),
    'a profile cut in a relay': profileOf([0, 32, ...must(fromHex(alice.pubkey)), 1, 3, 0x61]),
    'a profile cut in a length': profileOf([0, 32, ...must(fromHex(alice.pubkey)), 1]),
    'a profile of a short key': profileOf([0, 31, ...must(fromHex(alice.pubkey)).subarray(0, 31)]),
    'a profile of no key': profileOf([0, 32, ...new Uint8Array(32).fill(0xff)]),
    'a profile of two people': profileOf([0, 32, ...must(fromHex(alice.pubkey)), 0, 32, ...must(fromHex(bob.pubkey))]),
    'more than 5,000 characters': bech32.encode('nprofile', bech32.toWords(new Uint8Array(3_200)), false),
    'very much text': 'npub1'.repeat(1_000_000),
  }
  for (const [what, text] of Object.entries(refused))
    test(what, () => {
      expect(decodeNip19(text)).toBeUndefined()
    })

  test('one changed character anywhere in an npub', () => {
    for (let at = 0; at < npub.length; at++) {
      const other = npub[at] === 'q' ? 'z' : 'q'
      expect(decodeNip19(npub.slice(0, at) + other + npub.slice(at + 1))).toBeUndefined()
    }
  })

  test('garbage of every kind, without throwing', () => {
    const bytes = fc.uint8Array({ maxLength: 120 })
    const made = fc
      .tuple(fc.constantFrom('npub', 'nsec', 'nprofile'), bytes)
      .map(([prefix, data]) => bech32.encode(prefix, bech32.toWords(data), false))
    const broken = fc
      .tuple(made, fc.nat(60), fc.string({ maxLength: 2 }))
      .map(([text, at, part]) => text.slice(0, at) + part + text.slice(at + 1))
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: codePoint }), made, broken), (text) => {
        const decoded = decodeNip19(text)
        if (decoded?.type === 'nsec') expect(decoded.secret).toHaveLength(32)
        else if (decoded !== undefined) expect(isPubkey(decoded.pubkey)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

test('what is no key is not encoded', () => {
  for (const text of ['', 'alice', alice.pubkey.slice(2), `${alice.pubkey}00`]) {
    expect(() => npubEncode(text)).toThrow(RangeError)
  }
  expect(() => nsecEncode(new Uint8Array(31))).toThrow(RangeError)
})

function profileOf(items: readonly number[]): string {
  return bech32.encode('nprofile', bech32.toWords(Uint8Array.from(items)), false)
}
