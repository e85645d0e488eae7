import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chacha20,
  equalBytes,
  fromHex,
  hkdfExpand,
  hkdfExtract,
  hmacSha256,
  isHex32,
  isPubkey,
  keysFrom,
  randomBytes,
  randomInt,
  randomKeys,
  sha256,
  sharedX,
  sign,
  toHex,
  verify,
} from '../../src/nostr/crypto.ts'
import { must } from '../support/must.ts'
import { describeVectors } from '../support/official-vectors.ts'
import { alice, bob } from '../support/people.ts'

const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'
const offCurve = 'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34'
const hex = (text: string): Uint8Array => must(fromHex(text))

describeVectors('bip340.csv', (text) => {
  const rows = text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => {
      const [index = '', secret = '', pubkey = '', aux = '', hash = '', signature = '', result, ...comment] =
        line.split(',')
      const good = result === 'TRUE'
      return {
        index,
        secret,
        pubkey: pubkey.toLowerCase(),
        aux,
        hash: hex(hash),
        signature,
        good,
        comment: comment.join(),
      }
    })

  test('has the rows that this was written for', () => {
    expect(rows.map((row) => row.index)).toEqual(Array.from({ length: 15 }, (_, index) => String(index)))
    expect(rows.filter((row) => row.secret !== '')).toHaveLength(4)
    expect(rows.filter((row) => !row.good)).toHaveLength(10)
  })

  for (const row of rows) {
    if (row.secret !== '')
      test(`row ${row.index}: the same key and signature ${row.comment}`, () => {
        const keys = must(keysFrom(hex(row.secret)))
        expect(keys.pubkey).toBe(row.pubkey)
        expect(toHex(sign(row.hash, keys.secret, hex(row.aux)))).toBe(row.signature.toLowerCase())
      })
    test(`row ${row.index}: ${row.good ? 'good' : 'refused'} ${row.comment}`, () => {
      expect(verify(hex(row.signature), row.hash, row.pubkey)).toBe(row.good)
    })
  }
})

describe('keys', () => {
  test('are 32 bytes from 1 to the group order less one', () => {
    expect(keysFrom(hex('00'.repeat(32)))).toBeUndefined()
    expect(keysFrom(hex(order))).toBeUndefined()
    expect(keysFrom(hex('ff'.repeat(32)))).toBeUndefined()
    expect(keysFrom(new Uint8Array(31).fill(1))).toBeUndefined()
    expect(keysFrom(new Uint8Array(33).fill(1))).toBeUndefined()
    expect(keysFrom(new Uint8Array(0))).toBeUndefined()
    // The secrets 1 and n - 1 belong to the points G and -G, which share their x.
    const generator = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
    expect(keysFrom(hex(`${'00'.repeat(31)}01`))?.pubkey).toBe(generator)
    expect(keysFrom(hex(`${order.slice(0, -1)}0`))?.pubkey).toBe(generator)
  })

  test('keep their own copy of the secret', () => {
    const secret = new Uint8Array(32).fill(7)
    const keys = must(keysFrom(secret))
    secret.fill(9)
    expect(keys.secret).toEqual(new Uint8Array(32).fill(7))
  })

  test('come from random bytes', () => {
    expect(randomKeys((length) => new Uint8Array(length).fill(7)).pubkey).toBe(
      keysFrom(new Uint8Array(32).fill(7))?.pubkey,
    )
    expect(() => randomKeys((length) => new Uint8Array(length))).toThrow('random number')
    expect(randomKeys().pubkey).not.toBe(randomKeys().pubkey)
  })

  test('are recognised by shape and by curve', () => {
    expect(isHex32(alice.pubkey)).toBe(true)
    expect(isHex32(offCurve)).toBe(true)
    for (const text of [
      '',
      alice.pubkey.toUpperCase(),
      alice.pubkey.slice(1),
      `${alice.pubkey}\n`,
      `0x${alice.pubkey}`,
    ])
      expect([isHex32(text), isPubkey(text)]).toEqual([false, false])
    expect(isPubkey(alice.pubkey)).toBe(true)
    expect(isPubkey(offCurve)).toBe(false)
    expect(isPubkey('00'.repeat(32))).toBe(false)
    expect(isPubkey('ff'.repeat(32))).toBe(false)
  })
})

