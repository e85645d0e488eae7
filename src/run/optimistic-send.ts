// Speaking before hearing. A message in a call that was active when we last looked leaves in the same flight as the question
// for what is new, which saves a round trip; if it then turns out that the call was over, the outcome says that it came late.
import { decide } from '../call/decide.ts'
import type { Intent } from '../call/intent.ts'
import { directoryOf } from '../state/directory.ts'
import { isStale } from '../state/peer-memory.ts'
import { callsOf, type State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { deliver } from './deliver.ts'
import { routeTo } from './route.ts'
import { type DeliveryResult, runStep, type StepResult, stepContext } from './step.ts'
import { NOBODY_LOOKED_UP } from './sync.ts'

/** A turn that was taken before anything was heard, and what came of what it said. */
export type OptimisticSend = { result: StepResult; delivered: DeliveryResult | undefined }

/**
 * The relays of the peer, when the intent is to say something that does not depend on what we have yet to hear. Undefined
 * when it does: the peer may read elsewhere by now, our clock was wrong, or the owner is to be told something too.
 */
export function optimisticRelays(intent: Intent, context: RunContext, state: State): readonly string[] | undefined {
  const { index } = state
  if (intent.type !== 'send' || index.clockAhead !== undefined || Object.keys(index.appeals).length > 0)
    return undefined
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  const directory = directoryOf(index, context.people, 'callers')
  const [utterance] = decide(intent, { ...stepContext(context, undefined), calls, directory }).say
  if (utterance === undefined || isStale(index.peers[utterance.to], context.now)) return undefined
  return routeTo(context, state, calls, utterance.to).relays
}

/** Undefined when a parallel command has changed the call meanwhile: then it is said after hearing. */
export async function sendOptimistically(intent: Intent, context: RunContext): Promise<OptimisticSend | undefined> {
  const result = await runStep(context, intent, undefined, NOBODY_LOOKED_UP)
  return result.verdict.refusal === undefined ? { result, delivered: await deliver(context, result) } : undefined
}

/** Both turns as the one that they are to the user. */
export function mergeOptimistic(result: StepResult, ahead: OptimisticSend | undefined): StepResult {
  if (ahead === undefined) return result
  const { verdict, said, dues } = ahead.result
  return { ...result, verdict, said: [...result.said, ...said], dues: [...dues, ...result.dues] }
}
