// Relays in memory that lose, repeat, delay, reorder, lie, refuse and forget. An envelope need not be encrypted here: then it has
// only the outside of one, and what is in it lies beside it. In some networks it is sealed, signed and encrypted as the program does it.

import type { PublishAnswer } from '../../src/io/relay/publish.ts'
import { type CallKey, isOfCall } from '../../src/nostr/call-key.ts'
import { type Keys, keysFrom, toHex } from '../../src/nostr/crypto.ts'
import type { Event, Rumor } from '../../src/nostr/event.ts'
import { type Filter, matchesFilter } from '../../src/nostr/filter.ts'
import { type GiftWrapOptions, RETENTION, wrap } from '../../src/nostr/nip59.ts'
import { foreign } from '../../src/sanitize.ts'
import type { Dice } from './dice.ts'

/** How a relay behaves for a while. */
export type Mood =
  | 'honest'
  | 'liar' // says OK and stores nothing
  | 'refuses' // stores nothing and says so
  | 'mute' // stores, but no OK and no EOSE comes through
  | 'slow' // stores, and shows it hours later
  | 'hiding' // leaves some out and says that this was all
  | 'down'

export const MOODS: readonly Mood[] = [
  'honest',
  'honest',
  'honest',
  'liar',
  'refuses',
  'mute',
  'slow',
  'hiding',
  'down',
]

/** `from`: the true time from which on it is shown; `until`: when it expires (NIP-40). */
type Stored = { event: Event; from: number; until: number }

/** `stored`: by receiver for wraps, under "" for everything else. */
export type Relay = { url: string; mood: Mood; stored: Map<string, Stored[]> }

export type Network = {
  relays: Relay[]
  /** Whether envelopes are encrypted and signed for real. */
  isSealed: boolean
  /** What is in envelopes, by their ids, and the call key under which it would be, in hex. */
  inside: Map<string, { rumor: Rumor; underKey?: string }>
  /** By the id of a rumor, each call key under which it was put into an envelope for somebody else, in hex; `OPEN` without one. */
  sealedWith: Map<string, Set<string>>
  dice: Dice
  /** Envelopes made so far. */
  made: number
  /** Everything that was acknowledged so far: whose key has named which id. */
  acked: Set<string>
}

/** A network of honest relays that hold nothing. @param isSealed whether wraps are sealed, signed and opened for real */
export function openNetwork(dice: Dice, count: number, isSealed = false): Network {
  const relays = Array.from({ length: count }, (_, i): Relay => {
    return { url: `wss://r${i}.example.com`, mood: 'honest', stored: new Map() }
  })
  return { relays, isSealed, inside: new Map(), sealedWith: new Map(), dice, made: 0, acked: new Set() }
}

const TWO_DAYS = 2 * 86_400
/** The identities' key. */
export const OPEN = 'open'
/** A key of nobody's. */
export const ONCE = 'f'.repeat(64)

/**
 * An envelope with nothing but an outside. `stampedAt`: unix seconds. `dated`: by a relay, which keeps an old one and has not its key; the seal in it
 * is the same.
 */
export function envelope(
  network: Network,
  rumor: Rumor,
  to: string,
  { stampedAt, callKey, dated }: { stampedAt: number; callKey?: CallKey | undefined; dated?: { underKey?: string } },
): Event {
  if (callKey !== undefined && (callKey.peer !== to || !isOfCall(rumor, callKey))) throw new Error('another key')
  const id = `${network.made + 1}`.padStart(64, 'e')
  const tags = [
    ['p', to],
    ['expiration', String(stampedAt + RETENTION)],
  ]
  const underKey = callKey === undefined ? dated?.underKey : toHex(callKey.key)
  note(network, id, rumor, to, underKey)
  const created_at = stampedAt - network.dice.below(TWO_DAYS)
  return { id, pubkey: ONE_TIME, created_at, kind: 1059, tags, content: '', sig: dated === undefined ? GOOD : BAD }
}

/** An envelope as its author makes it: in a network where they are sealed, encrypted and signed by the program's own functions. */
export function authorsEnvelope(
  network: Network,
  rumor: Rumor,
  to: string,
  { keys, ...options }: Omit<GiftWrapOptions, 'callKey'> & { keys: Keys; callKey?: CallKey | undefined },
): Event {
  const { now, callKey, keptFor = RETENTION } = options
  if (!network.isSealed) return envelope(network, rumor, to, { stampedAt: now, callKey })
  const random = (length: number) => Uint8Array.from({ length }, () => network.dice.below(256))
  const event = wrap(rumor, keys, to, { ...options, expiration: now + keptFor }, random)
  note(network, event.id, rumor, to, callKey && toHex(callKey.key))
  return event
}

