// Relays that misbehave by the dice: killed, restarted empty, silent, lying, refusing; every fault ends after a while.
import type { EmbeddedRelay } from '../relay.ts'

/** A number in [0, 1) from the seed, the same for every run. */
export type Dice = () => number

export type Weather = { faults: Record<string, number>; stop(): Promise<void> }

/** One relay is only ever cut off, never forgetful: the promise holds as long as one honest relay can be reached. */
export function startWeather(relays: readonly EmbeddedRelay[], dice: Dice): Weather {
  const faults: Record<string, number> = {}
  let going = true
  const storms = relays.map(async (relay, i) => {
    while (going) {
      await pause(200 + dice() * 1500)
      if (!going) break
      const kind = pick(i === 0 ? HONEST : ALL, dice)
      faults[kind] = (faults[kind] ?? 0) + 1
      await strike(relay, kind, 200 + dice() * 1200)
    }
  })
  return {
    faults,
    async stop() {
      going = false
      await Promise.all(storms)
    },
  }
}

const HONEST = ['restarted', 'silent', 'rate-limited', 'shuffled', 'repeated', 'slow'] as const
const ALL = [...HONEST, 'emptied', 'lying', 'blocked', 'cut off', 'garbage'] as const

async function strike({ faults, restart }: EmbeddedRelay, kind: (typeof ALL)[number], ms: number): Promise<void> {
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

function pick<T>(from: readonly T[], dice: Dice): T {
  const one = from[Math.floor(dice() * from.length)] ?? from[0]
  if (one === undefined) throw new RangeError('nothing to pick from')
  return one
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
