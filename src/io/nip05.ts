// Whose a NIP-05 name is: asked of its domain, over HTTPS only.
import { type Nip05Address, type Nip05Entry, nip05Url, parseNip05Document } from '../nostr/nip05.ts'
import { isPrivate } from '../nostr/relay-url.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import type { HttpRoute } from './http/agent.ts'
import { get } from './http/get.ts'

export type Nip05Inquiry = {
  routeTo: (address: string) => HttpRoute | Promise<HttpRoute>
  /** Whether a domain may lie in our own network. */
  allowPrivate: boolean
  /** Milliseconds that the domain has, at most `MAX_MS`. */
  ms: number
  /** The certificate to trust in place of the known authorities', in PEM. */
  ca?: string | undefined
}

/** Most milliseconds and bytes for one document. */
const MAX_MS = 3_000
const MAX_BYTES = 65_536

/** The key behind a name and where it may be found, or why nobody knows. Never rejects. */
export async function lookUpNip05(
  address: Nip05Address,
  inquiry: Nip05Inquiry,
): Promise<Nip05Entry | { why: Foreign }> {
  const { routeTo, allowPrivate, ms, ca } = inquiry
  const url = nip05Url(address)
  // A stranger may have given us the name: it must not make us talk to what is inside our own network.
  if (!allowPrivate && isPrivate(url)) return { why: foreign`${address.domain} lies in a private network` }
  // NIP-05: "Fetchers MUST ignore any HTTP redirects given by the /.well-known/nostr.json endpoint."
  const bounds = { ms: Math.min(MAX_MS, ms), maxBytes: MAX_BYTES }
  const got = await get(url, { accept: 'application/json', route: routeTo(url), ...bounds, ca })
  if (!got.ok) return { why: foreign`${address.domain}: ${got.why}` }
  const entry = parseNip05Document(got.text, address.name)
  return entry ?? { why: foreign`${address.domain} knows nobody called '${address.name}'` }
}
