// NIP-19: keys and profiles as text for people (npub, nsec, nprofile). Never on the wire, only typed, pasted and shown.
import { bech32 } from '@scure/base'
import { fromHex, isPubkey, toHex } from './crypto.ts'

/** What such a text stands for; keys are lowercase hex. */
export type DecodedNip19 =
  | { type: 'npub'; pubkey: string }
  | { type: 'nprofile'; pubkey: string; relays: string[] }
  | { type: 'nsec'; secret: Uint8Array }

/** NIP-19, Notes: "Bech32-formatted strings SHOULD be limited in size to 5000 characters." */
const MAX_TEXT = 5_000

/** npub1… of a public key in hex. Throws RangeError on anything but 32 bytes of hex. */
export function npubEncode(pubkey: string): string {
  const known = npubs.get(pubkey)
  if (known !== undefined) return known
  const npub = bech32.encodeFromBytes('npub', bytes32(fromHex(pubkey)))
  if (npubs.size >= MAX_NPUBS) npubs.clear()
  npubs.set(pubkey, npub)
  return npub
}

// Each of many lines names the same few agents.
const npubs = new Map<string, string>()
const MAX_NPUBS = 500

/** nsec1… of a 32-byte secret. Throws RangeError on any other length. */
export function nsecEncode(secret: Uint8Array): string {
  return bech32.encodeFromBytes('nsec', bytes32(secret))
}

/**
 * What a text stands for; undefined for everything else: another prefix, a bad checksum, too long, bytes missing, a public
 * key that is not on the curve. Upper case is as good as lower, a mix is refused (BIP-173). Never throws.
 */
export function decodeNip19(text: string): DecodedNip19 | undefined {
  const parts = bech32.decodeUnsafe(text, MAX_TEXT)
  const bytes = parts && bech32.fromWordsUnsafe(parts.words)
  if (!parts || !bytes) return undefined
  if (parts.prefix === 'npub') {
    const pubkey = pubkeyFrom(bytes)
    return pubkey === undefined ? undefined : { type: 'npub', pubkey }
  }
  if (parts.prefix === 'nsec') return bytes.length === 32 ? { type: 'nsec', secret: bytes } : undefined
  return parts.prefix === 'nprofile' ? decodeProfile(bytes) : undefined
}

function decodeProfile(bytes: Uint8Array): DecodedNip19 | undefined {
  let pubkey: string | undefined
  const relays: string[] = []
  let at = 0
  while (at < bytes.length) {
    const length = bytes[at + 1]
    if (length === undefined || at + 2 + length > bytes.length) return undefined
    const type = bytes[at]
    const value = bytes.subarray(at + 2, at + 2 + length)
    at += 2 + length
    if (type === 0) {
      // The first one counts. A second would let one text name two people to two programs.
      if (pubkey !== undefined) return undefined
      pubkey = pubkeyFrom(value)
      if (pubkey === undefined) return undefined
    }
    const text = Buffer.from(value).toString('latin1')
    if (type === 1 && isAscii(text)) relays.push(text)
    // NIP-19, Notes: TLVs "that are not recognized or supported should be ignored, rather than causing an error".
  }
  return pubkey === undefined ? undefined : { type: 'nprofile', pubkey, relays }
}

function pubkeyFrom(bytes: Uint8Array): string | undefined {
  const pubkey = toHex(bytes)
  return isPubkey(pubkey) ? pubkey : undefined
}

function bytes32(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes?.length !== 32) throw new RangeError('a key has 32 bytes')
  return bytes
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text)
}
