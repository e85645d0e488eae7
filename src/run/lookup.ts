// Looking peers up: where they read, and what they call themselves.
import { INBOX_LIST_KIND, PRESENCE_KIND, RELAY_LIST_KIND, readPresences } from '../call/presence.ts'
import type { NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import type { Event } from '../nostr/event.ts'
import { usable } from '../nostr/relay-url.ts'
import type { PeerFindings } from '../state/peer-memory.ts'
import type { Index } from '../state/state.ts'
import type { Place } from './place.ts'
import { type Ground, ownRelays } from './route.ts'

/** Where else peers are said to be found, by pubkey. */
export type Hints = Readonly<Record<string, readonly string[]>>

/** Most relays beside our own that are asked. */
const MOST = 4

/** What is asked about peers: at our own relays, and at the few where they are said to be found. */
export function lookups({ world }: Ground, index: Index, peers: readonly string[], hints: Hints = {}): RelayQuery[] {
  if (peers.length === 0) return []
  const own = ownRelays(world)
  const filter = (authors: readonly string[]) => ({
    kinds: [INBOX_LIST_KIND, RELAY_LIST_KIND, PRESENCE_KIND],
    authors: [...authors],
  })
  const hinted = (peer: string) =>
    usable([...(hints[peer] ?? []), ...(index.peers[peer]?.hints ?? [])], own, world.config.relays.allowPrivate)
  const elsewhere = [...new Set(peers.flatMap(hinted))].filter((url) => !own.includes(url)).slice(0, MOST)
  return [
    ...own.map((relay) => ({ relay, name: 'lists', filter: filter(peers) })),
    ...elsewhere.map((relay) => {
      return { relay, name: 'hints', filter: filter(peers.filter((peer) => hinted(peer).includes(relay))) }
    }),
  ]
}

/** The lists of peers once more, out of turn. */
export async function lookAgain(place: Place, index: Index, peers: readonly string[]): Promise<PeerFindings> {
  const asks = lookups(place, index, peers)
  const answers = asks.length === 0 ? [] : await place.world.pool.fetch(asks, { deadline: place.deadline })
  const events = unique(answers.flatMap((a) => a.events))
  const looked = lookedUp(answers, events, peers)
  return { looked, public: events, presences: readPresences(events, place.now), hints: {} }
}

/** Whose lists are now known, or known not to be there. */
export function lookedUp(
  answers: readonly Pick<NamedAnswer, 'name' | 'complete'>[],
  events: readonly Event[],
  asked: readonly string[],
): string[] {
  if (answers.some((a) => a.name === 'lists' && a.complete)) return [...asked]
  return asked.filter((peer) => events.some((e) => e.kind === INBOX_LIST_KIND && e.pubkey === peer))
}

/** Each event once, the newest first. */
export function unique(events: readonly Event[]): Event[] {
  return [...new Map(events.map((e) => [e.id, e])).values()].sort((a, b) => b.created_at - a.created_at)
}
