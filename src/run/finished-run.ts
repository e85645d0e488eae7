// A run that has said its say: everything that its outcome is made of.
import type { Intent, IntentOf, IntentType } from '../call/intent.ts'
import type { OwnerTold } from '../state/escalations.ts'
import type { State } from '../state/state.ts'
import type { AnnounceResult } from './announce.ts'
import type { RunContext } from './context.ts'
import type { StepResult } from './step.ts'
import type { SyncResult } from './sync.ts'
import type { EscalationResult } from './tell-owner.ts'

export type FinishedRun = {
  context: RunContext
  intent: Intent
  heard: SyncResult
  result: StepResult
  state: State
  posted: AnnounceResult | undefined
  /** Why nothing was done. */
  idle: string | undefined
  escalation: EscalationResult | undefined
  /** What came of everything that the owner was told. */
  answers: readonly OwnerTold[]
}

export type FinishedRunOf<T extends IntentType> = FinishedRun & { intent: IntentOf<T> }
