// What OpenSSL can do with points of secp256k1, through the doors that node:crypto leaves open.
// Numbers of 32 bytes, and the group of secp256k1 that they count (SEC 2, 2.4.1).
import { createECDH, createHash, createPublicKey, ECDH, type KeyObject } from 'node:crypto'
import { Point } from '@noble/secp256k1'

const curve = 'secp256k1'

// SubjectPublicKeyInfo (RFC 5480) of this curve, up to the point itself: 65 bytes in full, or 33 compressed.
const spkiFull = Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex')
const spkiEven = Buffer.from('3036301006072a8648ce3d020106052b8104000a03220002', 'hex')

/** A key pair whose secret is 32 bytes from 1 to the order less one; throws on any other. */
export function pairOf(secret: Uint8Array): ECDH {
  const pair = createECDH(curve)
  pair.setPrivateKey(secret)
  return pair
}

/** k times the base point, for k from 1 to the order less one. */
export function timesBase(k: bigint): Point {
  return pointIn(pairOf(toBytes(k)).getPublicKey())
}

/** BIP-340, lift_x: the point with that x and an even y; undefined when there is none. */
export function lift(x: Uint8Array): Point | undefined {
  try {
    const full = ECDH.convertKey(even(x), curve, undefined, undefined, 'uncompressed')
    return typeof full === 'string' ? undefined : pointIn(full)
  } catch {
    return undefined
  }
}

/** SEC 1's encoding of the point with that x and an even y. */
export function even(x: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(2), x])
}

/** The point that `even` encodes, as a key for OpenSSL. Throws when it is not on the curve. */
export function evenKey(x: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiEven, x]), format: 'der', type: 'spki' })
}

/** A point other than infinity, as a key for OpenSSL. */
export function keyAt({ x, y }: { x: bigint; y: bigint }): KeyObject {
  const point = Buffer.concat([spkiFull, Uint8Array.of(4), toBytes(x), toBytes(y)])
  return createPublicKey({ key: point, format: 'der', type: 'spki' })
}

/** BIP-340: SHA-256 of the tag's hash, twice, and the messages. */
export function tagged(tag: string, ...messages: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(startOf(tag))
  for (const message of messages) hash.update(message)
  return hash.digest()
}

const starts = new Map<string, Buffer>()

function startOf(tag: string): Buffer {
  const known = starts.get(tag)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(`BIP0340/${tag}`).digest()
  const start = Buffer.concat([hash, hash])
  starts.set(tag, start)
  return start
}

// SEC 1, 2.3.3: 04, then x, then y.
function pointIn(full: Buffer): Point {
  return Point.fromAffine({ x: toNumber(full.subarray(1, 33)), y: toNumber(full.subarray(33)) })
}

/** How many points the group has: scalars are reduced modulo this. */
export const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

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
export function reduce(value: bigint): bigint {
  const rest = value % order
  return rest < 0n ? rest + order : rest
}