/** Notes what is in an envelope, for whoever judges afterwards. */
function note(network: Network, id: string, rumor: Rumor, to: string, underKey: string | undefined): void {
  network.made++
  network.inside.set(id, { rumor, ...(underKey !== undefined && { underKey }) })
  // Nobody can sign a seal in the name of whom it is for.
  if (rumor.pubkey !== to)
    network.sealedWith.set(rumor.id, (network.sealedWith.get(rumor.id) ?? new Set()).add(underKey ?? OPEN))
  for (const [name, , acked] of rumor.tags)
    if (name === 'ack' && acked !== undefined) network.acked.add(ackOf(rumor.pubkey, acked))
}

/** How an acknowledgement is noted: by its author, and the id that it names. */
export function ackOf(pubkey: string, id: string): string {
  return `${pubkey} ${id}`
}

/** The keys of a secret; throws where it is none. */
export function keysOf(secret: Uint8Array): Keys {
  const keys = keysFrom(secret)
  if (keys === undefined) throw new Error('no key')
  return keys
}

// Who wraps anew is believed for the wrap's own signature. A real one is dear; here it says whether it is good.
const ONE_TIME = 'e'.repeat(64)
const GOOD = '0'.repeat(128)
const BAD = '1'.repeat(128)

/** Whether a wrap is from whoever has its key. */
export function isSignedInName({ sig }: { sig?: string }): boolean {
  return sig === GOOD
}

/** What a relay makes of an event at the true time `at`, unix seconds. `cut`: it is out of reach. */
export function publishTo(network: Network, url: string, event: Event, at: number, cut = false): PublishAnswer {
  const relay = network.relays.find((r) => r.url === url)
  const answer = (accepted: boolean, reason: PublishAnswer['reason']): PublishAnswer => {
    return { relay: url, event: event.id, accepted, reason, text: foreign`` }
  }
  if (relay === undefined || relay.mood === 'down' || cut) return answer(false, 'unreachable')
  const { mood } = relay
  if (mood === 'refuses') return answer(false, 'blocked')
  if (mood === 'liar' || (event.pubkey === ONCE && event.kind !== 1059)) return answer(true, 'accepted')
  const box = boxOf(relay, receiverOf(event))
  // What is said of oneself replaces what was said before.
  const before =
    event.kind === 1059 ? -1 : box.findIndex((s) => s.event.pubkey === event.pubkey && s.event.kind === event.kind)
  if (before !== -1) box.splice(before, 1)
  const from = mood === 'slow' ? at + network.dice.below(36_000) : at
  if (!box.some((held) => held.event.id === event.id)) {
    const until = Number(event.tags.find((t) => t[0] === 'expiration')?.[1] ?? Infinity)
    box.push({ event, from, until })
  }
  // The OK may get lost on its way.
  return mood === 'mute' || network.dice.chance(0.03) ? answer(false, 'slow') : answer(true, 'accepted')
}

/** What a relay answers to a question at the true time `at`. */
export function askRelay(
  network: Network,
  url: string,
  filter: Filter,
  at: number,
): { complete: boolean; events: Event[] } {
  const relay = network.relays.find((r) => r.url === url)
  if (relay === undefined || relay.mood === 'down') return { complete: false, events: [] }
  const { mood } = relay
  const { '#p': receivers = [''] } = filter
  const kept = receivers
    .flatMap((receiver) => relay.stored.get(receiver) ?? [])
    .filter(({ event, from, until }) => from <= at && until > at && matchesFilter(event, filter))
    .map(({ event }) => event)
  const sent = mood === 'hiding' || mood === 'mute' ? kept.filter(() => network.dice.chance(0.5)) : kept
  return { complete: mood !== 'mute', events: network.dice.shuffle(sent) }
}

function receiverOf({ kind, tags }: Event): string {
  return kind === 1059 ? (tags.find((t) => t[0] === 'p')?.[1] ?? '') : ''
}

function boxOf({ stored }: Relay, receiver: string): Stored[] {
  const box = stored.get(receiver) ?? []
  stored.set(receiver, box)
  return box
}
