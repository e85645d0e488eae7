// What is kept of one relay, from one command to the next.
import type { Foreign } from '../sanitize.ts'

/**
 * What we know of a relay, all times in unix seconds. `cursor`: its clock when our last complete read of it began; `cursorByOwnClock`: our
 * own clock then, where that says another time; `wholeReadAt`: when the last complete read of the whole mailbox began.
 */
export type RelayMemory = {
  cursor?: number
  cursorByOwnClock?: number
  wholeReadAt?: number
  /** Since when it has not answered completely, and when a command last gave it more time than the others. */
  incompleteSince?: number
  longWaitAt?: number
  /** Whether it speaks NIP-77, and when it said so or failed at it. */
  negentropy?: { speaks: boolean; at: number }
  sweep?: Sweep
  limits?: RelayLimits
  backoff?: RelayBackoff
  dialLimit?: DialLimit
  /** Since when it cannot be reached; absent once it could again. */
  unreachableSince?: number
  canary?: RelayCanary
}

/**
 * The last canary that a relay was sent: when, unix seconds, and its `wrap` where the relay has taken it and was not judged by it yet.
 * `misses`: how many in a row were not given back; `leaky`: since when it counts as leaky.
 */
export type RelayCanary = { at: number; wrap?: string; misses?: number; leaky?: number }

/**
 * A read that met a bound, with which the next run goes on; all in unix seconds. Of the stamps from `since` on, those from `until` up to
 * `top` are read. `began`: when its first run began; `cursor`: where the cursor goes once it is complete. `whole`: of the whole mailbox;
 * `deep`: wraps that are known are heard once more.
 */
export type Sweep = {
  since: number
  until: number
  top: number
  began: number
  cursor: number
  whole?: true
  deep?: true
}

/**
 * How much a relay can be asked or told, as it has said or shown, and when, unix seconds: events in one answer, bytes of a message, and
 * questions that are open at a time (`subscriptions`).
 */
export type RelayLimits = { at: number; maxEvents?: number; maxMessageBytes?: number; subscriptions?: number }

/**
 * A relay that wants to be left alone: when it said so, unix milliseconds, until when, unix seconds, and how many times in a row.
 * `named`: it has said for how long; `only`: with questions alone, or with what we publish.
 */
export type RelayBackoff = {
  at: number
  until: number
  tries: number
  why: Foreign
  named?: true
  only?: 'read' | 'write'
}

/**
 * A relay that limits how often we connect. `at`: when it last refused; `cron`: when cron last connected or tried to, and until it has,
 * when the relay first refused; both unix seconds. `dials`: how often cron did in that run, where more than once.
 */
export type DialLimit = { at: number; cron: number; dials?: number }
