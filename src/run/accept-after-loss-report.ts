// An accept that has to wait: the peer is still to hear that its messages cannot be decrypted here. It is told after two complete
// replays, which are made at once, and then the command does what it was typed for.
import type { Intent } from '../call/intent.ts'
import type { StepOptions } from './action.ts'
import { refreshContext, withRelayClock } from './context.ts'
import { type ExecutedRun, executeActions } from './execute.ts'
import { saveStep } from './save-step.ts'
import { syncAgain } from './sync.ts'

/** Looks until it is told: the one that finds it out, two complete ones, the last of which tells it, and the one that accepts. */
const MAX_LOOKS = 4

/** Two looks of one second would count as one, in ms. */
const PAUSE = 1_000

/** Whether nothing but that keeps a call from being accepted. */
function awaitsLossReport({ result }: ExecutedRun): boolean {
  return result.decided?.refusal?.code === 'CALL_KEY_LOST'
}

/** Looks again and again, and decides once more each time. @param executed what the command came to before */
export async function acceptAfterLossReport(
  intent: Intent,
  options: StepOptions,
  executed: ExecutedRun,
): Promise<ExecutedRun> {
  let [{ context }, last] = [executed, executed]
  for (let look = 0; look < MAX_LOOKS && awaitsLossReport(last); look++) {
    if (!(await context.environment.pause(PAUSE))) return last
    context = refreshContext(context)
    const heard = await syncAgain(context)
    context = withRelayClock(context, heard.clock)
    const stepped = await saveStep({ intent, heard }, options, context)
    const next = await executeActions(options, context, stepped)
    last = withBefore(next, last)
    if (heard.completeReads.length === 0) return last
  }
  return last
}

function withBefore({ result, done, context }: ExecutedRun, before: ExecutedRun): ExecutedRun {
  const callsHeard = [...before.result.callsHeard, ...result.callsHeard]
  return { context, done: [...before.done, ...done], result: { ...result, callsHeard } }
}
