// The two engines say the same: identical bytes and identical refusals, for the edges and for random cases. P2P_CASES=10000
// asks for more of the latter (noble needs some minutes for that).
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Engine, SignedByKey } from '../../../src/nostr/crypto/engine.ts'
import { noble } from '../../../src/nostr/crypto/noble.ts'
import { BATCH_FROM, opensslEngine } from '../../../src/nostr/crypto/openssl.ts'
import { modOrder, ORDER, toBytes, toNumber } from '../../../src/nostr/crypto/openssl-curve.ts'
import { areAllTrue, equationsOf } from '../../../src/nostr/crypto/openssl-verify.ts'
import { must } from '../../support/must.ts'

const prime = 2n ** 256n - 2n ** 32n - 977n
const cases = Number(process.env.P2P_CASES ?? 60)
const openssl = opensslEngine()

describe.skipIf(openssl === undefined)(
  'node:crypto says what noble says (skipped where this Node lacks the curve)',
  () => {
    const node = openssl ?? noble
    const dice = seeded('engines')

    test('the group is that of the curve', () => {
      // n - 1 is the largest secret, and its key is that of 1 (SEC 2: G has the order n).
      expect(noble.publicKey(toBytes(ORDER - 1n))).toEqual(noble.publicKey(toBytes(1n)))
      expect(noble.publicKey(toBytes(ORDER))).toBeUndefined()
    })

    const secrets: Record<string, Uint8Array> = {
      one: toBytes(1n),
      two: toBytes(2n),
      'with leading zeros': toBytes(2n ** 64n + 12_345n),
      'half of n': toBytes(ORDER / 2n),
      'more than half of n': toBytes(ORDER / 2n + 1n),
      'n - 1': toBytes(ORDER - 1n),
      random: dice(32),
      zero: toBytes(0n),
      n: toBytes(ORDER),
      'n + 1': toBytes(ORDER + 1n),
      p: toBytes(prime),
      'the largest number': new Uint8Array(32).fill(255),
      '31 bytes': dice(31),
      '33 bytes': dice(33),
      nothing: dice(0),
    }
    const keys: Record<string, Uint8Array> = {
      G: must(noble.publicKey(toBytes(1n))),
      'with a leading zero': leadingZero(noble),
      one: toBytes(1n),
      random: must(noble.publicKey(dice(32))),
      zero: toBytes(0n),
      'off the curve': toBytes(5n),
      'p - 1': toBytes(prime - 1n),
      p: toBytes(prime),
      'p + 1, which is one again': toBytes(prime + 1n),
      n: toBytes(ORDER),
      'the largest number': new Uint8Array(32).fill(255),
      '31 bytes': dice(31),
      '33 bytes': dice(33),
      nothing: dice(0),
    }

    for (const [which, secret] of Object.entries(secrets))
      test(`the secret ${which}`, () => {
        expect(node.publicKey(secret)).toEqual(noble.publicKey(secret))
        for (const [name, key] of Object.entries(keys))
          expect(node.sharedX(secret, key), name).toEqual(noble.sharedX(secret, key))
        const sizes = [dice(32), dice(31), dice(33), dice(0)]
        const inputs = [
          ...[new Uint8Array(32), new Uint8Array(32).fill(255), ...sizes].map((aux) => ({ aux, hash: dice(32) })),
          ...[dice(0), dice(100)].map((hash) => ({ aux: dice(32), hash })),
        ]
        for (const { aux, hash } of inputs)
          expect(outcome(() => node.sign(hash, secret, aux))).toEqual(outcome(() => noble.sign(hash, secret, aux)))
      })

    test('keys on and off the curve', () => {
      expect(Object.values(keys).filter((key) => noble.isPoint(key))).toHaveLength(5)
      for (const [name, key] of Object.entries(keys)) expect(node.isPoint(key), name).toBe(noble.isPoint(key))
      for (let n = 0n; n < 50n; n++) expect(node.isPoint(toBytes(n)), String(n)).toBe(noble.isPoint(toBytes(n)))
    })

    test('a shared x with a leading zero', () => {
      const key = leadingZero(noble)
      expect(node.sharedX(toBytes(1n), key)).toEqual(key)
      // Past the first few, ECDH goes another way.
      const secret = dice(32)
      for (let times = 0; times < 8; times++) expect(node.sharedX(secret, key)).toEqual(noble.sharedX(secret, key))
    })

    test('a secret that is overwritten is another secret', () => {
      const secret = dice(32)
      const [before, hash, aux] = [node.publicKey(secret), dice(32), dice(32)]
      secret.set(dice(32))
      expect(node.publicKey(secret)).not.toEqual(before)
      expect(node.sign(hash, secret, aux)).toEqual(noble.sign(hash, secret, aux))
      expect(node.sharedX(secret, keyOf(secrets.two))).toEqual(noble.sharedX(secret, keyOf(secrets.two)))
    })

    test('signatures at the edges', () => {
      const secret = dice(32)
      const [hash, key] = [dice(32), keyOf(secret)]
      const signature = noble.sign(hash, secret, dice(32))
      const numbers = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, prime - 1n, prime, prime + 1n, 2n ** 256n - 1n].map(
        toBytes,
      )
      for (const number of [...numbers, ...Object.values(keys).filter((some) => some.length === 32)]) {
        same({ signature: Buffer.concat([number, signature.subarray(32)]), hash, key })
        same({ signature: Buffer.concat([signature.subarray(0, 32), number]), hash, key })
        same({ signature, hash, key: number })
      }
      // Nobody can make a good signature with an s that small, so what a check does with s + n shows only here.
      for (const s of [0n, ORDER, ORDER + 1n, 2n ** 256n - 1n])
        expect(equationsOf([{ signature: Buffer.concat([signature.subarray(0, 32), toBytes(s)]), hash, key }])).toEqual(
          [undefined],
        )
      for (const part of [signature.subarray(1), dice(65), dice(0)]) same({ signature: part, hash, key })
      for (const part of [key.subarray(1), dice(33), dice(0)]) same({ signature, hash, key: part })
      for (const part of [hash.subarray(1), dice(33), dice(0)]) same({ signature, hash: part, key })
      for (const length of [0, 1, 31, 33, 100]) {
        const message = dice(length)
        expect(same({ signature: noble.sign(message, secret, dice(32)), hash: message, key })).toBe(true)
      }
    })

    // The attack on a check that compares x alone: of ±k ± e·d the wrong three reach a point with the right x.
    test('of four signatures that differ in signs, one is good', () => {
      for (let round = 0; round < 12; round++) {
        const [secret, nonce, hash] = [dice(32), dice(32), dice(32)]
        const [key, r] = [keyOf(secret), keyOf(nonce)]
        const e = challenge(r, key, hash)
        const all = [1n, -1n].flatMap((a) =>
          [1n, -1n].map((b) => modOrder(a * toNumber(nonce) + b * e * toNumber(secret))),
        )
        const good = all.map((s) => same({ signature: Buffer.concat([r, toBytes(s)]), hash, key }))
        expect(good.filter((isGood) => isGood)).toHaveLength(1)
      }
    })

    test(`${cases} random cases`, () => {
      for (let index = 0; index < cases; index++) {
        const [secret, other, hash, aux] = [dice(32), dice(32), dice(32), dice(32)]
        const [key, theirs] = [keyOf(secret), keyOf(other)]
        expect(node.publicKey(secret)).toEqual(key)
        expect(node.sharedX(secret, theirs)).toEqual(noble.sharedX(secret, theirs))
        const signature = node.sign(hash, secret, aux)
        expect(signature).toEqual(noble.sign(hash, secret, aux))
        // noble has verified what it signed.
        expect(node.verify({ signature, hash, key })).toBe(true)
        const changed = {
          signature: Uint8Array.from(signature),
          hash: Uint8Array.from(hash),
          key: Uint8Array.from(key),
        }
        flip([changed.signature, changed.hash, changed.key][index % 3], dice)
        expect(same(changed)).toBe(false)
        symmetric(node, noble, dice)
      }
    }, 600_000)

    test('many signatures at once are judged as one by one', () => {
      for (const length of [0, 1, BATCH_FROM - 1, BATCH_FROM, BATCH_FROM + 1, 60]) {
        const items = signedBy(node, length, dice)
        expect(node.verifyAll(items)).toEqual(items.map(() => true))
        for (const spoil of [spoilSignature, spoilHash, spoilNonce, swapKey]) {
          const some = items.map((item, index) => (index % 7 === 3 ? spoil(item) : item))
          expect(node.verifyAll(some)).toEqual(some.map((_, index) => index % 7 !== 3))
        }
      }
      expect(noble.verifyAll(signedBy(node, 3, dice))).toEqual([true, true, true])
    })

    // The attack on a sum without coefficients: two errors that cancel out.
    test('two bad signatures do not make up for each other', () => {
      const items = signedBy(node, BATCH_FROM, dice)
      const moved = items.map((item, index) => (index < 2 ? moveBy(item, index === 0 ? 1n : -1n) : item))
      expect(node.verifyAll(moved)).toEqual(items.map((_, index) => index > 1))
    })

    test('one bad signature in 1,000 is found, and only that one of its hundred dropped', () => {
      const items = signedBy(node, 1_000, dice)
      const some = items.map((item, index) => (index === 617 ? moveBy(item, 1n) : item))
      const [good, spoiled] = [items, some].map((all) => equationsOf(all).map((equation) => must(equation)))
      expect([areAllTrue(must(good)), areAllTrue(must(spoiled))]).toEqual([true, false])
      expect(node.verifyAll(some.slice(600, 700))).toEqual(items.slice(600, 700).map((_, index) => index !== 17))
    })

    // Both engines' word on a signature, which must be one.
    function same(item: SignedByKey): boolean {
      const good = noble.verify(item)
      expect(node.verify(item)).toBe(good)
      return good
    }
  },
)

