// Canaries: small wraps to ourselves that tell whether our relays give back what they have taken. A relay that says OK and keeps
// nothing is common, and looks like one where nobody has written.

import type { CompleteRead } from './cursors.ts'
import type { RelayCanary, RelayMemory } from './kept-relay.ts'
import { hasPassed } from './retry.ts'
import type { Index, State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'

const AN_HOUR = 3600

/** Seconds for which a relay is asked to keep a canary (NIP-40). */
export const CANARY_LIFETIME = 24 * AN_HOUR

/** Seconds between two canaries to one relay: to one that is believed, and to one that is leaky. */
const EVERY = { believed: AN_HOUR, leaky: 24 * AN_HOUR }

/** Seconds after it took a canary in which a relay need not have it at hand yet, and seconds before the end in which it may forget it. */
const SETTLES = 10
const FORGETS = AN_HOUR

/** How many canaries in a row a relay must lose to count as leaky. */
const MAX_MISSES = 2

/** Seconds since its mailbox was read in which a relay counts as connected, so that a canary costs no connection of its own. */
const JUST_NOW = 10

/** The inbox relays that are to be sent a canary: those that this run has read, at most hourly each. */
export function canaryRelays({ relays }: Index, inbox: readonly string[], now: number): string[] {
  return inbox.filter((url) => {
    const { cursor = 0, cursorByOwnClock: lastReadAt = cursor, canary } = relays[url] ?? {}
    if (hasPassed(lastReadAt, JUST_NOW, now)) return false
    return canary === undefined || hasPassed(canary.at, EVERY[canary.leaky === undefined ? 'believed' : 'leaky'], now)
  })
}

/** What became of a canary at a relay. `wrap`: its id where the relay has taken it; `at`: when, unix seconds. */
export type SentCanary = { relay: string; at: number; wrap?: string }

/** Writes down which relays have taken a canary. One that has refused it has not lost anything. */
export function recordCanaries(state: State, sent: readonly SentCanary[]): State {
  if (sent.length === 0) return state
  const edit = beginTransaction(state)
  for (const { relay, at, wrap } of sent) {
    const { canary, ...memory } = edit.index.relays[relay] ?? {}
    const { wrap: _, ...held } = canary ?? {}
    edit.table('relays')[relay] = { ...memory, canary: { ...held, at, ...(wrap !== undefined && { wrap }) } }
  }
  return edit.state
}

/** Judges relays by whether a complete read has given back their canary. Called once all that came in counts as seen. */
export function judgeCanaries(edit: Transaction, completeReads: readonly CompleteRead[], now: number): void {
  for (const { relay, began } of completeReads) {
    const { canary } = edit.index.relays[relay] ?? {}
    if (canary?.wrap === undefined) continue
    const { wrap, ...held } = canary
    const isBack = edit.index.seen[wrap] !== undefined
    if (!isBack && began < held.at + SETTLES) continue
    // A canary that may have expired tells nothing.
    const isTelling = isBack || began < held.at + CANARY_LIFETIME - FORGETS
    edit.table('relays')[relay] = {
      ...edit.index.relays[relay],
      canary: isTelling ? afterReplay(held, isBack, now) : held,
    }
  }
}

function afterReplay({ at, misses = 0, leaky }: RelayCanary, isBack: boolean, now: number): RelayCanary {
  if (isBack) return { at }
  const missed = misses + 1
  return { at, misses: missed, ...(missed >= MAX_MISSES && { leaky: leaky ?? now }) }
}

/** Since when a relay has counted as leaky, unix seconds. */
export function leakySince(memory: RelayMemory | undefined): number | undefined {
  return memory?.canary?.leaky
}

/** With this many relays that are believed, no leaky one is needed. */
const ENOUGH_RELAYS = 2

/** The relays that our 10050 names: without the leaky ones, while at least two others are good. */
export function publishedInbox({ relays }: Index, inbox: readonly string[]): string[] {
  const good = inbox.filter((url) => leakySince(relays[url]) === undefined)
  return good.length >= ENOUGH_RELAYS ? good : [...inbox]
}
