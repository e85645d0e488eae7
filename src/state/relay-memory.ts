// What we remember of relays that did not answer in time. A relay that is slow and honest must not be outrun forever by
// one that is fast and empty: once in a while it gets the time that it needs.

import { FIRST_REST } from '../nostr/rate-limit.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import { mergeSweeps } from './cursors.ts'
import { afterDials, limitsDials, spacedUntil } from './dial-limit.ts'
import type { RelayBackoff, RelayMemory, Sweep } from './kept-relay.ts'
import { limitsNow } from './relay-limits.ts'
import { hasPassed } from './retry.ts'
import type { Index, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds without a complete answer after which a relay is waited for, and between such waits. */
const OVERDUE = 1800

/** Milliseconds that it then gets beyond the grace. */
const PATIENCE = 3000

/** How much longer than the grace a relay may take this time, in ms. */
export function patienceFor(memory: RelayMemory | undefined, now: number): number {
  const since = memory?.incompleteSince
  if (since === undefined || !hasPassed(since, OVERDUE, now)) return 0
  return hasPassed(memory?.longWaitAt ?? 0, OVERDUE, now) ? PATIENCE : 0
}

/**
 * An answer to the question for the mailbox. `reconciled`: whether NIP-77, where it was tried, has worked; `limit`: the relay would
 * not be asked for more events at a time; `reached`: it met a bound of ours, and `sweep` is what the next run goes on with;
 * `stalled`: when the sweep began that is given up.
 */
export type MailboxAnswer = {
  relay: string
  complete: boolean
  reconciled?: boolean
  limit?: number
  reached?: number
  sweep?: Sweep | undefined
  stalled?: number | undefined
}

/** Notes which relays answered completely and which did not, and since when. @param now unix seconds */
export function recordMailboxAnswers(state: State, answers: readonly MailboxAnswer[], now: number): State {
  const known = state.index.relays
  const changed = answers.flatMap((answer): [string, RelayMemory][] => {
    const held = known[answer.relay] ?? {}
    const memory = afterAnswer(held, answer, now)
    return isSame(held, memory) ? [] : [[answer.relay, memory]]
  })
  if (changed.length === 0) return state
  const edit = beginTransaction(state)
  Object.assign(edit.table('relays'), Object.fromEntries(changed))
  return edit.state
}

function afterAnswer(held: RelayMemory, answer: MailboxAnswer, now: number): RelayMemory {
  const { incompleteSince, longWaitAt, sweep: before, ...rest } = held
  const left = before?.began === answer.stalled ? undefined : before
  const sweep = answer.sweep === undefined ? left : mergeSweeps(held, answer.sweep, now)
  const isAnswered = answer.complete || answer.reached !== undefined
  const waited = patienceFor(held, now) > 0 ? now : longWaitAt
  return {
    ...rest,
    ...(answer.reconciled === false && rest.negentropy?.speaks && { negentropy: { speaks: false, at: now } }),
    ...(answer.limit !== undefined && { limits: { ...limitsNow(held, now), maxEvents: answer.limit, at: now } }),
    ...(sweep !== undefined && { sweep }),
    ...(!isAnswered && {
      incompleteSince: incompleteSince ?? now,
      ...(waited !== undefined && { longWaitAt: waited }),
    }),
  }
}

function isSame(a: RelayMemory, b: RelayMemory): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof RelayMemory>
  return [...names].every((name) => a[name] === b[name] || JSON.stringify(a[name]) === JSON.stringify(b[name]))
}

/**
 * A relay wants to be left alone, and said so `at`, Unix ms. `seconds`: for so long, where it says; `only`: with questions, or with
 * what we publish.
 */
export type Rebuff = { at: number; why: Foreign; seconds?: number; only?: 'read' | 'write' }

/**
 * What is known of a relay from before. `backoff`: until when it is left alone, Unix ms; `firm`: also where there is no other, as it has
 * named that time itself, or as cron comes again. `frame`: the largest message that it takes, in bytes; `subscriptions`: how many
 * questions it answers at a time.
 */
export type RelayFacts = {
  backoff?: { until: number; why: Foreign; firm: boolean; only?: 'read' | 'write' } | undefined
  frame?: number | undefined
  subscriptions?: number | undefined
}

/**
 * What one run has found out. `dials`: how often it has connected, or tried to; `reached`: whether there was a connection; `took`: when
 * it last took what was published, Unix ms.
 */
export type RelayObservation = {
  url: string
  dials: number
  reached: boolean
  rebuff?: Rebuff
  frame?: number
  subscriptions?: number
  took?: number
}

/**
 * A relay that names no time is left alone for FIRST_REST, twice as long each time, and for no more seconds than these: so long does a
 * presence last.
 */
const LONGEST_REST = 300

/** As long as a relay says it is left alone, but no longer than a day. */
const LONGEST_NAMED = 24 * 3600

/** Most relays that are remembered: peers name new ones without end. Those that hold a cursor are our own. */
const MAX_RELAYS = 200

/**
 * What of our memory the connections of a run should know, by address. @param unattended cron runs it, which leaves room for others
 * where a relay counts connections
 */
export function relayFacts({ relays }: Index, now: number, unattended = false): Map<string, RelayFacts> {
  const facts = Object.entries(relays).flatMap(([url, memory]): [string, RelayFacts][] => {
    const backoff = unattended ? cronBackoff(memory, now) : backoffNow(memory, now)
    const { maxMessageBytes: frame, subscriptions } = limitsNow(memory, now) ?? {}
    const known = {
      ...(backoff && { backoff }),
      ...(frame !== undefined && { frame }),
      ...(subscriptions !== undefined && { subscriptions }),
    }
    return Object.keys(known).length > 0 ? [[url, known]] : []
  })
  return new Map(facts)
}

