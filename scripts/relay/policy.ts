// What a relay asks of its clients and lets them do, as its operator has set it up.
import type { Event } from '../../src/nostr/event.ts'
import type { AuthPolicy } from './access.ts'

/** The rules of one relay. */
export interface RelayPolicy {
  auth: AuthPolicy
  /** `nip67`: EOSE says `finish` or `more`. */
  hints: 'none' | 'nip67'
  /** NIP-77: `refused` says in NIP-11 that it speaks it and then does not. */
  negentropy: 'none' | 'nip77' | 'refused'
  /** Most events for one filter. */
  limit: number
  /** Most questions that are open on one connection, REQs and sessions of NIP-77 together. */
  subscriptions: number
  /** Largest event, in bytes of its normalised JSON. */
  maxBytes: number
  /** Seconds by which created_at may be ahead of the relay's clock, and behind it. */
  future: number
  oldest: number
  /** Takes incoming events without checking their signature, for loading many. An AUTH is always checked. */
  trust: boolean
  /** Whose relay it says that it is (NIP-11 `pubkey`). */
  operator: string | undefined
  /** The URL that an AUTH must name where clients come through a proxy; else the relay's own. */
  serviceUrl: string | undefined
  /** The address that an AUTH must name letter for letter; any spelling of ours will do where this is left out. */
  exactUrl: string | undefined
  /** The relay's clock, in seconds. */
  now: () => number
  /** Hears what it does, as it does it. */
  onDeed: ((deed: RelayDeed) => void) | undefined
}

/** What a relay does, for whoever watches it. `event`: what became of one that came in; `asked`: for whose wraps a client has asked, which `left` may end. */
export type RelayDeed =
  | { type: 'event'; event: Event; accepted: boolean; reason: string; kept: boolean }
  | { type: 'asked'; connection: number; receiver: string }
  | { type: 'left'; connection: number }
