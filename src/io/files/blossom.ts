// What is exchanged with a Blossom server beside the bytes (BUD-01, BUD-02, BUD-11): who asks, and what the server answered.
import { fields, ownValue, parseJson, text } from '../../json.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { finalize } from '../../nostr/event.ts'
import { isLoopback } from '../../nostr/relay-url.ts'
import { type Foreign, foreignLine } from '../../sanitize.ts'

/** BUD-11: the kind of an event that permits a server one thing. */
const AUTH_KIND = 24_242

/** Seconds that a token is valid: an upload of the largest file on a slow line ends within them. */
const AUTH_VALID = 6 * 3600

/** Seconds that a token is dated back. BUD-11, Validation: "created_at … MUST be in the past", by the server's clock and not ours. */
const AUTH_BACKDATED = 60

/** The Authorization header that permits one upload (BUD-11). `sha256` of its bytes, in hex; `size`: how many; `now`: unix seconds. */
export function authHeader(keys: Keys, { sha256, size }: { sha256: string; size: number }, now: number): string {
  const tags = [
    ['t', 'upload'],
    ['x', sha256],
    ['size', String(size)],
    ['expiration', String(now + AUTH_VALID)],
  ]
  const token = finalize({ kind: AUTH_KIND, created_at: now - AUTH_BACKDATED, tags, content: 'Upload a file' }, keys)
  const json = JSON.stringify(token)
  // BUD-11 wants base64url without padding, older servers know base64 with it. Text of these letters is the same in both
  // alphabets, and at a length of three nothing is padded.
  return `Nostr ${Buffer.from(json.padEnd(Math.ceil(json.length / 3) * 3)).toString('base64')}`
}

/** The address for uploads to a server (BUD-02). */
export function uploadAddress(server: string): URL {
  return new URL('/upload', server)
}

/**
 * The address in a blob descriptor (BUD-02) of the bytes that we have sent; undefined where it is no descriptor of them, or the address is
 * one that receivers refuse.
 */
export function addressIn(descriptor: string, sha256: string): string | undefined {
  const stored = blob(parseJson(descriptor))
  if (stored?.sha256 !== sha256 || stored.url.length > 1_000 || !URL.canParse(stored.url)) return undefined
  const { protocol, hostname, href } = new URL(stored.url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)) ? href : undefined
}

const blob = fields<{ url: string; sha256: string }>({ url: text, sha256: text })

/** Why a server refused: "a human-readable header X-Reason that can be displayed to the user" (BUD-01), else the body's `message`. */
export function reasonIn(header: string | string[] | undefined, body: string): Foreign {
  const reason = Array.isArray(header) ? header[0] : header
  return foreignLine(reason ?? text(ownValue(parseJson(body), 'message')) ?? '')
}