describe('shared x', () => {
  test('is the same from both sides', () => {
    expect(sharedX(alice.secret, bob.pubkey)).toEqual(sharedX(bob.secret, alice.pubkey))
    expect(sharedX(alice.secret, bob.pubkey)).toHaveLength(32)
    // Times one: the other key itself, unhashed.
    expect(toHex(must(sharedX(hex(`${'00'.repeat(31)}01`), bob.pubkey)))).toBe(bob.pubkey)
  })

  test('is nothing when a key is none', () => {
    expect(sharedX(alice.secret, offCurve)).toBeUndefined()
    expect(sharedX(alice.secret, 'ff'.repeat(32))).toBeUndefined()
    expect(sharedX(alice.secret, `02${bob.pubkey}`)).toBeUndefined()
    expect(sharedX(alice.secret, 'alice')).toBeUndefined()
    expect(sharedX(hex('00'.repeat(32)), bob.pubkey)).toBeUndefined()
    expect(sharedX(hex(order), bob.pubkey)).toBeUndefined()
    expect(sharedX(new Uint8Array(31), bob.pubkey)).toBeUndefined()
  })
})

describe('verify', () => {
  test('is false for a signature, hash or key with one bit changed', () => {
    const hash = sha256(Buffer.from('a message'))
    const signature = sign(hash, alice.secret)
    expect(verify(signature, hash, alice.pubkey)).toBe(true)
    const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
    for (const at of [0, 31, 32, 63]) expect(verify(flipped(signature, at), hash, alice.pubkey)).toBe(false)
    for (const at of [0, 31]) expect(verify(signature, flipped(hash, at), alice.pubkey)).toBe(false)
    expect(verify(signature, hash, bob.pubkey)).toBe(false)
  })

  test('never throws', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 64, maxLength: 64 }))
    const key = fc.oneof(fc.string(), fc.constantFrom(alice.pubkey, offCurve, 'ff'.repeat(32), alice.pubkey.slice(2)))
    fc.assert(
      fc.property(bytes, bytes, key, (signature, hash, pubkey) => {
        expect(verify(signature, hash, pubkey)).toBe(false)
      }),
    )
  })
})

describe('hashes and ciphers give what their RFCs print', () => {
  test('SHA-256, FIPS 180-4 "abc"', () => {
    expect(toHex(sha256(Buffer.from('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('HMAC-SHA256, RFC 4231 case 2, in one piece or many', () => {
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    expect(toHex(hmacSha256(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?')))).toBe(expected)
    const pieces = ['what do ya', '', ' want for nothing?'].map((piece) => Buffer.from(piece))
    expect(toHex(hmacSha256(Buffer.from('Jefe'), ...pieces))).toBe(expected)
  })

  test('HKDF-SHA256, RFC 5869 case 1', () => {
    const prk = hkdfExtract(hex('000102030405060708090a0b0c'), new Uint8Array(22).fill(0x0b))
    expect(toHex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    expect(toHex(hkdfExpand(prk, hex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
  })

  test('ChaCha20, RFC 8439 A.1 cases 1 and 2: blocks 0 and 1 of the zero key', () => {
    expect(toHex(chacha20(new Uint8Array(32), new Uint8Array(12), new Uint8Array(128)))).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
        'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586' +
        '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed' +
        '29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
    )
  })
})

describe('bytes', () => {
  test('hex goes there and back, also for a window into a larger buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
    expect(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('0203')
  })

  test('what is no hex is refused whole', () => {
    for (const text of ['0', 'abc', '0g', 'zz', '0x00', ' 00', '00\n', '00\n\n', '٠٠', `${'ab'.repeat(100_000)}zz`])
      expect(fromHex(text)).toBeUndefined()
  })

  test('equal bytes are equal', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2]))).toBe(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false)
  })

  test('random ones differ, and random numbers stay in their range', () => {
    expect(randomBytes(32)).toHaveLength(32)
    expect(equalBytes(randomBytes(32), randomBytes(32))).toBe(false)
    const thrown = new Set(Array.from({ length: 300 }, () => randomInt(6)))
    expect([...thrown].sort()).toEqual([0, 1, 2, 3, 4, 5])
    expect(randomInt(1)).toBe(0)
    const dice = (length: number) => Uint8Array.of(0, 0, 0, 1, 2, 3, 4, 5).subarray(0, length)
    expect(randomInt(1000, dice)).toBe(66_051 % 1000)
    for (const sides of [0, -1, 1.5, Number.NaN, 2 ** 33]) expect(() => randomInt(sides)).toThrow(RangeError)
  })
})
