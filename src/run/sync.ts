import type { Intent } from '../call/intent.ts'
import type { Presence } from '../call/presence.ts'
import type { RunContext } from './context.ts'
// Hearing what is new: what to ask which relay, and what came of it. Nothing is written here.
// Looking peers up: where they read, and what they call themselves.
// What a command wants to know beside its mailbox, and what it found out.
// Finding out which relays speak NIP-77: by what they say of themselves, in the run that had to read much that it knew.

import {
  AGENT_TOPIC,
  INBOX_LIST_KIND,
  PRESENCE_KIND,
  PRESENCE_LOOKBACK,
  RELAY_LIST_KIND,
  readPresences,
} from '../call/presence.ts'
import type { FetchOptions, NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import type { Event } from '../nostr/event.ts'
import { type OpenedWrap, wrapKind } from '../nostr/nip59.ts'
import { usable } from '../nostr/relay-url.ts'
import { type CompleteReplay, needsSweep, replaySince } from '../state/cursors.ts'
import { isStale, type PeerFindings } from '../state/peer-memory.ts'
import { knownWraps, patienceFor, recordNip77 } from '../state/relay-memory.ts'
import type { Index } from '../state/state.ts'
import { agentNamed, type ResolvedAgent, resolveAgent } from './resolve-agent.ts'
import { ownRelays, type RouteContext } from './route.ts'
import { unwrapInTime } from './unwrap.ts'

/** What a run wants to know beside its mailbox. */
export type SyncRequest = {
  /** Agents whose relay list and presence are looked up. */
  peers: readonly string[]
  /** Where else to look, by pubkey: what an nprofile or a domain says. */
  hints: RelayHints
  /** Whether everybody on line is wanted. */
  everybody: boolean
  deep: boolean
  /** Keep the mailbox open for what comes later. */
  live: boolean
}

export type SyncAnswer = Omit<NamedAnswer, 'events'>

export type SyncResult = {
  opened: OpenedWrap[]
  replayed: CompleteReplay[]
  /** Presences and relay lists, unverified. */
  public: Event[]
  /** How each question was answered, without what came. */
  answers: SyncAnswer[]
  /** Whose lists were asked for. */
  asked: string[]
  /** Our clock minus the relays', in seconds; 0 while the difference is small or unknown. */
  clockAhead: number
}

/** What a command has heard that has not listened. */
export const NOTHING_HEARD: SyncResult = { opened: [], replayed: [], public: [], answers: [], asked: [], clockAhead: 0 }

/** A difference that relays and deadlines forgive. */
const CLOCK_TOLERANCE = 60

export async function sync(context: RunContext, index: Index, request: SyncRequest): Promise<SyncResult> {
  const { environment, now, deadline } = context
  // Our own lists are ours to say, not a relay's.
  const asked = request.peers.filter((p) => p !== environment.keys.pubkey && isStale(index.peers[p], now))
  const asks = [
    ...mailboxQueries(context, index, request),
    ...lookupQueries(context, index, asked, request.hints),
    ...(request.everybody ? presenceQueries(context) : []),
  ]
  const { answers, wraps, others } = await fetchAnswers(context, asks, {
    deadline,
    skip: (id) => !request.deep && index.seen[id] !== undefined,
    patient: (url) => patienceFor(index.relays[url], now),
  })
  const count = wraps.length
  const opened = await unwrapInTime(context, wraps)
  const swept = (relay: string) => request.deep || needsSweep(index.relays[relay], now)
  const clockAhead = medianClockError(environment.pool.relays().flatMap((r) => r.clockAhead ?? []))
  return {
    opened,
    // What was not opened in this run is asked for again: then no cursor moves.
    replayed:
      opened.length < count ? [] : answers.flatMap((a) => completeReplayOf(a, context, clockAhead, swept(a.relay))),
    public: others,
    answers,
    asked,
    clockAhead,
  }
}

/** How relays have answered, and what they have sent, each event once. The wraps may be many and are in this array alone. */
async function fetchAnswers({ environment }: RunContext, asks: readonly RelayQuery[], fetching: FetchOptions) {
  const answers = await environment.pool.fetch(asks, fetching)
  const sent = (mail: boolean) =>
    uniqueEvents(answers.filter((a) => (a.name === 'inbox') === mail).flatMap((a) => a.events))
  return { answers: answers.map(({ events, ...answer }) => answer), wraps: sent(true), others: sent(false) }
}

/** Kind 1059 stands alone in its REQ: some relays leave it out of a mixed answer without a word. */
function mailboxQueries({ environment, now }: RunContext, index: Index, { deep, live }: SyncRequest): RelayQuery[] {
  return environment.relays.inbox.map((relay) => {
    const since = replaySince(index.relays[relay], now, deep)
    // What is to be read once more, or to stay open, is asked for whole.
    const held = deep || live ? undefined : knownWraps(index, relay, since)
    const filter = { kinds: [wrapKind], '#p': [environment.keys.pubkey], since }
    return { relay, name: 'inbox', filter, ...(held && { held }), page: true, live }
  })
}

function presenceQueries({ environment, now }: RunContext): RelayQuery[] {
  const filter = { kinds: [PRESENCE_KIND], '#t': [AGENT_TOPIC], since: now - PRESENCE_LOOKBACK }
  return environment.relays.presence.map((relay) => ({ relay, name: 'presence', filter }))
}

// The cursor is in the relay's own clock where we know it, and never ahead of ours: too old only reads more.
function completeReplayOf(
  answer: SyncAnswer,
  { environment, now, ahead }: RunContext,
  clockAhead: number,
  swept: boolean,
): CompleteReplay[] {
  if (answer.name !== 'inbox' || !answer.complete) return []
  const began = now + ahead
  const theirs = environment.pool.relays().find((r) => r.url === answer.relay)?.clockAhead ?? 0
  return [{ relay: answer.relay, cursor: Math.min(began, began - theirs), began: began - clockAhead, swept }]
}

// The median, so that one relay that lies about the time moves nothing while two tell the truth.
export function medianClockError(clocks: readonly number[]): number {
  const sorted = [...clocks].sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return Math.abs(middle) > CLOCK_TOLERANCE ? middle : 0
}

/** Where else peers are said to be found, by pubkey. */
export type RelayHints = Readonly<Record<string, readonly string[]>>

/** Most relays beside our own that are asked. */
const MAX_HINTED_RELAYS = 4

/** What is asked about peers: at our own relays, and at the few where they are said to be found. */
export function lookupQueries(
  { environment }: RouteContext,
  index: Index,
  peers: readonly string[],
  hints: RelayHints = {},
): RelayQuery[] {
  if (peers.length === 0) return []
  const own = ownRelays(environment)
  const filter = (authors: readonly string[]) => ({
    kinds: [INBOX_LIST_KIND, RELAY_LIST_KIND, PRESENCE_KIND],
    authors: [...authors],
  })
  const hinted = (peer: string) =>
    usable([...(hints[peer] ?? []), ...(index.peers[peer]?.hints ?? [])], own, environment.config.relays.allowPrivate)
  const elsewhere = [...new Set(peers.flatMap(hinted))].filter((url) => !own.includes(url)).slice(0, MAX_HINTED_RELAYS)
  return [
    ...own.map((relay) => ({ relay, name: 'lists', filter: filter(peers) })),
    ...elsewhere.map((relay) => {
      return { relay, name: 'hints', filter: filter(peers.filter((peer) => hinted(peer).includes(relay))) }
    }),
  ]
}

/** The lists of peers once more, beside the sync of the run. */
export async function lookAgain(context: RunContext, index: Index, peers: readonly string[]): Promise<PeerFindings> {
  const asks = lookupQueries(context, index, peers)
  const answers = asks.length === 0 ? [] : await context.environment.pool.fetch(asks, { deadline: context.deadline })
  const events = uniqueEvents(answers.flatMap((a) => a.events))
  const looked = peersLookedUp(answers, events, peers)
  return { looked, public: events, presences: readPresences(events, context.now), hints: {} }
}

/** Whose lists are now known, or known not to be there. */
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
  return [...new Map(events.map((e) => [e.id, e])).values()].sort((a, b) => b.created_at - a.created_at)
}

