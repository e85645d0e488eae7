// Whoever asks for everything gets the words that lie in chapters too.
import type { Intent } from '../call/intent.ts'
import type { State } from '../state/state.ts'
import type { Place } from './place.ts'

export function entire(intent: Intent, { world }: Place, state: State): State {
  if (intent.type !== 'inbox' || !intent.all) return state
  const packed = Object.values(state.logs).flatMap(({ id, past }) => (past === undefined ? [] : [id]))
  if (packed.length === 0) return state
  const { logs } = world.store.read([], packed)
  return {
    ...state,
    logs: {
      ...state.logs,
      ...Object.fromEntries(packed.flatMap((id) => (logs[id] === undefined ? [] : [[id, logs[id]]]))),
    },
  }
}
