// What a relay asks of its clients and lets them do, as its operator has configured it.
import type { Event } from '../../src/nostr/event.ts'
import type { AuthPolicy } from './access.ts'

/** The rules of one relay. */
export interface RelayPolicy {
  auth: AuthPolicy
  /** `nip67`: EOSE says `finish` or `more`. */
  hints: 'none' | 'nip67'
  /** NIP-77. `refused`: it claims in NIP-11 to speak it, and refuses every session. */
  negentropy: 'none' | 'nip77' | 'refused'
  /** Most events for one filter. */
  limit: number
  /** Most questions that may be open on one connection, REQs and sessions of NIP-77 together. */
  subscriptions: number
  /** Bytes of the largest event, as normalised JSON. */
  maxBytes: number
  /** Seconds by which created_at may be ahead of the relay's clock; `oldest`: behind it. */
  future: number
  oldest: number
  /** Takes events without verifying their signatures, for loading many. An AUTH is always verified. */
  trust: boolean
  /** The pubkey of its operator, as in NIP-11. */
  operator: string | undefined
  /** The URL that an AUTH must name, where clients come through a proxy; undefined for the relay's own. */
  serviceUrl: string | undefined
  /** The address that an AUTH must name letter for letter; undefined to take any spelling. */
  exactUrl: string | undefined
  /** The relay's clock, unix seconds. */
  now: () => number
  /** Is told what the relay does. */
  onDeed: ((deed: RelayDeed) => void) | undefined
}

/** What a relay does. `event`: what became of an event; `asked`: for whose wraps a client has asked; `left`: a connection has ended. */
export type RelayDeed =
  | { type: 'event'; event: Event; accepted: boolean; reason: string; kept: boolean }
  | { type: 'asked'; connection: number; receiver: string }
  | { type: 'left'; connection: number }
