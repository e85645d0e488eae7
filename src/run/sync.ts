// Hearing what is new: what to ask which relay, and what came of it. Nothing is written here.
// Looking peers up: where they read, and what they call themselves.
// What a command wants to know beside its mailbox, and what it found out.

import { INBOX_LIST_KIND, PRESENCE_KIND, type Presence, RELAY_LIST_KIND, readPresences } from '../call/presence.ts'
import type { NamedKey } from '../call/selector.ts'
import type { NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import type { Event } from '../nostr/event.ts'
import { WRAP_KIND } from '../nostr/nip59.ts'
import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import { usable } from '../nostr/relay-url.ts'
import { relaysAskedForList } from '../state/announced.ts'
import {
  type CompleteReplay,
  type MailboxQuestion,
  mailboxQuestions,
  type PartAnswer,
  replayOutcome,
} from '../state/cursors.ts'
import { isStale, type PeerFindings } from '../state/peer-memory.ts'
import { askLimitOf, knownWraps, patienceFor } from '../state/relay-memory.ts'
import type { Index, Sweep } from '../state/state.ts'
import { type RelayClock, RIGHT_CLOCK, readRelayClock } from './clock.ts'
import type { RunContext } from './context.ts'
import type { PresenceFindings, PresenceRequest } from './discovery.ts'
import type { Needs } from './needs.ts'
import { agentNamed, type ResolvedAgent, resolveAgent } from './resolve-agent.ts'
import { isUnmet, ownRelays, type RouteContext } from './route.ts'
import { openMailReader } from './unwrap.ts'

/** What a run wants to know beside its mailbox. */
export type SyncRequest = {
  /** Agents whose relay list and presence are looked up. */
  peers: readonly string[]
  /** Where else to look, by pubkey: what an nprofile or a domain says. */
  hints: RelayHints
  /** Who on line is wanted. */
  online: PresenceRequest | undefined
  deep: boolean
  /** Keep the mailbox open for what comes later. */
  live: boolean
  /** Whether the list of our own relays is still ours. */
  self?: boolean
}

/** `sweep`: where the next run goes on, if this one met a bound; `stalled`: when the sweep began that is given up. */
export type SyncAnswer = Omit<NamedAnswer, 'events'> & { sweep?: Sweep | undefined; stalled?: number | undefined }

export type SyncResult = {
  opened: OpenedWrap[]
  /** How many wraps came that could not be opened in this run. */
  left: number
  replayed: CompleteReplay[]
  /** Presences and relay lists of peers, unverified. */
  public: Event[]
  /** Who is on line, where that was asked. */
  online: PresenceFindings | undefined
  /** How each question was answered, without what came. */
  answers: SyncAnswer[]
  /** Whose lists were asked for. */
  asked: string[]
  clock: RelayClock
}

/** Whether a relay was there: one that has sent something was, even where it did not tell all. */
export function isRelayThere({ complete, reason }: SyncAnswer): boolean {
  return complete || reason === 'partial' || reason === 'slow'
}

/** What a command has heard that has asked no relay. */
export const NOTHING_HEARD: SyncResult = {
  ...{ opened: [], left: 0, replayed: [], public: [], online: undefined, answers: [], asked: [], clock: RIGHT_CLOCK },
}

/** Reads our mailboxes once more, in a run that goes on. */
export async function syncAgain(context: RunContext): Promise<SyncResult> {
  const { index } = context.environment.store.read()
  return await sync(context, index, { peers: [], hints: {}, online: undefined, deep: false, live: false })
}

/** Reads our mailboxes and asks what the command wants to know beside them, all at once; nothing is written. */
export async function sync(context: RunContext, index: Index, request: SyncRequest): Promise<SyncResult> {
  const { environment, now, deadline } = context
  // Our own lists are ours to say, not a relay's.
  const asked = request.peers.filter((p) => p !== environment.keys.pubkey && isStale(index.peers[p], now))
  const mailboxes = environment.relays.inbox.map((relay) => mailboxOf(context, index, relay, request))
  const asks = [
    ...mailboxes.flatMap((mailbox) => mailbox.asks),
    ...lookupQueries(context, index, asked, request.hints),
    ...(request.self ? ownListQueries(context, index) : []),
  ]
  const reader = openMailReader(context)
  const looking = request.online && findOnline(context, index, request.online)
  const found = await environment.pool.fetch(asks, {
    deadline,
    skip: (id) => reader.has(id) || (!request.deep && index.seen[id] !== undefined),
    take: reader.take,
    cut: reader.enough,
    patient: (url) => patienceFor(index.relays[url], now),
  })
  const { opened, left } = await reader.finish()
  const online = await looking
  const clock = readRelayClock(environment.pool.relays(), ownRelays(environment))
  const outcomes = new Map(
    mailboxes.map(({ relay, questions }) => {
      const parts = questions.flatMap(({ part }) => partAnswer(part, relay, found))
      const run = { ...replayClock(relay, context), relay, deep: request.deep, left }
      return [relay, replayOutcome(index.relays[relay], parts, run)]
    }),
  )
  return {
    opened,
    left: left.length,
    replayed: [...outcomes.values()].flatMap(({ complete }) => complete ?? []),
    public: uniqueEvents(found.flatMap((a) => a.events)),
    online,
    answers: [
      ...found.map(({ events, ...answer }) => {
        const { sweep, stalled } = (answer.name === 'inbox' && outcomes.get(answer.relay)) || {}
        return { ...answer, sweep, stalled }
      }),
      ...(online?.answers ?? []),
    ],
    asked,
    clock,
  }
}

type Mailbox = { relay: string; questions: MailboxQuestion[]; asks: RelayQuery[] }

/** Kind 1059 stands alone in its REQ: some relays leave it out of a mixed answer without a word. */
function mailboxOf(
  { environment, now, deadline }: RunContext,
  index: Index,
  relay: string,
  { deep, live }: SyncRequest,
): Mailbox {
  const memory = index.relays[relay]
  // What is to be read once more, or to stay open, is asked for whole.
  const [whole] = mailboxQuestions(memory, now, { deep, compares: true })
  const held = deep || live || whole === undefined ? undefined : knownWraps(index, relay, whole.since)
  const questions = mailboxQuestions(memory, now, { deep, compares: held !== undefined })
  // Half of the time for what is new, and the rest for where the last run stopped.
  const half = environment.clock() + (deadline - environment.clock()) / 2
  return {
    relay,
    questions,
    asks: questions.map(({ part, ...span }) => ({
      ...{ relay, name: part === 'older' ? 'sweep' : 'inbox', page: true, streams: true },
      filter: { kinds: [WRAP_KIND], '#p': [environment.keys.pubkey], ...span },
      ...(held && { held }),
      ...(part === 'newer' && { deadline: half }),
      ...(part !== 'older' && { live }),
      limit: askLimitOf(memory, now),
      plain: memory?.negentropy?.speaks === false,
    })),
  }
}

function ownListQueries({ environment, now }: RunContext, index: Index): RelayQuery[] {
  const filter = { kinds: [INBOX_LIST_KIND], authors: [environment.keys.pubkey], limit: 1 }
  return relaysAskedForList(index.announced, environment.relays, now).map((relay) => ({
    ...{ relay, name: 'own-list', filter },
  }))
}

function partAnswer(part: MailboxQuestion['part'], relay: string, found: readonly NamedAnswer[]): PartAnswer[] {
  const answer = found.find((a) => a.relay === relay && a.name === (part === 'older' ? 'sweep' : 'inbox'))
  return answer === undefined ? [] : [{ ...answer, part }]
}

/** Loaded by commands that ask who is on line, and by no other. */
async function findOnline(context: RunContext, index: Index, request: PresenceRequest): Promise<PresenceFindings> {
  return await (await import('./discovery.ts')).findPresences(context, index, request)
}

// The cursor is in the relay's own clock where we know it, and never ahead of ours: too old only reads more.
function replayClock(relay: string, { environment, now }: RunContext) {
  const theirs = environment.pool.relays().find((r) => r.url === relay)?.clockAhead ?? 0
  return { cursor: Math.min(now, now - theirs), began: now }
}

/** Where else peers are said to be found, by pubkey. */
export type RelayHints = Readonly<Record<string, readonly string[]>>

/** Most relays beside our own that are asked. */
const MAX_HINTED_RELAYS = 4

/** What is asked about peers: at our own relays, and at the few where they are said to be found. */
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
  // What the user has typed is no stranger's word.
  const named = (peer: string) => [
    ...(hints[peer] ?? []),
    ...(isUnmet(context, index, peer) ? [] : (index.peers[peer]?.hints ?? [])),
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
export async function resolveCallee(
  { lookups }: Needs,
  index: Index,
  context: RunContext,
): Promise<ResolvedAgent | undefined> {
  if (typeof lookups !== 'object' || !('agent' in lookups)) return undefined
  // The relays are dialed while a domain is asked.
  void context.environment.pool.warm(context.environment.relays.inbox)
  return await resolveAgent(lookups.agent, context, index)
}

/**
 * What a command wants to hear: whose relay lists and presences, who is on line, and whether the mailbox stays open.
 */
export function syncRequestFor(
  { lookups, deep, waits, goesOnline }: Needs,
  index: Index,
  wanted: ResolvedAgent | undefined,
  owner: string | undefined,
): SyncRequest {
  const open = Object.values(index.calls).flatMap((call) => (call.open ? [call.peer] : []))
  // Looked up with the replay, so that a letter costs no second round trip.
  const written = Object.values(index.letters).map((letter) => letter.to)
  const asked = lookups === 'owner' && owner !== undefined ? [owner] : []
  const callee = wanted !== undefined && 'pubkey' in wanted ? wanted : undefined
  return {
    peers: [...new Set([...(callee === undefined ? [] : [callee.pubkey]), ...asked, ...written, ...open])].slice(
      0,
      MAX_PEERS_LOOKED_UP,
    ),
    hints: callee === undefined ? {} : { [callee.pubkey]: callee.relays },
    online: onlineRequest(lookups, wanted),
    deep: deep === true,
    live: waits !== undefined,
    self: goesOnline === 'presence',
  }
}

/** Candidates of a name that are told apart, and how long relays have to say that they have another, in ms. */
const MAX_CANDIDATES = 5
const NAME_PATIENCE = 1_500

function onlineRequest(lookups: Needs['lookups'], wanted: ResolvedAgent | undefined): PresenceRequest | undefined {
  if (typeof lookups === 'object' && 'wish' in lookups) return lookups
  if (wanted === undefined || !('name' in wanted)) return undefined
  // Whoever is called by a name alone is the only one who has it, as far as all relays know.
  return { wish: { name: wanted.name, limit: MAX_CANDIDATES }, patience: NAME_PATIENCE, verify: true }
}

/**
 * What was found out about peers while hearing. Throws NO_SUCH_AGENT and AGENT_AMBIGUOUS for a name that nobody on line, or more
 * than one, has.
 */
export function lookupsFrom(heard: SyncResult, wanted: ResolvedAgent | undefined, { now }: RunContext): PeerLookup {
  const presences = readPresences(heard.public, now)
  const peers = peersLookedUp(heard.answers, heard.public, heard.asked)
  if (wanted === undefined) return { peer: undefined, peers, presences, hints: {} }
  if ('name' in wanted) {
    if (heard.online === undefined) throw new Error('nobody has asked who is on line')
    const found = agentNamed(heard.online, wanted.name, now)
    const { pubkey: peer, relays } = found
    // Its presence says where it reads; the list is looked up with the next command.
    const called = { pubkey: peer, name: wanted.name }
    return { peer, peers, presences: [...presences, found], hints: { [peer]: relays }, called }
  }
  const { pubkey: peer, relays, claimed } = wanted
  const hints = relays.length === 0 ? {} : { [peer]: relays }
  return { peer, peers, presences, hints, ...(claimed !== undefined && { called: { pubkey: peer, name: claimed } }) }
}

/** What the command looked up before: whom it calls, and what nprofiles and presences say of peers. */
export type PeerLookup = {
  peer: string | undefined
  peers: readonly string[]
  presences: readonly Presence[]
  hints: Record<string, readonly string[]>
  /** The name by which somebody is called who gave it to itself. */
  called?: NamedKey
}
