// What relays say and show of themselves: how much they can be asked and told at a time, and whether they compare what we have with what
// they have (NIP-77).
import type { RelayLimits, RelayMemory } from './kept-relay.ts'
import { hasPassed } from './retry.ts'
import type { Index, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds for which limits are believed: a relay may have been set up anew since. */
const LIMITS_FOR = 24 * 3600

/** The most events that a relay can be asked for at a time, as far as it has said or shown. */
export function askLimitOf(memory: RelayMemory | undefined, now: number): number | undefined {
  return limitsNow(memory, now)?.maxEvents
}

/** The most questions that a relay answers at a time, as far as it has said or shown. */
export function subscriptionsOf(memory: RelayMemory | undefined, now: number): number | undefined {
  return limitsNow(memory, now)?.subscriptions
}

/** What a relay has said or shown of its limits within the last day. */
export function limitsNow(memory: RelayMemory | undefined, now: number): RelayLimits | undefined {
  const limits = memory?.limits
  return limits !== undefined && !hasPassed(limits.at, LIMITS_FOR, now) ? limits : undefined
}

/** With this many known wraps it is worth comparing what we have with what a relay has. With fewer a REQ is as fast. */
const WORTH_COMPARING = 200

const A_DAY = 24 * 3600

/**
 * The wraps that we know of a mailbox from `since` on, unix seconds, for a relay that speaks NIP-77; undefined where it does not, or where
 * a comparison is not worth it.
 */
export function knownWraps({ relays, seen }: Index, relay: string, since: number): [string, number][] | undefined {
  if (relays[relay]?.negentropy?.speaks !== true) return undefined
  const held: [string, number][] = []
  for (const id in seen) {
    const stamp = seen[id]
    if (stamp !== undefined && stamp >= since) held.push([id, stamp])
  }
  return held.length < WORTH_COMPARING ? undefined : held
}

/** The relays to ask whether they speak NIP-77: once a day those that have sent much that we knew. */
export function relaysToProbe(
  { relays }: Index,
  answers: readonly { relay: string; known: number }[],
  now: number,
): string[] {
  const unsure = (relay: string) => {
    const { speaks, at } = relays[relay]?.negentropy ?? { speaks: false, at: 0 }
    return !speaks && hasPassed(at, A_DAY, now)
  }
  return answers.flatMap(({ relay, known }) => (known >= WORTH_COMPARING && unsure(relay) ? [relay] : []))
}

/** What a relay says of itself: whether it speaks NIP-77, and which limits it has. */
export type RelayStatement = { relay: string; speaks: boolean } & Omit<RelayLimits, 'at'>

/** Notes what relays say of themselves. */
export function recordNip77(state: State, found: readonly RelayStatement[], now: number): State {
  const edit = beginTransaction(state)
  for (const { relay, speaks, ...said } of found) {
    const held = edit.index.relays[relay]
    const limits = Object.keys(said).length > 0 ? { limits: limitsSaid(limitsNow(held, now), said, now) } : {}
    edit.table('relays')[relay] = { ...held, ...limits, negentropy: { speaks, at: now } }
  }
  return edit.state
}

function limitsSaid(before: RelayLimits | undefined, said: Omit<RelayLimits, 'at'>, now: number): RelayLimits {
  // Where a relay has shown in use that it answers fewer than it says, that counts.
  const subscriptions = [before, said].flatMap((one) => one?.subscriptions ?? [])
  return {
    ...{ ...before, ...said, at: now },
    ...(subscriptions.length > 0 && { subscriptions: Math.min(...subscriptions) }),
  }
}
