// The mathematics: BIP-340 signatures and ECDH on secp256k1, SHA-256, HMAC, HKDF, ChaCha20, dice and hex.
// The only file that imports noble or node:crypto, so what computes them can change without any other file noticing.
import { randomBytes as nodeRandomBytes, timingSafeEqual } from 'node:crypto'
import { chacha20 as nobleChacha20 } from '@noble/ciphers/chacha.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { getSharedSecret, hashes, schnorr, utils } from '@noble/secp256k1'

// noble-secp256k1 brings no hash of its own and throws at the first signature until it is given one.
hashes.sha256 = nobleSha256
hashes.hmacSha256 = (key, message) => hmac(nobleSha256, key, message)

/** An identity: the 32-byte secret and the x-only public key as 64 lowercase hex digits (BIP-340). */
export type Keys = { readonly secret: Uint8Array; readonly pubkey: string }

/** A source of randomness: asked for n bytes, gives n bytes. */
export type Dice = (length: number) => Uint8Array

/** n bytes from the operating system's generator. */
export function randomBytes(length: number): Uint8Array {
  return nodeRandomBytes(length)
}

/**
 * A random whole number in [0, below), for `below` up to 2^32. It is 48 random bits modulo `below`: for the two days of
 * NIP-59 the bias is under 2^-30, which is fine for times and jitter. Keys and nonces are bytes and do not come from here.
 */
export function randomInt(below: number, dice: Dice = randomBytes): number {
  if (!Number.isSafeInteger(below) || below < 1 || below > 2 ** 32) throw new RangeError(`no dice with ${below} sides`)
  return dice(6).reduce((sum, byte) => sum * 256 + byte, 0) % below
}

/** The key pair of a 32-byte secret; undefined for any other length, for zero, and from the group order upwards. */
export function keysFrom(secret: Uint8Array): Keys | undefined {
  if (!utils.isValidSecretKey(secret)) return undefined
  const own = Uint8Array.from(secret)
  return { secret: own, pubkey: toHex(schnorr.getPublicKey(own)) }
}

/** A fresh key pair. Throws when the dice give a number that is no key: by chance that happens once in 2^128. */
export function randomKeys(dice: Dice = randomBytes): Keys {
  const keys = keysFrom(dice(32))
  if (keys === undefined) throw new Error('the dice gave a number that is no secp256k1 key')
  return keys
}

/** The 64-byte BIP-340 signature of a hash. `aux` is BIP-340's auxiliary randomness, 32 bytes. Throws on a secret that is no key. */
export function sign(hash: Uint8Array, secret: Uint8Array, aux: Uint8Array = randomBytes(32)): Uint8Array {
  return schnorr.sign(hash, secret, aux)
}

/** Whether a BIP-340 signature is good. False for whatever is malformed; never throws. */
export function verify(signature: Uint8Array, hash: Uint8Array, pubkey: string): boolean {
  const key = fromHex(pubkey)
  if (key?.length !== 32 || signature.length !== 64) return false
  try {
    return schnorr.verify(signature, hash, key)
  } catch {
    return false
  }
}

/** The unhashed 32-byte x coordinate of secret · pubkey (NIP-44's shared_x); undefined when either is no valid key. */
export function sharedX(secret: Uint8Array, pubkey: string): Uint8Array | undefined {
  const point = evenPoint(pubkey)
  if (point === undefined || !utils.isValidSecretKey(secret)) return undefined
  try {
    return getSharedSecret(secret, point).subarray(1)
  } catch {
    return undefined
  }
}

/** Whether a text is 64 lowercase hex digits: the shape of ids and public keys in NIP-01. */
export function isHex32(text: string): boolean {
  return text.length === 64 && /^[0-9a-f]*$/.test(text)
}

/** Whether a text is a public key that can be talked to: 64 lowercase hex digits and the x of a point on the curve. */
export function isPubkey(text: string): boolean {
  const point = isHex32(text) ? evenPoint(text) : undefined
  return point !== undefined && utils.isValidPublicKey(point, true)
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

/** HMAC-SHA256 (RFC 2104) of the messages one after the other. */
export function hmacSha256(key: Uint8Array, ...messages: readonly Uint8Array[]): Uint8Array {
  const mac = hmac.create(nobleSha256, key)
  for (const message of messages) mac.update(message)
  return mac.digest()
}

/** HKDF-Extract with SHA-256 (RFC 5869 2.2): 32 bytes. */
export function hkdfExtract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
  return extract(nobleSha256, keyMaterial, salt)
}

/** HKDF-Expand with SHA-256 (RFC 5869 2.3): `length` bytes, at most 8,160. */
export function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return expand(nobleSha256, key, info, length)
}

/** ChaCha20 (RFC 8439) from block 0: encrypts and decrypts. 32-byte key, 12-byte nonce. */
export function chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  return nobleChacha20(key, nonce, data)
}

/** Whether two byte arrays are equal, in a time that does not tell where they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Bytes as lowercase hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Hex of either case as bytes; undefined for anything else (Buffer alone would stop silently at the first bad digit). */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

// BIP-340: an x-only key stands for the point with that x and an even y, which SEC 1 writes with the prefix 02.
function evenPoint(pubkey: string): Uint8Array | undefined {
  const x = fromHex(pubkey)
  return x?.length === 32 ? Uint8Array.of(2, ...x) : undefined
}
