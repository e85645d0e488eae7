// Proof of work (NIP-13) for a first word to an agent that asks strangers for it: bounded in time, and told how far it is.
import { mine } from '../nostr/nip13.ts'
import type { GiftWrapOptions } from '../nostr/nip59.ts'
import type { RunContext } from './context.ts'

/** Ms that it may take where the user has asked for it, and where not. */
const MINING_MAX = 30_000
export const MINING_UNASKED = 2_000

/** Ms between two lines that say how far it is. */
const MINING_REPORT_EVERY = 5_000

/** The most that policy.pow can ask for, and more than anybody finds in `MINING_MAX`: beyond it mining is not begun. */
export const MAX_BITS = 32

/** Gives a function that adds the work to a wrap. Where that takes too long the wrap goes out without it, and the user is told. */
export function mineFor(
  { environment }: { environment: MiningEnvironment },
  bits: number,
  maxMs = MINING_MAX,
): GiftWrapOptions['work'] {
  return (wrap) => {
    const mined = bits > MAX_BITS ? undefined : mineWithProgress(environment, { bits, maxMs }, wrap)
    if (mined === undefined) {
      environment.say(
        `${bits} bits of work are not to be had in ${maxMs / 1000} s: it goes out without, and may be dropped unread`,
      )
    }
    return mined
  }
}

type MineWork = NonNullable<GiftWrapOptions['work']>

type MiningEnvironment = Pick<RunContext['environment'], 'clock' | 'say'>

function mineWithProgress(
  environment: MiningEnvironment,
  { bits, maxMs }: { bits: number; maxMs: number },
  wrap: Parameters<MineWork>[0],
): ReturnType<MineWork> {
  const { clock } = environment
  const began = clock()
  let next = began + MINING_REPORT_EVERY
  environment.say(`the other side asks strangers for ${bits} bits of work; this may take up to ${maxMs / 1000} s`)
  const progress = (tried: number) => {
    if (clock() < next) return
    next += MINING_REPORT_EVERY
    environment.say(
      `working: ${tried} hashes tried in ${Math.round((clock() - began) / 1000)} s, ${2 ** bits} on average`,
    )
  }
  return mine(wrap, bits, { deadline: began + maxMs, clock, progress })
}
