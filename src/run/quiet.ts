// A run that asks nobody.
import type { Intent } from '../call/intent.ts'
import type { State } from '../state/book.ts'
import { UNHEARD } from './listen.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Place } from './place.ts'

/** The outcome of a run in which nobody was heard and nothing said. */
export function quiet(intent: Intent, place: Place, book: State): Outcome {
  const turn = { book, verdict: { say: [] }, said: [], dues: [], appeals: [], asked: undefined, acks: [], touched: [] }
  return outcomeOf({ place, intent, heard: UNHEARD, turn, book, posted: undefined, escalation: undefined, answers: [] })
}
