// Who may come in, and how much: the policy on requests from strangers, and bounds on what one key may send in a day.
// Whoever is dropped here is counted, never answered, but for one rejection a day.
import type { Trust } from '../call/people.ts'
import type { Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import type { Meter } from './book.ts'

export type Gate = {
  trust: (pubkey: string) => Trust
  calls: 'anyone' | 'contacts' | 'nobody'
  silent: boolean
  /** NIP-13 bits that a stranger's wrap must carry. */
  pow: number
}

/** What one key, and all strangers together, may bring in a day. Contacts are bounded by the sizes of calls alone. */
const DAY = {
  sender: { requests: 20, rumors: 20_000, bytes: 256 * 1024 * 1024 },
  strangers: { requests: 200, rumors: 50_000, bytes: 512 * 1024 * 1024 },
}

/** Ringing calls from unknown keys; the oldest unanswered one makes room for a new one. */
export const RINGING = 20

/** Most keys that a day's meter tells apart. */
const SENDERS = 2_000

/** Whether the policy lets this key call. The owner always may. */
export function mayCall({ calls }: Pick<Gate, 'calls'>, trust: Trust): boolean {
  if (trust === 'owner') return true
  if (trust === 'blocked' || calls === 'nobody') return false
  return calls === 'anyone' || trust !== 'unknown'
}

/** Why a rumor is dropped before it is looked at, if it is; counts it otherwise. */
export function overBounds(meter: Meter, rumor: Rumor, request: boolean, gate: Gate): string | undefined {
  const trust = gate.trust(rumor.pubkey)
  if (trust !== 'unknown') return undefined
  const size = rumor.content.length + 500
  const own = meter.senders[rumor.pubkey] ?? { requests: 0, rumors: 0, bytes: 0 }
  const all = meter.strangers
  if (own.rumors >= DAY.sender.rumors || own.bytes + size > DAY.sender.bytes) return 'sender-bound'
  if (all.rumors >= DAY.strangers.rumors || all.bytes + size > DAY.strangers.bytes) return 'strangers-bound'
  if (request && own.requests >= DAY.sender.requests) return 'sender-bound'
  if (request && all.requests >= DAY.strangers.requests) return 'strangers-bound'
  if (meter.senders[rumor.pubkey] === undefined && Object.keys(meter.senders).length >= SENDERS)
    return 'strangers-bound'
  const more = { requests: request ? 1 : 0, rumors: 1, bytes: size }
  meter.senders[rumor.pubkey] = sum(own, more)
  meter.strangers = sum(all, more)
  return undefined
}

/** Why a stranger's request or letter is not heard at all. */
export function unworked(bits: number, trust: Trust, { pow }: Gate): string | undefined {
  return trust === 'unknown' && bits < pow ? 'pow' : undefined
}

/** A meter for today; the one of a day that is over counts no more. */
export function meterFor(meter: Meter, now: number): Meter {
  const day = Math.floor(now / 86_400)
  const zero = { requests: 0, rumors: 0, bytes: 0 }
  return meter.day === day
    ? { ...meter, senders: { ...meter.senders } }
    : { day, senders: {}, strangers: zero, refused: {} }
}

/** The unanswered calls of strangers that must make room for one more. */
export function crowdedOut(ringing: readonly Pick<Signal, 'id' | 'at'>[]): string[] {
  return ringing
    .toSorted((a, b) => a.at - b.at)
    .slice(0, Math.max(0, ringing.length - RINGING))
    .map((s) => s.id)
}

function sum(a: Meter['strangers'], b: Meter['strangers']): Meter['strangers'] {
  return { requests: a.requests + b.requests, rumors: a.rumors + b.rumors, bytes: a.bytes + b.bytes }
}