function symmetric(node: Engine, noble: Engine, dice: (length: number) => Uint8Array): void {
  const lengths = dice(4)
  const [short, long] = [lengths[0] ?? 0, (lengths[1] ?? 0) * 20]
  const [key, nonce, data, text] = [dice(32), dice(12), dice(long), dice(short)]
  expect(node.sha256(data)).toEqual(noble.sha256(data))
  expect(node.hmacSha256(text, [data, text])).toEqual(noble.hmacSha256(text, [data, text]))
  expect(node.hkdfExtract(text, data)).toEqual(noble.hkdfExtract(text, data))
  expect(node.hkdfExpand(key, text, short)).toEqual(noble.hkdfExpand(key, text, short))
  expect(Buffer.from(node.chacha20(key, nonce, data)).equals(noble.chacha20(key, nonce, data))).toBe(true)
}

test.skipIf(openssl === undefined)('hashes and ciphers refuse the same sizes', () => {
  const node = openssl ?? noble
  const bytes = (length: number) => new Uint8Array(length).fill(7)
  for (const [key, nonce, length] of [
    [32, 12, 0],
    [31, 12, 5],
    [33, 12, 5],
    [0, 12, 5],
    [32, 11, 5],
    [32, 13, 5],
    [32, 0, 5],
    [32, 12, 70_000],
  ] as const)
    expect(
      outcome(() => node.chacha20(bytes(key), bytes(nonce), bytes(length))),
      `${key} ${nonce}`,
    ).toEqual(outcome(() => noble.chacha20(bytes(key), bytes(nonce), bytes(length))))
  for (const length of [0, 1, 32, 33, 8_160, 8_161, 100_000])
    expect(
      outcome(() => node.hkdfExpand(bytes(32), bytes(3), length)),
      String(length),
    ).toEqual(outcome(() => noble.hkdfExpand(bytes(32), bytes(3), length)))
  for (const length of [0, 1, 63, 64, 65, 200]) {
    expect(node.hmacSha256(bytes(length), [])).toEqual(noble.hmacSha256(bytes(length), []))
    expect(node.hkdfExtract(bytes(length), bytes(0))).toEqual(noble.hkdfExtract(bytes(length), bytes(0)))
  }
})

