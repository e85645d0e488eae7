// Points and scalars of secp256k1 (SEC 2, 2.4.1), as far as node:crypto lets OpenSSL compute with them.
import { createECDH, createHash, createPublicKey, ECDH, type KeyObject } from 'node:crypto'
import { Point } from '@noble/secp256k1'

const CURVE = 'secp256k1'

// SubjectPublicKeyInfo (RFC 5480) of this curve, up to the point itself: 65 bytes in full, or 33 compressed.
const SPKI_FULL = Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex')
const SPKI_EVEN = Buffer.from('3036301006072a8648ce3d020106052b8104000a03220002', 'hex')

/**
 * Whether this OpenSSL knows the curve: by the base point, whose y follows from the curve's equation. A multiplication would say
 * no more, and every command would pay for it. Throws, or says no, where the curve is unknown.
 */
export function hasCurve(): boolean {
  createECDH(CURVE)
  return liftX(toBytes(Point.BASE.x))?.y === Point.BASE.y
}

/** A key pair whose secret is 32 bytes from 1 to the order less one; throws on any other. */
export function keyPairOf(secret: Uint8Array): ECDH {
  const pair = createECDH(CURVE)
  pair.setPrivateKey(secret)
  return pair
}

/** k times the base point, for k from 1 to the order less one. */
export function timesBase(k: bigint): Point {
  return pointFrom(keyPairOf(toBytes(k)).getPublicKey())
}

/** BIP-340, lift_x: the point with that x and an even y; undefined when there is none. */
export function liftX(x: Uint8Array): Point | undefined {
  try {
    const full = ECDH.convertKey(evenPoint(x), CURVE, undefined, undefined, 'uncompressed')
    return typeof full === 'string' ? undefined : pointFrom(full)
  } catch {
    return undefined
  }
}

/** SEC 1's encoding of the point with that x and an even y. */
export function evenPoint(x: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(2), x])
}

/** The point that `even` encodes, as a key for OpenSSL. Throws when it is not on the curve. */
export function evenPublicKey(x: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_EVEN, x]), format: 'der', type: 'spki' })
}

/** A point other than infinity, as a key for OpenSSL. */
export function publicKeyAt({ x, y }: { x: bigint; y: bigint }): KeyObject {
  const point = Buffer.concat([SPKI_FULL, Uint8Array.of(4), toBytes(x), toBytes(y)])
  return createPublicKey({ key: point, format: 'der', type: 'spki' })
}

/** BIP-340: SHA-256 of the tag's hash, twice, and the messages. */
export function taggedHash(tag: string, ...messages: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(tagPrefix(tag))
  for (const message of messages) hash.update(message)
  return hash.digest()
}

const tagPrefixes = new Map<string, Buffer>()

function tagPrefix(tag: string): Buffer {
  const known = tagPrefixes.get(tag)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(`BIP0340/${tag}`).digest()
  const start = Buffer.concat([hash, hash])
  tagPrefixes.set(tag, start)
  return start
}

// SEC 1, 2.3.3: 04, then x, then y.
function pointFrom(full: Buffer): Point {
  return Point.fromAffine({ x: toNumber(full.subarray(1, 33)), y: toNumber(full.subarray(33)) })
}

/** How many points the group has: scalars are reduced modulo this. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Bytes, big-endian, as a number. */
export function toNumber(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt(`0x0${hex}`)
}

/** A number below 2^256 as 32 bytes, big-endian. */
export function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

/** A number modulo the order, from 0 upwards. */
export function modOrder(value: bigint): bigint {
  const rest = value % ORDER
  return rest < 0n ? rest + ORDER : rest
}
