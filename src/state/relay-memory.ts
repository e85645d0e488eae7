// What we remember of relays that did not answer in time. A relay that is slow and honest must not be outrun for ever by
// one that is fast and empty: once in a while it gets the time that it needs.
import type { Index, RelayMemory, State } from './state.ts'
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

/** An answer to the question for the mailbox. `reconciled`: whether NIP-77, where it was tried, has worked. */
export type MailboxAnswer = { relay: string; complete: boolean; reconciled?: boolean }

/** Notes which relays answered completely and which did not. `since`: when a relay began to be late. */
export function recordMailboxAnswers(state: State, answers: readonly MailboxAnswer[], now: number): State {
  const known = state.index.relays
  const changed = answers.flatMap(({ relay, complete, reconciled }): [string, RelayMemory][] => {
    const held = known[relay] ?? {}
    const failed = reconciled === false && held.negentropy?.speaks === true
    const memory = failed ? { ...held, negentropy: { speaks: false, at: now } } : held
    if (complete) {
      const { since, patience, ...rest } = memory
      return since === undefined && patience === undefined && !failed ? [] : [[relay, rest]]
    }
    const waited = patienceFor(memory, now) > 0 ? { patience: now } : {}
    return [[relay, { ...memory, since: memory.since ?? now, ...waited }]]
  })
  if (changed.length === 0) return state
  const edit = beginTransaction(state)
  Object.assign(edit.table('relays'), Object.fromEntries(changed))
  return edit.state
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
