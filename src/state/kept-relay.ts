// What is kept of one relay, from one command to the next.
import type { Foreign } from '../sanitize.ts'

/**
 * What we know of a relay, all times in unix seconds. `cursor`: its clock when its last complete read began; `cursorByOwnClock`: the
 * same by our own, where that is another time; `wholeReadAt`: of the whole mailbox.
 */
export type RelayMemory = {
  cursor?: number
  cursorByOwnClock?: number
  wholeReadAt?: number
  /** Since when it has not answered completely, and when a command last waited longer for it than for the others. */
  incompleteSince?: number
  longWaitAt?: number
  /** Whether it speaks NIP-77, and when it said so or did otherwise, unix seconds. */
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
 * The last canary that it was sent, when (unix seconds), and as which `wrap` where it took it and nothing has been read since.
 * `misses`: how many in a row were not given back; `leaky`: since when it counts as leaky.
 */
export type RelayCanary = { at: number; wrap?: string; misses?: number; leaky?: number }

/**
 * A replay that met a bound and goes on with the next run, all in Unix s. Of the stamps from `since` on, those from `until` up to
 * `top` are read. `began`: when its first run did; `cursor`: where the cursor goes once it is through. `whole`: of the whole mailbox;
 * `deep`: what is known is heard once more.
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
 * What a relay lets itself be asked or told, as it has said or shown, and when, unix seconds: events at a time, bytes of a message,
 * and so many questions (`subscriptions`) that are open at a time.
 */
export type RelayLimits = { at: number; maxEvents?: number; maxMessageBytes?: number; subscriptions?: number }

/**
 * A relay that wants to be left alone: when it said so, unix ms, until when, unix seconds, and how often it has in a row.
 * `named`: it has said for how long; `only`: with questions, or with what we publish.
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
 * A relay that limits how often we connect: when it did last, and when cron tried to connect last, or would have had to were it the one
 * that was limited first; both unix seconds. `dials`: how often in that run, where more than once.
 */
export type DialLimit = { at: number; cron: number; dials?: number }
