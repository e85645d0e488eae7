// When something is tried again, and which process is at it: one schedule and one claim for whatever is owed.
import type { Claim } from '../call/log.ts'

/** Whether a process that holds a claim still runs; undefined where it cannot be asked, on another machine or in another container. */
export type IsAlive = (claim: Claim) => boolean | undefined

/** Seconds for which whoever cannot be asked is left alone. What was claimed by a container that is gone waits for no longer. */
const UNASKED = 120

/** A claim of this process, from now on. */
export function claimBy({
  pid,
  host,
  processStart,
  now,
}: Omit<Claim, 'at' | 'remainingOnly'> & { now: number }): Claim {
  return {
    pid,
    at: now,
    ...(host !== undefined && { host }),
    ...(processStart !== undefined && { processStart }),
  }
}

/**
 * Whether a process is at it right now. @param lifetime seconds after which a claim counts for nothing, since no command takes so long:
 * its process hangs
 */
export function isClaimed(claim: Claim | undefined, now: number, alive: IsAlive, lifetime: number): boolean {
  if (claim === undefined || hasPassed(claim.at, lifetime, now)) return false
  return alive(claim) ?? !hasPassed(claim.at, UNASKED, now)
}

/**
 * Whether a time has passed since then, unix seconds. A clock that was set back must not stop anything: what lies ahead by that much has
 * passed too.
 */
export function hasPassed(since: number, seconds: number, now: number): boolean {
  return Math.abs(now - since) >= seconds
}

/** How long to wait after so many tries, by a list of waits in seconds; the last one for all after it. */
export function waitAfter(tries: number, waits: readonly number[]): number {
  return waits[tries] ?? waits.at(-1) ?? 0
}
