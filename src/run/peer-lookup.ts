// Looking peers up: where they read, and what they call themselves.
import { INBOX_LIST_KIND, PRESENCE_KIND, RELAY_LIST_KIND, readPresences } from '../call/presence.ts'
import type { NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import { type Event, newestFirst } from '../nostr/event.ts'
import { usable } from '../nostr/relay-url.ts'
import type { PeerFindings } from '../state/peer-memory.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { isUnansweredStranger, ownRelays, type RouteContext } from './route.ts'

/** Where else peers are said to be found, by pubkey. */
export type RelayHints = Readonly<Record<string, readonly string[]>>

/** Most relays that are asked beside our own. */
const MAX_HINTED_RELAYS = 4

/** The questions about peers: to our own relays, and to a few where the peers are said to be found. */
export function lookupQueries(
  context: RouteContext,
  index: Index,
  peers: readonly string[],
  hints: RelayHints = {},
): RelayQuery[] {
  if (peers.length === 0) return []
  const { environment } = context
  const own = ownRelays(environment)
  const filter = (authors: readonly string[]) => ({
    kinds: [INBOX_LIST_KIND, RELAY_LIST_KIND, PRESENCE_KIND],
    authors: [...authors],
  })
  // `hints` is what the user has typed; what is remembered may be a stranger's word.
  const named = (peer: string) => [
    ...(hints[peer] ?? []),
    ...(isUnansweredStranger(context, index, peer) ? [] : (index.peers[peer]?.hints ?? [])),
  ]
  const hinted = (peer: string) => usable(named(peer), own, environment.config.relays.allowPrivate)
  const elsewhere = [...new Set(peers.flatMap(hinted))].filter((url) => !own.includes(url)).slice(0, MAX_HINTED_RELAYS)
  return [
    ...own.map((relay) => ({ relay, name: 'lists', filter: filter(peers) })),
    ...elsewhere.map((relay) => {
      return { relay, name: 'hints', filter: filter(peers.filter((peer) => hinted(peer).includes(relay))) }
    }),
  ]
}

/** Looks the lists of peers up once more, apart from the sync of the run. */
export async function lookAgain(context: RunContext, index: Index, peers: readonly string[]): Promise<PeerFindings> {
  const asks = lookupQueries(context, index, peers)
  const answers = asks.length === 0 ? [] : await context.environment.pool.fetch(asks, { deadline: context.deadline })
  const events = uniqueEvents(answers.flatMap((a) => a.events))
  const looked = peersLookedUp(answers, events, peers)
  return { lookedUp: looked, public: events, presences: readPresences(events, context.now), hints: {} }
}

/** The peers whose lists are now known, or known not to exist: all of them once one relay has answered in full. */
export function peersLookedUp(
  answers: readonly Pick<NamedAnswer, 'name' | 'complete'>[],
  events: readonly Event[],
  asked: readonly string[],
): string[] {
  if (answers.some((a) => a.name === 'lists' && a.complete)) return [...asked]
  return asked.filter((peer) => events.some((e) => e.kind === INBOX_LIST_KIND && e.pubkey === peer))
}

/** Each event once, the newest first. */
export function uniqueEvents(events: readonly Event[]): Event[] {
  return [...new Map(events.map((e) => [e.id, e])).values()].sort(newestFirst)
}
