// When a sleeping agent is woken: once for each new thing, and again with growing waits until it has looked, since a wake can get lost.
import type { InboxItem } from '../call/inbox-items.ts'
import { hasPassed } from './retry.ts'
import type { State, WakeRecords } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds until the next wake for the same thing, by how often the agent was woken for it; after the last it is not woken for it any more. */
const WAKE_AGAIN = [300, 900, 3600, 6 * 3600, 24 * 3600]

/** Most wakes of one run: a flood must not start a program a thousand times. */
const MAX_WAKES_A_RUN = 10

/**
 * The unread things for which the agent is woken now.
 * @param unknown whether strangers may wake the agent too
 */
export function wakesDue(state: State, items: readonly InboxItem[], unknown: boolean, now: number): InboxItem[] {
  return items
    .filter((item) => (unknown || item.from.trust !== 'unknown') && isDue(state.index.wakes[keyOf(item)], now))
    .slice(0, MAX_WAKES_A_RUN)
}

/** Notes the wakes that are about to go out, and forgets those for things that were read. */
export function recordWakes(state: State, due: readonly InboxItem[], unread: readonly InboxItem[], now: number): State {
  const keys = new Set(unread.map(keyOf))
  const kept = Object.entries(state.index.wakes).filter(([key]) => keys.has(key))
  if (due.length === 0 && kept.length === Object.keys(state.index.wakes).length) return state
  const wakes: WakeRecords = Object.fromEntries(kept)
  for (const item of due) wakes[keyOf(item)] = { at: now, times: (wakes[keyOf(item)]?.times ?? 0) + 1 }
  const edit = beginTransaction(state)
  edit.index.wakes = wakes
  return edit.state
}

function isDue(wake: WakeRecords[string] | undefined, now: number): boolean {
  if (wake === undefined) return true
  const wait = WAKE_AGAIN[wake.times - 1]
  return wait !== undefined && hasPassed(wake.at, wait, now)
}

// By type as well, since a missed call has the id of its request.
function keyOf({ id, type }: InboxItem): string {
  return `${type} ${id}`
}
