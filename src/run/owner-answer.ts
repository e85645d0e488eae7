// `escalate --answered`: what the owner has said elsewhere, written down. It asks no relay.
import type { IntentOf } from '../call/intent.ts'
import { Failure } from '../errors.ts'
import { escalationMeant, recordAnswer } from '../state/owner-answers.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import type { RunContext } from './context.ts'

type Recorded = { state: State; id: string } | Failure

/** The state with it and the escalation that it closes, or why there is none. */
export async function recordOwnerAnswer(
  { answered }: IntentOf<'escalate'>,
  { environment, now }: RunContext,
): Promise<Recorded> {
  return await environment.store.update([], (fresh): { snapshot: State; value: Recorded } => {
    const meant = escalationMeant(fresh, answered?.id)
    if (meant instanceof Failure) return { snapshot: fresh, value: meant }
    const { id } = meant.escalation
    const edit = beginTransaction(fresh)
    recordAnswer(edit, id, { text: answered?.text ?? '', at: now, channel: 'answered' })
    const state = edit.commit()
    return { snapshot: state, value: { state, id } }
  })
}
