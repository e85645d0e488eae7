// An accept that has to wait until the peer has been told that its messages cannot be decrypted here. That is told after two complete
// reads, which are made at once; then the command does what it was typed for.
import type { Intent } from '../call/intent.ts'
import type { StepOptions } from './action.ts'
import { refreshContext, withRelayClock } from './context.ts'
import { type ExecutedRun, executeActions } from './execute.ts'
import { saveStep } from './save-step.ts'
import { syncAgain } from './sync.ts'

/** Most looks: one that finds the loss, two complete ones, of which the second tells the peer, and one that accepts. */
const MAX_LOOKS = 4

/** Ms between two looks: two within one second would count as one. */
const PAUSE = 1_000

/** Whether the call is not accepted because its key is lost. */
function awaitsLossReport({ result }: ExecutedRun): boolean {
  return result.decided?.refusal?.code === 'CALL_KEY_LOST'
}

/**
 * Reads the mailboxes and decides once more, until the accept is no longer refused for the lost key, no read was complete, the run was
 * stopped, or `MAX_LOOKS` are over.
 * @param executed what the command came to before
 */
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
