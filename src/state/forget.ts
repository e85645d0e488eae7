// Calls of strangers that came to nothing: the latest are remembered, and the index does not grow with every flood.
import type { Phase } from '../call/rules.ts'
import type { AdmissionPolicy } from './admit.ts'
import type { CallSummary } from './book.ts'
import type { Transaction } from './edit.ts'

/** Most of them that are kept in sight; their files stay. */
const MAX_IDLE_CALLS = 1_000

const CAME_TO_NOTHING: readonly Phase[] = ['missed', 'rejected', 'cancelled', 'merged']

export function pruneCalls(edit: Transaction, { trust }: Pick<AdmissionPolicy, 'trust'>): void {
  const isIdle = ({ open, direction, phase, peer }: CallSummary) =>
    !open && direction === 'incoming' && CAME_TO_NOTHING.includes(phase) && trust(peer) === 'unknown'
  const idle = Object.entries(edit.index.calls).filter(([, call]) => isIdle(call))
  if (idle.length <= MAX_IDLE_CALLS) return
  for (const [id] of idle.sort(([, a], [, b]) => b.last - a.last).slice(MAX_IDLE_CALLS)) delete edit.table('calls')[id]
}
