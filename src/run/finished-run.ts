// A run that is done: everything that its outcome is made of.
import type { Intent, IntentOf, IntentType } from '../call/intent.ts'
import type { State } from '../state/state.ts'
import type { ActionResult } from './action.ts'
import type { RunContext } from './context.ts'
import type { Needs } from './needs.ts'
import type { Decided } from './step.ts'
import type { SyncResult } from './sync-result.ts'
import type { TranscriptView } from './transcript.ts'

export type FinishedRun = {
  intent: Intent
  needs: Needs
  context: RunContext
  heard: SyncResult
  state: State
  decided: Decided | undefined
  /** Calls in which something came in that wants an answer, be it a repeat. */
  callsHeard: readonly string[]
  /** What became of all that was to be done. */
  done: readonly ActionResult[]
  /** The command's call, for its reader. */
  reading?: TranscriptView | undefined
  /** What was deleted because its time had come, for the user. */
  deleted?: readonly string[]
  /** Why nothing was done. */
  idle?: string | undefined
}

export type FinishedRunOf<T extends IntentType> = FinishedRun & { intent: IntentOf<T> }
