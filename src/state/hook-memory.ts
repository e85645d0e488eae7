// What one session of a harness was told by `p2p hook`, so that it is told only where something is new, and held up a bounded
// number of times. Kept in a file of its own beside the state, which the hook never writes.

import { list, ownValue, table, text, whole } from '../json.ts'
import { hasPassed } from './retry.ts'

/** `told`: keys of what was told after a tool. `held`: by key, how often the session was held up for it. `at`: when it was, unix seconds. */
export type HookMemory = { told: string[]; held: Record<string, number>; at: number[] }

/** Most times that a session is held up for one thing: an agent that will not look at it is let go. */
const MAX_HOLDS_A_THING = 3

/**
 * Most times that a session is held up in an hour, for whatever: a peer that keeps writing must not keep an agent at work forever.
 * As many as Claude Code allows in a row. Its own mark, stop_hook_active, has been seen to be false throughout.
 */
const MAX_HOLDS_AN_HOUR = 8

const HOUR = 3600

/** Reads the JSON of a session's file. A part that is damaged counts as empty. */
export function parseHookMemory(value: unknown): HookMemory {
  return {
    told: list(text)(ownValue(value, 'told')) ?? [],
    held: table(whole())(ownValue(value, 'held')) ?? {},
    at: list(whole())(ownValue(value, 'at')) ?? [],
  }
}

/** The memory after these things were told; undefined when all of them had been told before. */
export function rememberTold(memory: HookMemory, keys: readonly string[]): HookMemory | undefined {
  return keys.some((key) => !memory.told.includes(key)) ? { ...memory, told: [...keys] } : undefined
}

/** The memory after the session was held up for these things; undefined when it must be let go. @param now unix seconds */
export function rememberHold(memory: HookMemory, keys: readonly string[], now: number): HookMemory | undefined {
  // A clock that was set back would make old holds look like ones to come.
  const at = memory.at.filter((time) => !hasPassed(time, HOUR, now))
  const times = (key: string) => (Object.hasOwn(memory.held, key) ? (memory.held[key] ?? 0) : 0)
  if (at.length >= MAX_HOLDS_AN_HOUR || keys.every((key) => times(key) >= MAX_HOLDS_A_THING)) return undefined
  return { ...memory, held: Object.fromEntries(keys.map((key) => [key, times(key) + 1])), at: [...at, now] }
}
