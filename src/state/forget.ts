// Calls of strangers that came to nothing: the latest are remembered, and the index does not grow with every flood.
import type { Phase } from '../call/rules.ts'
import type { Gate } from './admit.ts'
import type { Summary } from './book.ts'
import type { Draft } from './edit.ts'

/** Most of them that are kept in sight; their files stay. */
const MOST = 1_000

const NOTHING: readonly Phase[] = ['missed', 'rejected', 'cancelled', 'merged']

export function forgetCalls(edit: Draft, { trust }: Pick<Gate, 'trust'>): void {
  const isIdle = ({ open, direction, phase, peer }: Summary) =>
    !open && direction === 'incoming' && NOTHING.includes(phase) && trust(peer) === 'unknown'
  const idle = Object.entries(edit.index.calls).filter(([, call]) => isIdle(call))
  if (idle.length <= MOST) return
  for (const [id] of idle.sort(([, a], [, b]) => b.last - a.last).slice(MOST)) delete edit.table('calls')[id]
}
