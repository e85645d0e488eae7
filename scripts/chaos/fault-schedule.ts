// Makes relays misbehave at random, by a seed: restarted, emptied, silent, lying, refusing. Every fault ends after a while.
import { WRAP_KIND } from '../../src/nostr/nip59.ts'
import type { SeededRandom } from '../relay/faults.ts'
import type { EmbeddedRelay } from '../relay.ts'

export type FaultSchedule = { faults: Record<string, number>; stop(): Promise<void> }

/** A fault of a relay (its number, from 1), and when it began and ended, Unix ms. */
export type FaultSpan = { relay: number; what: string; at: number; until: number }

/**
 * Makes the relays misbehave until `stop`. The first one never loses what it has taken: what is promised holds as long as one honest relay
 * can be reached.
 * @param leaky the other relays say OK to wraps all the time, and keep none
 */
export function startFaults(
  relays: readonly EmbeddedRelay[],
  random: SeededRandom,
  { leaky = false, onFault = () => {} }: { leaky?: boolean; onFault?: (span: FaultSpan) => void } = {},
): FaultSchedule {
  const faults: Record<string, number> = {}
  if (leaky) for (const relay of relays.slice(1)) relay.faults.dropEvents = ({ kind }) => kind === WRAP_KIND
  let going = true
  const loops = relays.map(async (relay, i) => {
    while (going) {
      await pause(200 + random() * 1500)
      if (!going) break
      const kind = pick(leaky || i === 0 ? KINDS_THAT_KEEP : ALL_KINDS, random)
      faults[kind] = (faults[kind] ?? 0) + 1
      const at = Date.now()
      await causeFault(relay, kind, 200 + random() * 1200)
      onFault({ relay: i + 1, what: kind, at, until: Date.now() })
    }
  })
  return {
    faults,
    async stop() {
      going = false
      await Promise.all(loops)
    },
  }
}

const KINDS_THAT_KEEP = ['restarted', 'silent', 'rate-limited', 'shuffled', 'repeated', 'slow'] as const
const ALL_KINDS = [...KINDS_THAT_KEEP, 'emptied', 'lying', 'blocked', 'cut off', 'garbage'] as const

async function causeFault(
  { faults, restart }: EmbeddedRelay,
  kind: (typeof ALL_KINDS)[number],
  ms: number,
): Promise<void> {
  if (kind === 'restarted') return await restart()
  if (kind === 'emptied') return await restart({ empty: true })
  const calm = { ...faults }
  if (kind === 'silent') faults.silent = true
  if (kind === 'rate-limited') faults.refuse = 'rate-limited: slow down'
  if (kind === 'blocked') faults.refuse = 'blocked: not today'
  if (kind === 'lying') faults.dropEvents = 0.5
  if (kind === 'shuffled') faults.shuffle = true
  if (kind === 'repeated') faults.repeat = true
  if (kind === 'slow') faults.delay = 150
  if (kind === 'cut off') faults.closeAfter = 3
  if (kind === 'garbage') faults.garbage = true
  await pause(ms)
  Object.assign(faults, calm)
}

function pick<T>(from: readonly T[], random: SeededRandom): T {
  const one = from[Math.floor(random() * from.length)] ?? from[0]
  if (one === undefined) throw new RangeError('nothing to pick from')
  return one
}

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
