// A finished run: everything that its outcome is made of.
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
  /** Calls in which something came in that wants an answer, even if it is a repeat. */
  callsHeard: readonly string[]
  /** What became of all actions. */
  done: readonly ActionResult[]
  /** The transcript of the command's own call, where the command shows it. */
  reading?: TranscriptView | undefined
  /** What was deleted because it was due, one line each for the user. */
  deleted?: readonly string[]
  /** Why nothing was done, where nothing was. */
  idle?: string | undefined
}

export type FinishedRunOf<T extends IntentType> = FinishedRun & { intent: IntentOf<T> }
