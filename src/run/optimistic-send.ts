// Speaking before hearing. A message in a call that was active when we last looked leaves in the same flight as the question
// for what is new, which saves a round trip; if it then turns out that the call was over, the outcome says that it came late.

import { chooseCall } from '../call/choose-call.ts'
import type { Intent } from '../call/intent.ts'
import { Failure } from '../errors.ts'
import { directoryOf, NO_DIRECTORY } from '../state/directory.ts'
import { isStale } from '../state/peer-memory.ts'
import { callsOf, type State, unreadOf } from '../state/state.ts'
import type { ActionResult, StepOptions } from './action.ts'
import type { RunContext } from './context.ts'
import { executeSideBySide } from './execute.ts'
import type { Needs } from './needs.ts'
import { routeTo } from './route.ts'
import { saveStep } from './save-step.ts'
import type { Decided } from './step.ts'

/**
 * The relays of the peer, where what the command says does not depend on what we have yet to hear. Undefined where it does: there is
 * not exactly one call to speak in, the peer may read elsewhere by now, our clock was wrong, or the owner is to be told something too.
 */
export function optimisticRelays(needs: Needs, state: State, context: RunContext): readonly string[] | undefined {
  const { index } = state
  if (needs.optimistic !== true || index.clockAhead !== undefined || Object.keys(index.pendingEscalations).length > 0)
    return undefined
  const { people, selector, now, environment } = context
  const calls = callsOf(state, environment.keys.pubkey, now)
  const directory = selector === undefined ? NO_DIRECTORY : directoryOf(index, people, 'callers')
  const call = chooseCall('send', 'message', { calls, people, directory, selector, isUnread: unreadOf(state) })
  if (call instanceof Failure || isStale(index.peers[call.peer], now)) return undefined
  return routeTo(context, state, calls, call.peer).relays
}

/** Decides and publishes before anything was heard. The next `saveStep` records what became of it, and what was heard meanwhile. */
export async function sendOptimistically(
  intent: Intent,
  options: StepOptions,
  context: RunContext,
): Promise<{ decided: Decided | undefined; done: ActionResult[] }> {
  const { decided, actions } = await saveStep({ intent }, options, context)
  const { done, error } = await executeSideBySide(actions, context)
  if (error !== undefined) throw error.thrown
  return { decided, done }
}
