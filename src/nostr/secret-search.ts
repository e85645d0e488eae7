// Looks for our own secret key in what is about to leave, wherever it is: as bytes, as hex, as nsec, and as base64 of any of these.
// This stops a slip, and an agent that is talked into it; it does not stop one that cuts the key up and sends the halves.
import { toHex } from './crypto.ts'
import { nsecEncode } from './nip19.ts'

export type SecretSearch = {
  /** Whether the secret is in what has been given so far. Pieces may be cut anywhere. */
  sees(piece: Uint8Array): boolean
}

/** Begins a search for a secret in what is given piece by piece, in all of its forms, also across the cuts. */
export function openSecretSearch(secret: Uint8Array): SecretSearch {
  const views = viewsOf(secret).map((view) => ({ ...view, rest: Buffer.alloc(0) }))
  return {
    sees: (piece) =>
      views.some((view) => {
        const text = Buffer.concat([view.rest, view.filter(piece)])
        const longest = Math.max(...view.needles.map((needle) => needle.length))
        view.rest = Buffer.from(text.subarray(-longest))
        return view.needles.some((needle) => text.includes(needle))
      }),
  }
}

/** Whether the secret is in one of these texts or bytes. */
export function holdsSecret(secret: Uint8Array, contents: readonly (string | Uint8Array)[]): boolean {
  return contents.some((content) =>
    openSecretSearch(secret).sees(typeof content === 'string' ? Buffer.from(content) : content),
  )
}

/** Which of the bytes that come are looked at, and what is looked for in them. */
type View = { filter: (bytes: Uint8Array) => Uint8Array; needles: readonly Buffer[] }

function viewsOf(secret: Uint8Array): View[] {
  const [hex, nsec] = [toHex(secret), nsecEncode(secret)]
  const texts = [hex, hex.toUpperCase(), nsec, nsec.toUpperCase()].map((text) => Buffer.from(text))
  return [
    { filter: (bytes) => bytes, needles: [Buffer.from(secret)] },
    // Without whatever is between its letters: spaces, colons, quotes, the zeros of UTF-16.
    { filter: (bytes) => mapped(bytes, LETTERS), needles: [core(hex), core(nsec.slice('nsec1'.length, -CHECKSUM))] },
    {
      filter: (bytes) => mapped(bytes, BASE64),
      needles: [Buffer.from(secret), ...texts].flatMap((bytes) => [0, 1, 2].map((shift) => base64Inside(bytes, shift))),
    },
  ]
}

/** Letters of an nsec's checksum: without them it is as much of a secret. */
const CHECKSUM = 6

/** A text without two letters at each end: what is left of it still gives the secret away. */
function core(text: string): Buffer {
  return Buffer.from(text.slice(2, -2))
}

/** The letters of base64 that depend on these bytes alone, when they come `shift` bytes behind a multiple of three. */
function base64Inside(bytes: Buffer, shift: number): Buffer {
  const whole = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
  return Buffer.from(whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)))
}

/** For each byte the letter that it is read as, 0 where it is passed over. */
const LETTERS = table('abcdefghijklmnopqrstuvwxyz0123456789', (letter) => [letter, letter.toUpperCase()])
const BASE64 = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (letter) => [
  letter,
  // base64url
  ...(letter === '+' ? ['-'] : letter === '/' ? ['_'] : []),
])

function table(letters: string, spellings: (letter: string) => string[]): Uint8Array {
  const found = new Uint8Array(256)
  for (const letter of letters)
    for (const spelling of spellings(letter)) found[spelling.charCodeAt(0)] = letter.charCodeAt(0)
  return found
}

function mapped(bytes: Uint8Array, to: Uint8Array): Uint8Array {
  const kept = new Uint8Array(bytes.length)
  let length = 0
  // By number, which is twice as fast: a file may have gigabytes.
  for (let at = 0; at < bytes.length; at++) {
    const letter = to[bytes[at] ?? 0] ?? 0
    if (letter !== 0) kept[length++] = letter
  }
  return kept.subarray(0, length)
}
