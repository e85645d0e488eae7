// NIP-19: keys and profiles as text for people (npub, nsec, nprofile). Never on the wire, only typed, pasted and shown.
import { bech32 } from '@scure/base'
import { fromHex, isPubkey, toHex } from './crypto.ts'

export type DecodedNip19 =
  | { type: 'npub'; pubkey: string }
  | { type: 'nprofile'; pubkey: string; relays: string[] }
  | { type: 'nsec'; secret: Uint8Array }

/** NIP-19, Notes: "Bech32-formatted strings SHOULD be limited in size to 5000 characters." */
const MAX_TEXT = 5_000

// "nprofile", the separator and the checksum take 15 of them; a character carries 5 bits.
const MAX_PROFILE_BYTES = Math.floor(((MAX_TEXT - 15) * 5) / 8)

/** npub1… of a public key in hex. Throws RangeError on what is no 32 bytes of hex. */
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
 * nprofile1… of a public key and the relays where its owner is found. A relay that a profile cannot hold is left out: over
 * 255 bytes, not ASCII, or past the 5,000 characters. Throws RangeError on what is no public key.
 */
export function nprofileEncode(pubkey: string, relays: readonly string[]): string {
  const items = [0, 32, ...bytes32(fromHex(pubkey))]
  for (const relay of relays) {
    const fits = relay.length <= 255 && items.length + 2 + relay.length <= MAX_PROFILE_BYTES
    // NIP-19: relays are "encoded as ascii".
    if (fits && isAscii(relay)) items.push(1, relay.length, ...Buffer.from(relay, 'ascii'))
  }
  return bech32.encode('nprofile', bech32.toWords(Uint8Array.from(items)), MAX_TEXT)
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
