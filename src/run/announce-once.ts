// One `announce` at a time: cron may start the next one while the last still runs.
import type { IntentOf } from '../call/intent.ts'
import { beginAnnounce, endAnnounce, isAnnouncing } from '../state/announced.ts'
import { type RunContext, refreshContext } from './context.ts'
import { localOutcome, type Outcome } from './outcome.ts'

/**
 * Runs `work` after a random pause. When another run is at it, or we are stopped during the pause, nothing is done and the
 * outcome says so in `idle`.
 * @param random from 0 to 1: spreads the agents of all the machines whose cron strikes at the same second
 */
export async function announceAlone(
  intent: IntentOf<'announce'>,
  context: RunContext,
  work: (context: RunContext) => Promise<Outcome>,
  random: () => number = Math.random,
): Promise<Outcome> {
  const { environment, now } = context
  const pause = random() * intent.jitter
  const begun = await environment.store.update([], (fresh) => {
    if (isAnnouncing(fresh, environment.pid, now, environment.alive)) return { snapshot: fresh, value: false }
    return { snapshot: beginAnnounce(fresh, environment.pid, now, pause), value: true }
  })
  if (!begun) return idleOutcome(intent, context, 'another announce is running')
  try {
    const slept = pause === 0 || (await environment.pause(pause * 1000))
    return slept ? await work(refreshContext(context)) : idleOutcome(intent, context, 'stopped before it began')
  } finally {
    await environment.store.update([], (fresh) => ({ snapshot: endAnnounce(fresh, environment.pid), value: undefined }))
  }
}

function idleOutcome(intent: IntentOf<'announce'>, context: RunContext, why: string): Outcome {
  return { ...localOutcome(intent, context, context.environment.store.read()), news: [], idle: why }
}
