// The fast engine: node:crypto, where this Node's OpenSSL has the curve and the cipher. Some builds do not: those on
// BoringSSL, and those that allow only what FIPS lists. Its results are noble's, byte for byte.
import { createCipheriv, createHash, createHmac } from 'node:crypto'
import type { Engine, SignedByKey } from './engine.ts'
import { noble } from './noble.ts'
import { hasCurve, liftX, toBytes } from './openssl-curve.ts'
import { publicKey, sharedX, sign } from './openssl-secret.ts'
import { areAllTrue, equationsOf, isTrueEquation, type SignatureEquation } from './openssl-verify.ts'

/** From this many on, one equation for all is faster than one after the other. */
export const BATCH_FROM = 20

const engine: Engine = {
  publicKey,
  isPoint: (key) => liftX(key) !== undefined,
  sharedX(secret, key) {
    const shared = sharedX(secret, key)
    return shared === undefined ? undefined : plainArray(shared)
  },
  sign: (hash, secret, aux) => plainArray(sign(hash, secret, aux)),
  verify,
  verifyAll,
  sha256: (bytes) => plainArray(createHash('sha256').update(bytes).digest()),
  hmacSha256,
  hkdfExtract: (salt, keyMaterial) => hmacSha256(salt, [keyMaterial]),
  hkdfExpand,
  chacha20,
}

/** The engine, or undefined where OpenSSL cannot do it. Costs a millisecond, most of which the first use then saves. */
export function opensslEngine(): Engine | undefined {
  try {
    return isWorking() ? engine : undefined
  } catch {
    return undefined
  }
}

// Known answers rather than names: a cipher of the same name that reads its IV in another order would be worse than none.
function isWorking(): boolean {
  // RFC 8439, A.1, test vector 5: the key is zero and the nonce is two.
  const stream = chacha20(new Uint8Array(32), toBytes(2n).subarray(-12), new Uint8Array(16))
  return hasCurve() && toHex(stream) === 'c2c64d378cd536374ae204b9ef933fcd'
}

function toHex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}

function verify(item: SignedByKey): boolean {
  const [equation] = equationsOf([item])
  return verifyOne(equation, item)
}

function verifyAll(items: readonly SignedByKey[]): boolean[] {
  const equations = equationsOf(items)
  const possible = equations.filter((equation) => equation !== undefined)
  if (possible.length >= BATCH_FROM && areAllTrue(possible)) return equations.map((equation) => equation !== undefined)
  // One bad signature spoils the sum, which says nothing of the others: each is verified by itself.
  return items.map((item, index) => verifyOne(equations[index], item))
}

function verifyOne(equation: SignatureEquation | undefined, item: SignedByKey): boolean {
  if (equation === undefined) return false
  try {
    return isTrueEquation(equation) ?? noble.verify(item)
  } catch {
    return noble.verify(item)
  }
}

function hmacSha256(key: Uint8Array, messages: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key)
  for (const message of messages) mac.update(message)
  return plainArray(mac.digest())
}

// RFC 5869, 2.3. hkdfSync() always extracts first.
function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const count = Math.ceil(length / 32)
  if (count > 255) throw new RangeError(`HKDF gives at most 8,160 bytes, not ${length}`)
  const blocks: Uint8Array[] = []
  for (let n = 1; n <= count; n++) {
    blocks.push(hmacSha256(key, [blocks.at(-1) ?? new Uint8Array(0), info, Uint8Array.of(n)]))
  }
  return plainArray(Buffer.concat(blocks).subarray(0, length))
}

// OpenSSL's IV is the block counter in four bytes, then the nonce.
function chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  return plainArray(createCipheriv('chacha20', key, Buffer.concat([new Uint8Array(4), nonce])).update(data))
}

// The same bytes as a plain Uint8Array, which is what noble gives; a Buffer behaves otherwise in places.
function plainArray({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
