// `escalate --answered`: writes down what the owner has said elsewhere. It asks no relay.
import { isOpen, type KeptEscalation, sameQuestions } from '../call/escalation.ts'
import type { IntentOf } from '../call/intent.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { recordAnswer } from '../state/owner-answers.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import type { RunContext } from './context.ts'

type Recorded = { state: State; id: string } | Failure

/**
 * Writes the owner's answer down for the question that it means, and for others with the same words. Gives the state and the id of that
 * question; a Failure where none, or several, are meant.
 */
export async function recordOwnerAnswer(
  { answered }: IntentOf<'escalate'>,
  { environment, now }: RunContext,
): Promise<Recorded> {
  return await environment.store.update([], (fresh): { snapshot: State; value: Recorded } => {
    const meant = escalationMeant(fresh, answered?.id)
    if (meant instanceof Failure) return { snapshot: fresh, value: meant }
    const { id } = meant.escalation
    const edit = beginTransaction(fresh)
    const asked = sameQuestions(meant, Object.values(fresh.index.escalations)).map(({ escalation }) => escalation.id)
    for (const one of new Set([id, ...asked]))
      recordAnswer(edit, one, { text: answered?.text ?? '', at: now, channel: 'answered' })
    const state = edit.commit()
    return { snapshot: state, value: { state, id } }
  })
}

/** The escalation that a prefix of its id names; without a prefix, the only open one. A Failure where there is none, or several. */
export function escalationMeant(state: State, prefix: string | undefined): KeptEscalation | Failure {
  const all = Object.values(state.index.escalations)
  const meant =
    prefix === undefined
      ? all.filter(isOpen)
      : all.filter(({ escalation }) => escalation.id.startsWith(prefix.toLowerCase()))
  const [first] = meant
  if (first !== undefined && (meant.length === 1 || sameQuestions(first, meant).length === meant.length)) return first
  if (first === undefined) {
    const what =
      prefix === undefined
        ? 'nothing that you have asked your owner is open'
        : `nothing that you have asked your owner has the id "${prefix.slice(0, 64)}"`
    return new Failure('NO_ESCALATION', what, `\`${P2P} status\` shows what is open`)
  }
  const ids = meant.map(({ escalation }) => escalation.id.slice(0, 8))
  return new Failure(
    'SEVERAL_ESCALATIONS',
    `you have asked your owner several things: ${ids.join(', ')}`,
    `\`${P2P} status\` shows what each of them is; \`${P2P} escalate --answered "…" --id <id>\` says which one is answered`,
  )
}
