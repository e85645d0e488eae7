// NIP-13, proof of work: how much of it an event carries, and the search for a nonce.
import { sha256 } from './crypto.ts'
import { type Rumor, serialize } from './event.ts'

/** What is hashed: an event that is neither named nor signed yet. */
export type Unhashed = Omit<Rumor, 'id'>

export type MiningOptions = {
  /** Unix milliseconds; when it has passed the search ends without a result. */
  deadline: number
  clock: () => number
  /** Told now and then how many hashes were tried. */
  progress?: (tried: number) => void
}

/** Bits of work that an event both commits to and carries, at most 256; 0 without a nonce tag. */
export function difficulty({ id, tags }: Pick<Rumor, 'id' | 'tags'>): number {
  const nonce = tags.find((t) => t[0] === 'nonce')
  const target = /^\d{1,3}$/.test(nonce?.[2] ?? '') ? Number(nonce?.[2]) : 0
  // "if you require 40 bits … reject a committed target difficulty of 30": what was luck does not count.
  return Math.min(leadingZeroBits(id), target)
}

/** The same event with a nonce that gives its id at least that many leading zero bits; undefined when time was up before. */
export function mine(
  event: Unhashed,
  bits: number,
  { deadline, clock, progress }: MiningOptions,
): Unhashed | undefined {
  if (bits <= 0) return event
  const { bytes, at } = hashInput(event, bits)
  for (let n = 0; n < 10 ** NONCE_WIDTH; n++) {
    if (n % 4096 === 0 && n > 0) {
      progress?.(n)
      if (clock() > deadline) return undefined
    }
    for (let i = at + NONCE_WIDTH - 1, rest = n; i >= at; i--, rest = Math.floor(rest / 10))
      bytes[i] = ZERO_BYTE + (rest % 10)
    if (zeroBits(sha256(bytes)) >= bits) return withNonce(event, String(n).padStart(NONCE_WIDTH, '0'), bits)
  }
  return undefined
}

/** Leading zero bits of 64 hex digits. */
export function leadingZeroBits(id: string): number {
  const digits = /^0*/.exec(id)?.[0].length ?? 0
  const next = id[digits]
  return next === undefined ? 256 : digits * 4 + Math.clz32(Number.parseInt(next, 16)) - 28
}

/** Digits of a nonce, and the byte of a 0. */
const NONCE_WIDTH = 12
const ZERO_BYTE = 0x30

function withNonce(event: Unhashed, nonce: string, bits: number): Unhashed {
  return { ...event, tags: [...event.tags, ['nonce', nonce, String(bits)]] }
}

// The bytes that are hashed, made once, and where in them the nonce is: to make the text anew for every try would take most of the time.
function hashInput(event: Unhashed, bits: number): { bytes: Uint8Array; at: number } {
  const bytes = Buffer.from(serialize(withNonce(event, '0'.repeat(NONCE_WIDTH), bits)), 'utf8')
  // Counted from the end: the nonce is in the last tag, so the length of what follows it is known.
  const behind = `","${bits}"]],${JSON.stringify(event.content)}]`
  return { bytes, at: bytes.length - Buffer.byteLength(behind) - NONCE_WIDTH }
}

function zeroBits(hash: Uint8Array): number {
  const first = hash.findIndex((byte) => byte !== 0)
  return first === -1 ? 256 : first * 8 + Math.clz32(hash[first] ?? 0) - 24
}
