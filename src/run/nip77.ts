// Finding out from their NIP-11 documents which relays speak NIP-77, and what they take at a time. Done by a run that had to read much that
// it knew already.
import { recordNip77 } from '../state/relay-limits.ts'
import type { Executor } from './action.ts'

/** Ms that a relay has to answer. One that does not answer is taken not to speak it, or each run would wait as long again. */
const NIP11_WITHIN = 1_000

export const probeNip77: Executor<'probe-nip77'> = {
  async execute(action, { environment }) {
    const found = action.relays.map(async (relay) => {
      const { nips = [], limits } = (await environment.fetchRelayInfo(relay, NIP11_WITHIN)) ?? {}
      const { events: maxEvents, message: maxMessageBytes, subscriptions } = limits ?? {}
      return {
        ...{ relay, speaks: nips.includes(77) },
        ...(maxEvents !== undefined && { maxEvents }),
        ...(maxMessageBytes !== undefined && { maxMessageBytes }),
        ...(subscriptions !== undefined && { subscriptions }),
      }
    })
    return { type: 'probe-nip77', action, found: await Promise.all(found) }
  },
  record: (state, done, { now }) => done.reduce((next, { found }) => recordNip77(next, found, now), state),
}