function backoffNow({ backoff }: RelayMemory, now: number): RelayFacts['backoff'] {
  // A clock that was set back must not lock a relay out.
  if (backoff === undefined || backoff.until <= now || backoff.until - now > LONGEST_NAMED) return undefined
  const { until, why, named = false, only } = backoff
  return { until: 1000 * until, why, firm: named, ...(only && { only }) }
}

// Others are refused where cron is not: a rest that the relay has not named says nothing of when cron may come to one that counts.
function cronBackoff(memory: RelayMemory, now: number): RelayFacts['backoff'] {
  const held = backoffNow(memory, now)
  if (!limitsDials(memory, now)) return held
  const spaced = 1000 * (spacedUntil(memory, now) ?? 0)
  if (spaced === 0) return held?.only !== undefined || held?.firm ? held : undefined
  const isLonger = held?.only === undefined && held?.firm && held.until > spaced
  return isLonger ? held : { until: spaced, why: foreign`it limits how often we connect`, firm: true }
}

/** Notes what a run has found out of relays. The same again changes nothing. @param unattended it is cron's */
export function recordObservations(
  state: State,
  observed: readonly RelayObservation[],
  now: number,
  unattended = false,
): State {
  const known = state.index.relays
  const changed = observed.flatMap((one): [string, RelayMemory][] => {
    const held = known[one.url] ?? {}
    const memory = afterRun(held, one, now, unattended)
    return isSame(held, memory) ? [] : [[one.url, memory]]
  })
  if (changed.length === 0) return state
  const edit = beginTransaction(state)
  const all = Object.entries({ ...edit.table('relays'), ...Object.fromEntries(changed) })
  edit.replace('relays', Object.fromEntries(bounded(all)))
  return edit.state
}

function afterRun(held: RelayMemory, observed: RelayObservation, now: number, unattended: boolean): RelayMemory {
  const { dials, reached, frame, subscriptions, took = 0 } = observed
  const { backoff: _, dialLimit: __, unreachableSince, limits, ...kept } = held
  const shown = {
    ...(frame !== undefined && { maxMessageBytes: frame }),
    ...(subscriptions !== undefined && { subscriptions }),
  }
  const isShown = Object.keys(shown).length > 0
  // Whoever has taken something since rests no more from what is published.
  const isOver = (one: { at: number; only?: 'read' | 'write' } | undefined) => one?.only === 'write' && one.at < took
  const before = isOver(held.backoff) ? undefined : held.backoff
  const rebuff = isOver(observed.rebuff) ? undefined : observed.rebuff
  const backoff = rebuff === undefined ? backoffAfter(before, reached, now) : newBackoff(rebuff, before, now)
  const refusedAt = rebuff?.only === undefined ? rebuff?.at : undefined
  const dialLimit = afterDials(held.dialLimit, { dials, refusedAt, unattended }, now)
  return {
    ...kept,
    ...(isShown ? { limits: { ...limitsNow(held, now), at: now, ...shown } } : limits && { limits }),
    ...(backoff !== undefined && { backoff }),
    ...(dialLimit && { dialLimit }),
    ...(!reached && rebuff === undefined && { unreachableSince: unreachableSince ?? now }),
  }
}

// Whoever is asked and answers rests no more. Of what we publish that says nothing.
function backoffAfter(rest: RelayBackoff | undefined, reached: boolean, now: number): RelayBackoff | undefined {
  if (rest === undefined || !reached) return rest
  return rest.only !== undefined && now < rest.until + LONGEST_REST ? rest : undefined
}

function newBackoff({ at, seconds, why, only }: Rebuff, before: RelayBackoff | undefined, now: number): RelayBackoff {
  // A run writes more than once of what it has met once.
  if (before?.at === at) return before
  const tries = (before?.tries ?? 0) + 1
  const guess = Math.min(LONGEST_REST, FIRST_REST[only ?? 'read'] * 2 ** (tries - 1))
  const until = now + (seconds === undefined ? guess : Math.min(seconds, LONGEST_NAMED))
  return { at, until, tries, why, ...(seconds !== undefined && { named: true as const }), ...(only && { only }) }
}

function bounded(relays: [string, RelayMemory][]): [string, RelayMemory][] {
  if (relays.length <= MAX_RELAYS) return relays
  const lastSeen = ({ limits, backoff, unreachableSince }: RelayMemory) =>
    Math.max(limits?.at ?? 0, backoff?.until ?? 0, unreachableSince ?? 0)
  const [own, others] = [true, false].map((is) => relays.filter(([, one]) => (one.cursor !== undefined) === is))
  const latest = (others ?? []).sort(([, a], [, b]) => lastSeen(b) - lastSeen(a))
  return [...(own ?? []), ...latest.slice(0, Math.max(0, MAX_RELAYS - (own?.length ?? 0)))]
}

/** Notes by how much our clock is wrong, seconds, if it is: until it is right again nothing is dated before a relay was asked. */
export function recordClock(state: State, answers: readonly { complete: boolean }[], ahead: number): State {
  const known = state.index.clockAhead ?? 0
  if (known === ahead || !answers.some((answer) => answer.complete)) return state
  const edit = beginTransaction(state)
  if (ahead === 0) delete edit.index.clockAhead
  else edit.index.clockAhead = ahead
  return edit.state
}
