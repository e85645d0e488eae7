// When something is tried again, and which process is at it: the same waits and claims for whatever is owed.
import type { Claim } from '../call/log.ts'

/** Whether a process that holds a claim still runs; undefined where it cannot be asked, on another machine or in another container. */
export type IsAlive = (claim: Claim) => boolean | undefined

/** Seconds for which a process that cannot be asked is left alone: what a container that is gone has claimed waits no longer. */
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
 * Whether a process is at it right now.
 * @param now unix seconds
 * @param lifetime seconds after which a claim counts for nothing: its process is taken to hang
 */
export function isClaimed(claim: Claim | undefined, now: number, alive: IsAlive, lifetime: number): boolean {
  if (claim === undefined || hasPassed(claim.at, lifetime, now)) return false
  return alive(claim) ?? !hasPassed(claim.at, UNASKED, now)
}

/**
 * Whether that many seconds have passed since then, by unix seconds. A clock that was set back must not stop anything: a time that lies ahead
 * by as much counts as passed too.
 */
export function hasPassed(since: number, seconds: number, now: number): boolean {
  return Math.abs(now - since) >= seconds
}

/** Seconds to wait after that many tries, by a list of waits, the last of which holds for all further tries. */
export function waitAfter(tries: number, waits: readonly number[]): number {
  return waits[tries] ?? waits.at(-1) ?? 0
}
