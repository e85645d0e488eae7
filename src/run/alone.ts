// One `announce` at a time: cron may start the next one while the last still runs.
import type { IntentOf } from '../call/intent.ts'
import { beginAnnounce, endAnnounce, isAnnouncing } from '../state/announced.ts'
import type { Outcome } from './outcome.ts'
import { type Place, refreshed } from './place.ts'
import { quiet } from './quiet.ts'

/**
 * Runs `work` after a random pause. When another run is at it, or we are stopped during the pause, nothing is done and the
 * outcome says so in `idle`.
 * @param random from 0 to 1: spreads the agents of all the machines whose cron strikes at the same second
 */
export async function alone(
  intent: IntentOf<'announce'>,
  place: Place,
  work: (place: Place) => Promise<Outcome>,
  random: () => number = Math.random,
): Promise<Outcome> {
  const { world, now } = place
  const pause = random() * intent.jitter
  const begun = await world.store.update([], (fresh) => {
    if (isAnnouncing(fresh, world.pid, now, world.alive)) return { snapshot: fresh, value: false }
    return { snapshot: beginAnnounce(fresh, world.pid, now, pause), value: true }
  })
  if (!begun) return idle(intent, place, 'another announce is running')
  try {
    const slept = pause === 0 || (await world.pause(pause * 1000))
    return slept ? await work(refreshed(place)) : idle(intent, place, 'stopped before it began')
  } finally {
    await world.store.update([], (fresh) => ({ snapshot: endAnnounce(fresh, world.pid), value: undefined }))
  }
}

function idle(intent: IntentOf<'announce'>, place: Place, why: string): Outcome {
  return { ...quiet(intent, place, place.world.store.read()), news: [], idle: why }
}
