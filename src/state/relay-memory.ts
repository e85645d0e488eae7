// What we remember of relays that did not answer in time. A relay that is slow and honest must not be outrun for ever by
// one that is fast and empty: once in a while it gets the time that it needs.
import { mergeSweeps } from './cursors.ts'
import type { Index, RelayMemory, State, Sweep } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds without a complete answer after which a relay is waited for, and between such waits. */
const OVERDUE = 1800

/** Milliseconds that it then gets beyond the grace. */
const PATIENCE = 3000

/** How much longer than the grace a relay may take this time, in ms. */
export function patienceFor(memory: RelayMemory | undefined, now: number): number {
  const since = memory?.since
  if (since === undefined || now - since < OVERDUE) return 0
  return now - (memory?.patience ?? 0) < OVERDUE ? 0 : PATIENCE
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

/** Notes which relays answered completely and which did not. `since`: when a relay began to be late. */
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
  const { since, patience, sweep: before, ...rest } = held
  const left = before?.began === answer.stalled ? undefined : before
  const sweep = answer.sweep === undefined ? left : mergeSweeps(held, answer.sweep, now)
  const isAnswered = answer.complete || answer.reached !== undefined
  const waited = patienceFor(held, now) > 0 ? now : patience
  return {
    ...rest,
    ...(answer.reconciled === false && rest.negentropy?.speaks && { negentropy: { speaks: false, at: now } }),
    ...(answer.limit !== undefined && { limits: { ...rest.limits, limit: answer.limit, at: now } }),
    ...(sweep !== undefined && { sweep }),
    ...(!isAnswered && { since: since ?? now, ...(waited !== undefined && { patience: waited }) }),
  }
}

function isSame(a: RelayMemory, b: RelayMemory): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
}

/** A relay may have been set up anew since. */
const LIMITS_FOR = 24 * 3600

/** The most events that a relay lets itself be asked for at a time, as far as it has shown. */
export function askLimitOf(memory: RelayMemory | undefined, now: number): number | undefined {
  const { limit, at = 0 } = memory?.limits ?? {}
  return Math.abs(now - at) < LIMITS_FOR ? limit : undefined
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

/** From so many known wraps on it is worth comparing what we have with what a relay has. Below, a REQ is as fast. */
const WORTH_COMPARING = 200

const A_DAY = 24 * 3600

/** What we hold of a mailbox since then, for a relay that speaks NIP-77; undefined where it does not, or it is not worth it. */
export function knownWraps({ relays, seen }: Index, relay: string, since: number): [string, number][] | undefined {
  if (relays[relay]?.negentropy?.speaks !== true) return undefined
  const held: [string, number][] = []
  for (const id in seen) {
    const stamp = seen[id]
    if (stamp !== undefined && stamp >= since) held.push([id, stamp])
  }
  return held.length < WORTH_COMPARING ? undefined : held
}

/** The relays to be asked whether they speak NIP-77: those that have sent much that we knew, once a day. */
export function relaysToProbe(
  { relays }: Index,
  answers: readonly { relay: string; known: number }[],
  now: number,
): string[] {
  const unsure = (relay: string) => {
    const { speaks, at } = relays[relay]?.negentropy ?? { speaks: false, at: 0 }
    return !speaks && Math.abs(now - at) > A_DAY
  }
  return answers.flatMap(({ relay, known }) => (known >= WORTH_COMPARING && unsure(relay) ? [relay] : []))
}

/** Notes which relays speak NIP-77. */
export function recordNip77(state: State, found: readonly { relay: string; speaks: boolean }[], now: number): State {
  const edit = beginTransaction(state)
  for (const { relay, speaks } of found) {
    edit.table('relays')[relay] = { ...edit.index.relays[relay], negentropy: { speaks, at: now } }
  }
  return edit.state
}
