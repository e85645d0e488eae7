// A run that has said its say: everything that its outcome is made of.
import type { Intent } from '../call/intent.ts'
import type { OwnerTold } from '../state/escalations.ts'
import type { State } from '../state/state.ts'
import type { Posted } from './announce.ts'
import type { Escalated } from './escalate.ts'
import type { Heard } from './listen.ts'
import type { Place } from './place.ts'
import type { Turn } from './turn.ts'

export type Ended = {
  place: Place
  intent: Intent
  heard: Heard
  turn: Turn
  state: State
  posted: Posted | undefined
  escalation: Escalated | undefined
  /** What came of everything that the owner was told. */
  answers: readonly OwnerTold[]
}
