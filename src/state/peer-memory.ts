// What peers publish at relays, kept for a day: where they read and what they call themselves.

import { isSameName } from '../call/name.ts'
import { type Presence, readInboxList, readReadRelays } from '../call/presence.ts'
import type { NamedKey } from '../call/selector.ts'
import type { Event } from '../nostr/event.ts'
import type { Foreign } from '../sanitize.ts'
import { unknownPeer } from './peer-record.ts'
import { hasPassed } from './retry.ts'
import type { PeerMemory, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Most peers that are kept; those looked up longest ago go first. */
const MAX_PEERS_KEPT = 500

/** Seconds for which a list is good, and the finding that there is none: whoever has none may be about to publish one. */
const LISTED_FOR = 24 * 3600
const UNLISTED_FOR = 60

/** What a run has found out about peers. `public`: the lists that relays gave; `presences`: with good signatures. */
export type PeerFindings = {
  /** Whom we looked up, if a relay answered. */
  lookedUp: readonly string[]
  public: readonly Event[]
  presences: readonly Presence[]
  /** Relays that an nprofile or a domain named. */
  hints: Readonly<Record<string, readonly string[]>>
  /** Whom our agent calls now, and by which name that the peer gave itself. */
  called?: NamedKey | undefined
}

/**
 * Writes down what was found out about peers: their relay lists, hints, names and who was looked up. @param now unix seconds
 */
export function rememberPeers(
  state: State,
  { lookedUp, public: events, presences, hints, called }: PeerFindings,
  now: number,
): State {
  if (lookedUp.length === 0 && Object.keys(hints).length === 0 && called === undefined) return state
  const edit = beginTransaction(state)
  const of = (pubkey: string): PeerMemory => edit.index.peers[pubkey] ?? unknownPeer()
  for (const [pubkey, relays] of Object.entries(hints)) {
    edit.table('peers')[pubkey] = {
      ...of(pubkey),
      ...presenceFields(of(pubkey), presences, pubkey),
      hints: [...relays],
    }
  }
  for (const pubkey of lookedUp) {
    const held = of(pubkey)
    edit.table('peers')[pubkey] = {
      ...held,
      ...listedFields(held, events, pubkey),
      lookedUpAt: now,
      ...presenceFields(held, presences, pubkey),
    }
  }
  if (called !== undefined) {
    const held = of(called.pubkey)
    const names = held.called ?? []
    if (!names.some((name) => isSameName(name, called.name)))
      edit.table('peers')[called.pubkey] = { ...held, called: [...names, called.name] }
  }
  const all = Object.entries(edit.index.peers)
  if (all.length > MAX_PEERS_KEPT) edit.replace('peers', Object.fromEntries(all.sort(byUse).slice(0, MAX_PEERS_KEPT)))
  return edit.state
}

// Whom our agent has called by a name stays: forgotten, the name could lead to somebody else.
function byUse([, a]: [string, PeerMemory], [, b]: [string, PeerMemory]): number {
  return Number(b.called !== undefined) - Number(a.called !== undefined) || b.lookedUpAt - a.lookedUpAt
}

/** Whether a peer's lists are to be looked up: that was never done, is too long ago, or is in doubt. @param now unix seconds */
export function isStale(memory: PeerMemory | undefined, now: number): boolean {
  if (memory === undefined) return true
  return hasPassed(memory.lookedUpAt, memory.inbox.length > 0 ? LISTED_FOR : UNLISTED_FOR, now)
}

/** Has peers looked up again none of whose relays has taken a thing: perhaps they read elsewhere by now. */
export function doubtPeers(state: State, peers: readonly string[]): State {
  const doubted = peers.flatMap((pubkey): [string, PeerMemory][] => {
    const memory = state.index.peers[pubkey]
    return memory === undefined ? [] : [[pubkey, { ...memory, lookedUpAt: 0 }]]
  })
  if (doubted.length === 0) return state
  const edit = beginTransaction(state)
  Object.assign(edit.table('peers'), Object.fromEntries(doubted))
  return edit.state
}

// A relay that lags behind, or has lost a list, must not bring back what was replaced.
function listedFields(held: PeerMemory, events: readonly Event[], pubkey: string): Partial<PeerMemory> {
  const list = readInboxList(events, pubkey)
  const reads = readReadRelays(events, pubkey)
  return {
    ...(list === undefined || list.at < (held.listedAt ?? 0) ? {} : { inbox: list.relays, listedAt: list.at }),
    ...(reads === undefined ? {} : { reads }),
  }
}

function presenceFields(held: PeerMemory, presences: readonly Presence[], pubkey: string): Partial<PeerMemory> {
  const present = presences.find((p) => p.pubkey === pubkey)
  if (present === undefined) return {}
  const { relays, name, pow, lastSeen } = present
  return { hints: relays, name, pow, heardAt: Math.max(lastSeen, held.heardAt ?? 0) }
}

/** What agents have called themselves, by pubkey. */
export function namesOf({ index }: State): Record<string, Foreign> {
  return Object.fromEntries(Object.entries(index.peers).map(([pubkey, peer]) => [pubkey, peer.name]))
}
