// What we remember of relays that did not answer in time, or want to be left alone. A relay that is slow and honest must not be outrun
// forever by one that is fast and empty: once in a while it gets the time that it needs.

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

/** Milliseconds that it then gets beyond those of the others. */
const PATIENCE = 3000

/** How much longer than the others a relay is waited for this time, in milliseconds. @param now unix seconds */
export function patienceFor(memory: RelayMemory | undefined, now: number): number {
  const since = memory?.incompleteSince
  if (since === undefined || !hasPassed(since, OVERDUE, now)) return 0
  return hasPassed(memory?.longWaitAt ?? 0, OVERDUE, now) ? PATIENCE : 0
}

/**
 * A relay's answer to the question for the mailbox. `reconciled`: whether NIP-77, where it was tried, has worked; `limit`: the most events
 * that the relay can be asked for at a time, where it has shown that; `reached`: the answer met a bound of ours, and `sweep` is what the
 * next run goes on with; `stalled`: when the sweep began that is given up.
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
 * A relay's wish to be left alone, and when it was said, unix milliseconds. `seconds`: for how long, where it says; `only`: with questions
 * alone, or with what we publish.
 */
export type Rebuff = { at: number; why: Foreign; seconds?: number; only?: 'read' | 'write' }

/**
 * What is known of a relay from before. `backoff`: until when it is left alone, unix milliseconds; `firm`: also where there is no other
 * relay, since it has named that time itself, or since cron will come again. `frame`: the largest message that it takes, in bytes;
 * `subscriptions`: how many questions it answers at a time.
 */
export type RelayFacts = {
  backoff?: { until: number; why: Foreign; firm: boolean; only?: 'read' | 'write' } | undefined
  frame?: number | undefined
  subscriptions?: number | undefined
}

/**
 * What one run has found out about a relay. `dials`: how many connections it has made or tried; `reached`: whether there was one; `took`:
 * when the relay last took what was published, unix milliseconds.
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
 * A relay that names no time is left alone for FIRST_REST, then for twice as long each time, and for no more seconds than these, for which
 * a presence lasts.
 */
const LONGEST_REST = 300

/** Most seconds for which a relay is left alone because it has named a time. */
const LONGEST_NAMED = 24 * 3600

/** Most relays that are remembered, since peers name new ones without end. Our own, whose mailboxes we read, stay. */
const MAX_RELAYS = 200

/**
 * What the connections of a run should know from before, by a relay's address.
 * @param now unix seconds
 * @param unattended whether cron runs it, which leaves room for others where a relay limits connections
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

// At a relay that limits connections a rest of our own making does not count for cron, which keeps its own distance: other commands may have
// caused it.
function cronBackoff(memory: RelayMemory, now: number): RelayFacts['backoff'] {
  const held = backoffNow(memory, now)
  if (!limitsDials(memory, now)) return held
  const spaced = 1000 * (spacedUntil(memory, now) ?? 0)
  if (spaced === 0) return held?.only !== undefined || held?.firm ? held : undefined
  const isLonger = held?.only === undefined && held?.firm && held.until > spaced
  return isLonger ? held : { until: spaced, why: foreign`it limits how often we connect`, firm: true }
}

/** Notes what a run has found out about relays. The same once more changes nothing. @param unattended whether cron runs it */
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
  // A relay that has taken something since no longer rests from what we publish.
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

// A relay that was reached no longer rests; but one that wanted a rest from what we publish alone may still want that.
function backoffAfter(rest: RelayBackoff | undefined, reached: boolean, now: number): RelayBackoff | undefined {
  if (rest === undefined || !reached) return rest
  return rest.only !== undefined && now < rest.until + LONGEST_REST ? rest : undefined
}

function newBackoff({ at, seconds, why, only }: Rebuff, before: RelayBackoff | undefined, now: number): RelayBackoff {
  // A run may write down the same rebuff more than once.
  if (before?.at === at) return before
  const tries = (before?.tries ?? 0) + 1
  const guess = Math.min(LONGEST_REST, FIRST_REST[only ?? 'read'] * 2 ** (tries - 1))
  const until = now + (seconds === undefined ? guess : Math.min(seconds, LONGEST_NAMED))
  return { at, until, tries, why, ...(seconds !== undefined && { named: true as const }), ...(only && { only }) }
}

function bounded(relays: [string, RelayMemory][]): [string, RelayMemory][] {
  if (relays.length <= MAX_RELAYS) return relays
  const lastSeen = ({ limits, backoff, dialLimit, unreachableSince }: RelayMemory) =>
    Math.max(limits?.at ?? 0, backoff?.until ?? 0, dialLimit?.at ?? 0, unreachableSince ?? 0)
  const isOwn = ({ cursor, sweep }: RelayMemory) => cursor !== undefined || sweep !== undefined
  const [own, others] = [true, false].map((is) => relays.filter(([, one]) => isOwn(one) === is))
  const latest = (others ?? []).sort(([, a], [, b]) => lastSeen(b) - lastSeen(a))
  return [...(own ?? []), ...latest.slice(0, Math.max(0, MAX_RELAYS - (own?.length ?? 0)))]
}

/** Notes by how many seconds our clock is ahead of the relays', 0 where it is right, once a relay has answered completely. */
export function recordClock(state: State, answers: readonly { complete: boolean }[], ahead: number): State {
  const known = state.index.clockAhead ?? 0
  if (known === ahead || !answers.some((answer) => answer.complete)) return state
  const edit = beginTransaction(state)
  if (ahead === 0) delete edit.index.clockAhead
  else edit.index.clockAhead = ahead
  return edit.state
}
