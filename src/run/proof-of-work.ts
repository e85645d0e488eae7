// Proof of work (NIP-13) for a first word to somebody who asks strangers for it: mined with progress, bounded in time.
import { mine } from '../nostr/nip13.ts'
import type { GiftWrapOptions } from '../nostr/nip59.ts'
import type { RunContext } from './context.ts'

/** How long it may take, and where nobody has asked for it, in ms. */
const MINING_MAX = 30_000
export const MINING_UNASKED = 2_000

/** How often it says how far it is, in ms. */

const MINING_REPORT_EVERY = 5_000

/** More than any agent can ask for (policy.pow), and than anybody has in `MINING_MAX`. */
export const MAX_BITS = 32

/** What adds the work to a wrap. Where it cannot be had in time the wrap goes out without, and the user is told. */
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