// n signatures by three people.
function signedBy(engine: Engine, length: number, dice: (length: number) => Uint8Array): SignedByKey[] {
  const people = [dice(32), dice(32), dice(32)]
  return Array.from({ length }, (_, index) => {
    const [hash, secret] = [dice(32), must(people[index % 3])]
    return { signature: engine.sign(hash, secret, dice(32)), hash, key: must(engine.publicKey(secret)) }
  })
}

function moveBy({ signature, hash, key }: SignedByKey, by: bigint): SignedByKey {
  const s = toBytes(modOrder(toNumber(signature.subarray(32)) + by))
  return { signature: Buffer.concat([signature.subarray(0, 32), s]), hash, key }
}

function spoilSignature(item: SignedByKey): SignedByKey {
  return { ...item, signature: item.signature.map((byte, at) => (at === 63 ? byte ^ 1 : byte)) }
}

function spoilHash(item: SignedByKey): SignedByKey {
  return { ...item, hash: item.hash.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) }
}

function spoilNonce(item: SignedByKey): SignedByKey {
  return { ...item, signature: Buffer.concat([toBytes(5n), item.signature.subarray(32)]) }
}

function swapKey(item: SignedByKey): SignedByKey {
  return { ...item, key: must(noble.publicKey(toBytes(3n))) }
}

function flip(bytes: Uint8Array | undefined, dice: (length: number) => Uint8Array): void {
  const [where = 0, which = 0] = dice(2)
  const at = where % must(bytes).length
  must(bytes)[at] = (must(bytes)[at] ?? 0) ^ (1 << (which % 8))
}

function challenge(r: Uint8Array, key: Uint8Array, hash: Uint8Array): bigint {
  const tag = noble.sha256(Buffer.from('BIP0340/challenge'))
  return modOrder(toNumber(noble.sha256(Buffer.concat([tag, tag, r, key, hash]))))
}

function keyOf(secret: Uint8Array | undefined): Uint8Array {
  return must(noble.publicKey(must(secret)))
}

// A public key that starts with a zero byte: one in 256 does.
function leadingZero(engine: Engine): Uint8Array {
  for (let n = 1n; ; n++) {
    const key = must(engine.publicKey(toBytes(n)))
    if (key[0] === 0) return key
  }
}

function outcome(call: () => Uint8Array): Uint8Array | 'refused' {
  try {
    return call()
  } catch {
    return 'refused'
  }
}

function seeded(seed: string): (length: number) => Uint8Array {
  let count = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      createHash('sha256').update(`${seed} ${count++}`).digest(),
    )
    return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
  }
}
