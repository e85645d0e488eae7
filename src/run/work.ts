// Proof of work (NIP-13) for a first word to somebody who asks strangers for it: mined with progress, bounded in time.

import { mine } from '../nostr/nip13.ts'
import type { GiftWrapOptions } from '../nostr/nip59.ts'
import type { Place } from './place.ts'

/** How long it may take, and how often it says how far it is, in ms. */
const MOST = 30_000
const EVERY = 5_000

/** More than any agent can ask for (policy.pow), and than anybody has in `MOST`. */
const BITS = 32

/** What adds the work to a wrap. Where it cannot be had in time the wrap goes out without, and the user is told. */
export function workFor({ world }: { world: Clocked }, bits: number): GiftWrapOptions['work'] {
  return (wrap) => {
    const mined = bits > BITS ? undefined : mining(world, bits, wrap)
    if (mined === undefined) {
      world.say(
        `${bits} bits of work are not to be had in ${MOST / 1000} s: it goes out without, and may be dropped unread`,
      )
    }
    return mined
  }
}

type Work = NonNullable<GiftWrapOptions['work']>
type Clocked = Pick<Place['world'], 'clock' | 'say'>

function mining(world: Clocked, bits: number, wrap: Parameters<Work>[0]): ReturnType<Work> {
  const { clock } = world
  const began = clock()
  let next = began + EVERY
  world.say(`the other side asks strangers for ${bits} bits of work; this may take up to ${MOST / 1000} s`)
  const progress = (tried: number) => {
    if (clock() < next) return
    next += EVERY
    world.say(`working: ${tried} hashes tried in ${Math.round((clock() - began) / 1000)} s, ${2 ** bits} on average`)
  }
  return mine(wrap, bits, { deadline: began + MOST, clock, progress })
}
