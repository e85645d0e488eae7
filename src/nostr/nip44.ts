// NIP-44 version 2: text encrypted from one key to another. Who wrote it is for the signed event around it to say.
import { chacha20, equalBytes, hkdfExpand, hkdfExtract, hmacSha256, type Keys, randomBytes, sharedX } from './crypto.ts'

/**
 * Most bytes of plaintext that `encrypt` takes. NIP-44 knows longer ones since 2026, older clients do not, and no relay
 * would carry the event.
 */
export const MAX_PLAINTEXT = 65_535

/**
 * Most characters of payload that `decrypt` looks at: twice what strfry lets a WebSocket message have.
 * NIP-44, Implementation considerations: a bound of one's own, applied before base64 is decoded, against denial of service.
 */
export const MAX_PAYLOAD = 262_144

const VERSION = 2
const EXTENDED_FROM = 65_536
const SALT = Buffer.from('nip44-v2', 'utf8')
// With ignoreBOM a leading U+FEFF is text like any other, and what was encrypted is what comes out.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The 32-byte key that two people share, the same from either side; undefined when one of the keys is none. */
export function conversationKey(secret: Uint8Array, pubkey: string): Uint8Array | undefined {
  const shared = sharedX(secret, pubkey)
  return shared === undefined ? undefined : hkdfExtract(SALT, shared)
}

/**
 * `conversationKey` of an identity, computed once for each peer. The secret's array must not change while the process lives.
 */
export function cachedConversationKey({ secret }: Keys, pubkey: string): Uint8Array | undefined {
  const known = cachedKeys.get(secret) ?? new Map<string, Uint8Array | undefined>()
  cachedKeys.set(secret, known)
  // The attack: a program that listens for days is sent wraps by new authors without end.
  if (known.size >= MAX_CACHED_KEYS) known.clear()
  if (!known.has(pubkey)) known.set(pubkey, conversationKey(secret, pubkey))
  return known.get(pubkey)
}

const cachedKeys = new WeakMap<Uint8Array, Map<string, Uint8Array | undefined>>()
const MAX_CACHED_KEYS = 10_000

/**
 * The payload (base64) of 1 to `MAX_PLAINTEXT` bytes of text under a conversation key. A nonce must never be used twice.
 * Throws RangeError on text of any other length, and on a key or nonce that is not 32 bytes.
 */
export function encrypt(plaintext: string, key: Uint8Array, nonce: Uint8Array = randomBytes(32)): string {
  const text = Buffer.from(plaintext, 'utf8')
  if (text.length < 1 || text.length > MAX_PLAINTEXT) throw new RangeError(`cannot encrypt ${text.length} bytes`)
  if (key.length !== 32 || nonce.length !== 32) throw new RangeError('a key and a nonce have 32 bytes each')
  const padded = Buffer.alloc(2 + paddedLength(text.length))
  padded.writeUInt16BE(text.length)
  padded.set(text, 2)
  const keys = messageKeys(key, nonce)
  const ciphertext = chacha20(keys.chachaKey, keys.chachaNonce, padded)
  const mac = hmacSha256(keys.hmacKey, nonce, ciphertext)
  return Buffer.concat([Uint8Array.of(VERSION), nonce, ciphertext, mac]).toString('base64')
}

/** The text of a payload; undefined for whatever was not made with this key. Never throws. */
export function decrypt(payload: string, key: Uint8Array): string | undefined {
  const parts = payloadParts(payload)
  return parts && decryptParts(parts, key)
}

/** What a payload consists of; its MAC is still to be checked. */
export type PayloadParts = { nonce: Uint8Array; ciphertext: Uint8Array; mac: Uint8Array }

/** The parts of a payload of version 2, taken apart once for all the keys that may fit; undefined for anything else. */
export function payloadParts(payload: string): PayloadParts | undefined {
  // A payload of 132 characters is the shortest there is. A later version may start with '#', which is no base64 either.
  if (payload.length < 132 || payload.length > MAX_PAYLOAD) return undefined
  const data = Buffer.from(payload, 'base64')
  // Buffer skips what is not base64 and takes base64url too. With that, one message could be dressed up as many payloads.
  if (data.toString('base64') !== payload) return undefined
  if (data.length < 99 || data[0] !== VERSION) return undefined
  return { nonce: data.subarray(1, 33), ciphertext: data.subarray(33, -32), mac: data.subarray(-32) }
}

/** The text in the parts; undefined where they were not made with this key. Never throws. */
export function decryptParts({ nonce, ciphertext, mac }: PayloadParts, key: Uint8Array): string | undefined {
  if (key.length !== 32) return undefined
  const keys = messageKeys(key, nonce)
  if (!equalBytes(hmacSha256(keys.hmacKey, nonce, ciphertext), mac)) return undefined
  return unpad(Buffer.from(chacha20(keys.chachaKey, keys.chachaNonce, ciphertext)))
}

/** How many bytes a plaintext of n bytes (1 to 2^32 - 1) is padded to, without its length prefix. */
export function paddedLength(n: number): number {
  if (n <= 32) return 32
  const nextPower = 2 ** (32 - Math.clz32(n - 1))
  const chunk = nextPower <= 256 ? 32 : nextPower / 8
  return chunk * (Math.floor((n - 1) / chunk) + 1)
}

/** Characters of the payload of n bytes of plaintext. */
export function payloadLength(n: number): number {
  const prefix = n < EXTENDED_FROM ? 2 : 6
  return 4 * Math.ceil((1 + 32 + prefix + paddedLength(n) + 32) / 3)
}

/** The three keys of one message. Exported for NIP-44's own vectors. */
export function messageKeys(key: Uint8Array, nonce: Uint8Array) {
  const bytes = hkdfExpand(key, nonce, 76)
  return { chachaKey: bytes.subarray(0, 32), chachaNonce: bytes.subarray(32, 44), hmacKey: bytes.subarray(44, 76) }
}

function unpad(padded: Buffer): string | undefined {
  const short = padded.readUInt16BE(0)
  // NIP-44, Encryption 4: two zero bytes say that the length follows in four more. It is then never one that fits in two.
  const length = short === 0 ? padded.readUInt32BE(2) : short
  const start = short === 0 ? 6 : 2
  if (short === 0 && length < EXTENDED_FROM) return undefined
  if (padded.length !== start + paddedLength(length)) return undefined
  try {
    return utf8.decode(padded.subarray(start, start + length))
  } catch {
    return undefined
  }
}
