// Hearing what is new: what to ask which relay, and what came of it. Nothing is written to disk here.

import type { NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import { relaysAskedForList } from '../state/announcements.ts'
import { type MailboxQuestion, mailboxQuestions, type PartAnswer, readOutcome } from '../state/cursors.ts'
import { isStale } from '../state/peer-memory.ts'
import { askLimitOf, knownWraps } from '../state/relay-limits.ts'
import { patienceFor } from '../state/relay-memory.ts'
import type { Index } from '../state/state.ts'
import { readRelayClock } from './clock.ts'
import type { RunContext } from './context.ts'
import type { PresenceFindings, PresenceRequest } from './discovery.ts'
import { lookupQueries, type RelayHints, uniqueEvents } from './peer-lookup.ts'
import { mailboxFilter, ownListFilter } from './questions.ts'
import { ownRelays } from './route.ts'
import type { SyncResult } from './sync-result.ts'
import { openWrapReader } from './unwrap.ts'

/** What a run wants to know beside its mailbox. */
export type SyncRequest = {
  /** Agents whose relay list and presence are looked up. */
  peers: readonly string[]
  /** Where else to look, by pubkey: what an nprofile or a domain says. */
  hints: RelayHints
  /** Which agents on line are wanted; undefined for none. */
  online: PresenceRequest | undefined
  /** Asks once more for what is known already. */
  deep: boolean
  /** Keeps the mailbox open for what comes later. */
  live: boolean
  /** Asks also for our own list of relays, which another client may have replaced. */
  self?: boolean
}

/** Reads our mailboxes once more, in a run that goes on. Nothing is written. */
export async function syncAgain(context: RunContext): Promise<SyncResult> {
  const { index } = context.environment.store.read()
  return await sync(context, index, { peers: [], hints: {}, online: undefined, deep: false, live: false })
}

/** Reads our mailboxes and asks what the command wants to know beside them, all at once; nothing is written. */
export async function sync(context: RunContext, index: Index, request: SyncRequest): Promise<SyncResult> {
  const { environment, now, deadline } = context
  // What our own lists say we know ourselves.
  const asked = request.peers.filter((p) => p !== environment.keys.pubkey && isStale(index.peers[p], now))
  const mailboxes = environment.relays.inbox.map((relay) => mailboxOf(context, index, relay, request))
  const asks = [
    ...mailboxes.flatMap((mailbox) => mailbox.asks),
    ...lookupQueries(context, index, asked, request.hints),
    ...(request.self ? ownListQueries(context, index) : []),
  ]
  const reader = openWrapReader(context)
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
      const run = { ...readClock(relay, context), relay, deep: request.deep, left }
      return [relay, readOutcome(index.relays[relay], parts, run)]
    }),
  )
  return {
    opened,
    left: left.length,
    completeReads: [...outcomes.values()].flatMap(({ complete }) => complete ?? []),
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

function mailboxOf(
  { environment, now, deadline }: RunContext,
  index: Index,
  relay: string,
  { deep, live }: SyncRequest,
): Mailbox {
  const memory = index.relays[relay]
  // A mailbox that is read once more, or stays open, is asked for by REQ and not compared (NIP-77).
  const [whole] = mailboxQuestions(memory, now, { deep, compares: true })
  const held = deep || live || whole === undefined ? undefined : knownWraps(index, relay, whole.since)
  const questions = mailboxQuestions(memory, now, { deep, compares: held !== undefined })
  // What is new gets half of the time; the rest is for going on where the last run stopped.
  const half = environment.clock() + (deadline - environment.clock()) / 2
  return {
    relay,
    questions,
    asks: questions.map(({ part, ...span }) => ({
      ...{ relay, name: part === 'older' ? 'sweep' : 'inbox', page: true, streams: true },
      filter: mailboxFilter(environment.keys.pubkey, span),
      ...(held && { held }),
      ...(part === 'newer' && { deadline: half }),
      ...(part !== 'older' && { live }),
      limit: askLimitOf(memory, now),
      plain: memory?.negentropy?.speaks === false,
    })),
  }
}

function ownListQueries({ environment, now }: RunContext, index: Index): RelayQuery[] {
  const filter = ownListFilter(environment.keys.pubkey)
  return relaysAskedForList(index.announced, environment.relays, now).map((relay) => ({
    ...{ relay, name: 'own-list', filter },
  }))
}

function partAnswer(part: MailboxQuestion['part'], relay: string, found: readonly NamedAnswer[]): PartAnswer[] {
  const answer = found.find((a) => a.relay === relay && a.name === (part === 'older' ? 'sweep' : 'inbox'))
  return answer === undefined ? [] : [{ ...answer, part }]
}

/** Asks who is on line. The code for that is loaded only here. */
async function findOnline(context: RunContext, index: Index, request: PresenceRequest): Promise<PresenceFindings> {
  return await (await import('./discovery.ts')).findPresences(context, index, request)
}

/** Seconds by which our clock may be ahead unnoticed, where a relay does not tell its time. */
const UNCHECKED_CLOCK = 3 * 3600

// The cursor is in the relay's time where we know that, and never ahead of ours: one that is too old only reads more. The trap: our clock
// is two hours ahead, no relay says so, and wraps that are dated back by almost two days are never read.
function readClock(relay: string, { environment, now }: RunContext) {
  const theirs = environment.pool.relays().find((r) => r.url === relay)?.clockAhead ?? UNCHECKED_CLOCK
  return { cursor: Math.min(now, now - theirs), began: now }
}
