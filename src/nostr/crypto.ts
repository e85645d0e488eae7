// The mathematics: BIP-340 signatures and ECDH on secp256k1, SHA-256, HMAC, HKDF, ChaCha20, random bytes and hex.
// Two engines compute it, noble and node:crypto, with the same results; no other file depends on which of them is at work.
import { randomBytes as nodeRandomBytes, timingSafeEqual } from 'node:crypto'
import type { Engine } from './crypto/engine.ts'
import { noble } from './crypto/noble.ts'
import { opensslEngine } from './crypto/openssl.ts'

/** An identity: the 32-byte secret and the x-only public key as 64 lowercase hex digits (BIP-340). */
export type Keys = { readonly secret: Uint8Array; readonly pubkey: string }

/** A source of randomness: asked for n bytes, gives n bytes. */
export type RandomBytes = (length: number) => Uint8Array

/** A signature with what it is for: BIP-340's 64 bytes, the hash that was signed, and the author's public key in hex. */
export type SignedByPubkey = { signature: Uint8Array; hash: Uint8Array; pubkey: string }

let chosenEngine: Engine | undefined

// Asked for at the first use, since a command that computes nothing should not pay for the question.
function engine(): Engine {
  chosenEngine ??= (process.env.P2P_CRYPTO === 'noble' ? undefined : opensslEngine()) ?? noble
  return chosenEngine
}

/** Which engine computes: node:crypto where it can, else noble; P2P_CRYPTO=noble chooses noble. */
export function engineName(): 'node' | 'noble' {
  return engine() === noble ? 'noble' : 'node'
}

/** n bytes from the operating system's generator. */
export function randomBytes(length: number): Uint8Array {
  return nodeRandomBytes(length)
}

/**
 * A random whole number in [0, below), for `below` up to 2^32. It is 48 random bits modulo `below`: for the two days of
 * NIP-59 the bias is under 2^-30, which is fine for times and jitter. Keys and nonces are bytes and do not come from here.
 */
export function randomInt(below: number, random: RandomBytes = randomBytes): number {
  if (!Number.isSafeInteger(below) || below < 1 || below > 2 ** 32)
    throw new RangeError(`no random number below ${below}`)
  return random(6).reduce((sum, byte) => sum * 256 + byte, 0) % below
}

/** The key pair of a 32-byte secret; undefined for any other length, for zero, and from the group order upwards. */
export function keysFrom(secret: Uint8Array): Keys | undefined {
  const own = Uint8Array.from(secret)
  const key = engine().publicKey(own)
  return key === undefined ? undefined : { secret: own, pubkey: toHex(key) }
}

/** A fresh key pair. Throws when the random number is no key: by chance that happens once in 2^128. */
export function randomKeys(random: RandomBytes = randomBytes): Keys {
  const keys = keysFrom(random(32))
  if (keys === undefined) throw new Error('the random number is no secp256k1 key')
  return keys
}

/** The 64-byte BIP-340 signature of a hash. `aux` is BIP-340's auxiliary randomness, 32 bytes. Throws on a secret that is no key. */
export function sign(hash: Uint8Array, secret: Uint8Array, aux: Uint8Array = randomBytes(32)): Uint8Array {
  return engine().sign(hash, secret, aux)
}

/** Whether a BIP-340 signature is good. False for whatever is malformed; never throws. */
export function verify(signature: Uint8Array, hash: Uint8Array, pubkey: string): boolean {
  const key = fromHex(pubkey)
  return key?.length === 32 && signature.length === 64 && engine().verify({ signature, hash, key })
}

/** `verify` of each, and much faster than one after the other from a few dozen on. */
export function verifyAll(items: readonly SignedByPubkey[]): boolean[] {
  const formed = items.flatMap(({ signature, hash, pubkey }, index) => {
    const key = fromHex(pubkey)
    return key?.length === 32 && signature.length === 64 ? [{ index, signature, hash, key }] : []
  })
  const good = engine().verifyAll(formed)
  const all = items.map(() => false)
  for (const [at, { index }] of formed.entries()) all[index] = good[at] === true
  return all
}

/** The unhashed 32-byte x coordinate of secret · pubkey (NIP-44's shared_x); undefined when either is no valid key. */
export function sharedX(secret: Uint8Array, pubkey: string): Uint8Array | undefined {
  const key = fromHex(pubkey)
  return key?.length === 32 ? engine().sharedX(secret, key) : undefined
}

/** Whether a text is 64 lowercase hex digits: the shape of ids and public keys in NIP-01. */
export function isHex32(text: string): boolean {
  return text.length === 64 && /^[0-9a-f]*$/.test(text)
}

/** Whether a text is a public key that can be written to: 64 lowercase hex digits and the x of a point on the curve. */
export function isPubkey(text: string): boolean {
  const known = judgedKeys.get(text)
  if (known !== undefined) return known
  const key = isHex32(text) ? fromHex(text) : undefined
  const isKey = key !== undefined && engine().isPoint(key)
  if (judgedKeys.size >= MAX_JUDGED) judgedKeys.clear()
  if (text.length === 64) judgedKeys.set(text, isKey)
  return isKey
}

// A run asks for the same few keys again and again.
const judgedKeys = new Map<string, boolean>()
const MAX_JUDGED = 1_000

/** SHA-256 (FIPS 180-4), 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return engine().sha256(bytes)
}

/** HMAC-SHA256 (RFC 2104) of the messages, joined in this order. */
export function hmacSha256(key: Uint8Array, ...messages: readonly Uint8Array[]): Uint8Array {
  return engine().hmacSha256(key, messages)
}

/** HKDF-Extract with SHA-256 (RFC 5869 2.2): 32 bytes. */
export function hkdfExtract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
  return engine().hkdfExtract(salt, keyMaterial)
}

/** HKDF-Expand with SHA-256 (RFC 5869 2.3): `length` bytes, at most 8,160. */
export function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return engine().hkdfExpand(key, info, length)
}

/** ChaCha20 (RFC 8439) from block 0: encrypts and decrypts. 32-byte key, 12-byte nonce. */
export function chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  return engine().chacha20(key, nonce, data)
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
