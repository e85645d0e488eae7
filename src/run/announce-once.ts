// One `announce` at a time: cron may start the next one while the last still runs.
import { beginAnnounce, endAnnounce, isAnnouncing } from '../state/announcements.ts'
import { authorOf, type RunContext, refreshContext } from './context.ts'

/** Why nothing is to be done now; or the context of the run, and what must be called at its end. */
export type Turn = { idle: string } | { context: RunContext; end: () => Promise<void> }

/** Seconds over which the runs that cron starts are spread. */
const JITTER = 20

/**
 * Begins after a random pause, unless another announce is running or we are stopped during the pause. The crons of all machines start at
 * the same second; the pause spreads their agents.
 * @param jitter most seconds of the pause; undefined for `JITTER` under cron, else none
 */
export async function takeTurn(context: RunContext, jitter: number | undefined): Promise<Turn> {
  const { environment } = context
  const speaker = authorOf(context)
  const pause = environment.random() * (jitter ?? (environment.isScheduled() ? JITTER : 0))
  const begun = await environment.store.update([], (fresh) => {
    if (isAnnouncing(fresh, speaker, environment.isAlive)) return { snapshot: fresh, value: false }
    return { snapshot: beginAnnounce(fresh, speaker, pause), value: true }
  })
  if (!begun) return { idle: 'another announce is running' }
  const end = () =>
    environment.store.update([], (fresh) => ({ snapshot: endAnnounce(fresh, speaker.pid), value: undefined }))
  if (pause === 0 || (await environment.pause(pause * 1000))) return { context: refreshContext(context), end }
  await end()
  return { idle: 'stopped before it began' }
}