/** Most peers whose lists one run looks up. */
const MAX_PEERS_LOOKED_UP = 20

/** Whom `call` means, as far as it can be told without asking a relay. */
export async function resolveCallee(intent: Intent, context: RunContext): Promise<ResolvedAgent | undefined> {
  if (intent.type !== 'call') return undefined
  // The relays are dialed while a domain is asked.
  void context.environment.pool.warm(context.environment.relays.inbox)
  return await resolveAgent(intent.agent, context)
}

export function syncRequestFor(
  intent: Intent,
  index: Index,
  wanted: ResolvedAgent | undefined,
  owner: string | undefined,
): SyncRequest {
  const open = Object.values(index.calls).flatMap((call) => (call.open ? [call.peer] : []))
  // Looked up with the replay, so that a letter costs no second round trip.
  const written = Object.values(index.letters).map((letter) => letter.to)
  const asked = intent.type === 'escalate' && owner !== undefined ? [owner] : []
  const callee = wanted !== undefined && 'pubkey' in wanted ? wanted : undefined
  return {
    peers: [...new Set([...(callee === undefined ? [] : [callee.pubkey]), ...asked, ...written, ...open])].slice(
      0,
      MAX_PEERS_LOOKED_UP,
    ),
    hints: callee === undefined ? {} : { [callee.pubkey]: callee.relays },
    everybody: intent.type === 'list' || (wanted !== undefined && 'name' in wanted),
    deep: intent.type === 'inbox' && intent.deep,
    live: intent.type === 'wait' || ((intent.type === 'call' || intent.type === 'send') && intent.wait !== undefined),
  }
}

