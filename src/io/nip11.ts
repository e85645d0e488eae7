// What a relay says of itself (NIP-11), asked over HTTP at the address of its WebSocket.
import { parseRelayInfo, type RelayInfo } from '../nostr/nip11.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import type { HttpRoute } from './http/agent.ts'
import { get } from './http/get.ts'

/** Most bytes of a document. */
const MAX_BYTES = 65_536

/** What was found, or why not; and our clock minus the relay's, in seconds, when it told its time. */
export type RelayIntroduction = { info?: RelayInfo; why?: Foreign; clockAhead?: number }

/** Asks a relay what it says of itself, for at most `ms` milliseconds. Never rejects. */
export async function fetchRelayInfo(relay: string, route: Promise<HttpRoute>, ms: number): Promise<RelayIntroduction> {
  // NIP-11: "made available as a JSON document over HTTP, on the same URI as the relay's websocket".
  const address = relay.replace(/^ws/, 'http')
  const got = await get(address, { accept: 'application/nostr+json', route, ms, maxBytes: MAX_BYTES })
  if (!got.ok) return { why: got.why }
  const info = parseRelayInfo(got.text)
  const clock = got.clockAhead === undefined ? {} : { clockAhead: got.clockAhead }
  return info === undefined ? { ...clock, why: foreign`what it sent is no relay information` } : { ...clock, info }
}
