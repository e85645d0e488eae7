// A run that asks nobody.
import type { Intent } from '../call/intent.ts'
import type { State } from '../state/state.ts'
import { UNHEARD } from './listen.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Place } from './place.ts'

/** The outcome of a run in which nobody was heard and nothing said. */
export function quiet(intent: Intent, place: Place, state: State): Outcome {
  const turn = { state, verdict: { say: [] }, said: [], dues: [], appeals: [], asked: undefined, acks: [], touched: [] }
  return outcomeOf({
    place,
    intent,
    heard: UNHEARD,
    turn,
    state,
    posted: undefined,
    escalation: undefined,
    answers: [],
  })
}