/** Throws NO_SUCH_AGENT and AGENT_AMBIGUOUS for a name that nobody on line, or more than one, has. */
export function lookupsFrom(heard: SyncResult, wanted: ResolvedAgent | undefined, { now }: RunContext): PeerLookup {
  const presences = readPresences(heard.public, now)
  const peers = peersLookedUp(heard.answers, heard.public, heard.asked)
  if (wanted === undefined) return { peer: undefined, peers, presences, hints: {} }
  if ('name' in wanted) {
    const peer = agentNamed(presences, wanted.name)
    // Its presence says where it reads; the list is looked up with the next command.
    const relays = presences.find((p) => p.pubkey === peer)?.relays ?? []
    return { peer, peers, presences, hints: { [peer]: relays } }
  }
  const hints = wanted.relays.length === 0 ? {} : { [wanted.pubkey]: wanted.relays }
  return { peer: wanted.pubkey, peers, presences, hints }
}

/** How long a relay has to say it, in ms. One that says nothing is taken for one that does not, or each run would wait as long. */
const NIP11_WITHIN = 1_000

export async function probeNip77({ environment, now }: RunContext, relays: readonly string[]): Promise<void> {
  const found = await Promise.all(
    relays.map(async (relay) => ({
      relay,
      speaks: (await environment.nipsOf(relay, NIP11_WITHIN))?.includes(77) ?? false,
    })),
  )
  await environment.store.update([], (fresh) => ({ snapshot: recordNip77(fresh, found, now), value: undefined }))
}

/** What the command looked up before: whom it calls, and what nprofiles and presences say of peers. */
export type PeerLookup = {
  peer: string | undefined
  peers: readonly string[]
  presences: readonly Presence[]
  hints: Record<string, readonly string[]>
}

/** Of a command that has looked nobody up. */
export const NOBODY_LOOKED_UP: PeerLookup = { peer: undefined, peers: [], presences: [], hints: {} }
