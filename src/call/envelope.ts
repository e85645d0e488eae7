// A rumor in its envelope: sealed and gift-wrapped for one receiver, and opened again.
import type { Keys } from '../nostr/crypto.ts'
import type { Event, Rumor } from '../nostr/event.ts'
import { difficulty } from '../nostr/nip13.ts'
import { type Postage, wrap, wrapKind, wrapSize } from '../nostr/nip59.ts'
import type { Unwrapped } from '../nostr/unwrap.ts'

/** How long a relay is asked to keep a wrap (NIP-40), in seconds. */
export const RETENTION = 7 * 24 * 3600

/** strfry's default: no event may be larger, as normalised JSON in bytes. */
export const WRAP_LIMIT = 65_536

export const WRAP = wrapKind

/** `recent`: stamps of now, for a relay that refuses backdated ones. `work`: the proof of work that the receiver wants. */
export type Sealing = { now: number; recent?: boolean; work?: Postage['work'] }

/** A wrap for one receiver. */
export function seal(rumor: Rumor, to: string, keys: Keys, { now, recent = false, work }: Sealing): Event {
  return wrap(rumor, keys, to, { now, expiration: now + RETENTION, recent, ...(work === undefined ? {} : { work }) })
}

/** Whether every relay with the usual limit takes the wrap of this rumor. */
export function fits(rumor: Rumor): boolean {
  return wrapSize(rumor, { expiration: rumor.created_at + RETENTION }) < WRAP_LIMIT
}

/** A wrap that was opened, or why it could not be. `stamp` is its created_at, `bits` its proof of work. */
export type Opened = { wrap: string; stamp: number; bits: number; rumor?: Rumor; reason?: string }

/** What stands on the outside of a wrap. */
export type Cover = Pick<Opened, 'wrap' | 'stamp' | 'bits'>

export function coverOf(event: Event): Cover {
  return { wrap: event.id, stamp: event.created_at, bits: difficulty(event) }
}

/** What a wrap has come to. */
export function openedFrom(cover: Cover, result: Unwrapped): Opened {
  return result.ok ? { ...cover, rumor: result.rumor } : { ...cover, reason: result.reason }
}
