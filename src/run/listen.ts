// Hearing what is new: what to ask which relay, and what came of it. Nothing is written here.

import { AGENT_TOPIC, PRESENCE_KIND, PRESENCE_LOOKBACK } from '../call/presence.ts'
import type { FetchOptions, NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import type { Event } from '../nostr/event.ts'
import type { OpenedWrap } from '../nostr/nip59.ts'
import { wrapKind } from '../nostr/nip59.ts'
import { type CompleteReplay, needsSweep, replaySince } from '../state/cursors.ts'
import { isStale } from '../state/peer-memory.ts'
import { knownWraps, patienceFor } from '../state/relay-memory.ts'
import type { Index } from '../state/state.ts'
import { type Hints, lookups, unique } from './lookup.ts'
import { openInTime } from './open.ts'
import type { Place } from './place.ts'

/** What a run wants to know beside its mailbox. */
export type Curiosity = {
  /** Agents whose relay list and presence are looked up. */
  peers: readonly string[]
  /** Where else to look, by pubkey: what an nprofile or a domain says. */
  hints: Hints
  /** Whether everybody on line is wanted. */
  everybody: boolean
  deep: boolean
  /** Keep the mailbox open for what comes later. */
  live: boolean
}

export type Answered = Omit<NamedAnswer, 'events'>

export type Heard = {
  opened: OpenedWrap[]
  replayed: CompleteReplay[]
  /** Presences and relay lists, unverified. */
  public: Event[]
  /** How each question was answered, without what came. */
  answers: Answered[]
  /** Whose lists were asked for. */
  asked: string[]
  /** Our clock minus the relays', in seconds; 0 while the difference is small or unknown. */
  clockAhead: number
}

/** What a command has heard that has not listened. */
export const UNHEARD: Heard = { opened: [], replayed: [], public: [], answers: [], asked: [], clockAhead: 0 }

/** A difference that relays and deadlines forgive. */
const FORGIVEN = 60

export async function listen(place: Place, index: Index, curiosity: Curiosity): Promise<Heard> {
  const { world, now, deadline } = place
  // Our own lists are ours to say, not a relay's.
  const asked = curiosity.peers.filter((p) => p !== world.keys.pubkey && isStale(index.peers[p], now))
  const asks = [
    ...mailbox(place, index, curiosity),
    ...lookups(place, index, asked, curiosity.hints),
    ...(curiosity.everybody ? presences(place) : []),
  ]
  const { answers, wraps, others } = await ask(place, asks, {
    deadline,
    skip: (id) => !curiosity.deep && index.seen[id] !== undefined,
    patient: (url) => patienceFor(index.relays[url], now),
  })
  const count = wraps.length
  const opened = await openInTime(place, wraps)
  const swept = (relay: string) => curiosity.deep || needsSweep(index.relays[relay], now)
  const clockAhead = wrongBy(world.pool.relays().flatMap((r) => r.clockAhead ?? []))
  return {
    opened,
    // What was not opened in this run is asked for again: then no cursor moves.
    replayed: opened.length < count ? [] : answers.flatMap((a) => replayedOf(a, place, clockAhead, swept(a.relay))),
    public: others,
    answers,
    asked,
    clockAhead,
  }
}

/** How relays have answered, and what they have sent, each event once. The wraps may be many and are in this array alone. */
async function ask({ world }: Place, asks: readonly RelayQuery[], fetching: FetchOptions) {
  const answers = await world.pool.fetch(asks, fetching)
  const sent = (mail: boolean) => unique(answers.filter((a) => (a.name === 'inbox') === mail).flatMap((a) => a.events))
  return { answers: answers.map(({ events, ...answer }) => answer), wraps: sent(true), others: sent(false) }
}

/** Kind 1059 stands alone in its REQ: some relays leave it out of a mixed answer without a word. */
function mailbox({ world, now }: Place, index: Index, { deep, live }: Curiosity): RelayQuery[] {
  return world.relays.inbox.map((relay) => {
    const since = replaySince(index.relays[relay], now, deep)
    // What is to be read once more, or to stay open, is asked for whole.
    const held = deep || live ? undefined : knownWraps(index, relay, since)
    const filter = { kinds: [wrapKind], '#p': [world.keys.pubkey], since }
    return { relay, name: 'inbox', filter, ...(held && { held }), page: true, live }
  })
}

function presences({ world, now }: Place): RelayQuery[] {
  const filter = { kinds: [PRESENCE_KIND], '#t': [AGENT_TOPIC], since: now - PRESENCE_LOOKBACK }
  return world.relays.presence.map((relay) => ({ relay, name: 'presence', filter }))
}

// The cursor is in the relay's own clock where we know it, and never ahead of ours: too old only reads more.
function replayedOf(
  answer: Answered,
  { world, now, ahead }: Place,
  clockAhead: number,
  swept: boolean,
): CompleteReplay[] {
  if (answer.name !== 'inbox' || !answer.complete) return []
  const began = now + ahead
  const theirs = world.pool.relays().find((r) => r.url === answer.relay)?.clockAhead ?? 0
  return [{ relay: answer.relay, cursor: Math.min(began, began - theirs), began: began - clockAhead, swept }]
}

// The median, so that one relay that lies about the time moves nothing while two tell the truth.
export function wrongBy(clocks: readonly number[]): number {
  const sorted = [...clocks].sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return Math.abs(middle) > FORGIVEN ? middle : 0
}
