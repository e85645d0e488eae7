// Whoever asks for everything gets the words that lie in chapters too.
import type { Intent } from '../call/intent.ts'
import type { State } from '../state/book.ts'
import type { Place } from './place.ts'

export function entire(intent: Intent, { world }: Place, book: State): State {
  if (intent.type !== 'inbox' || !intent.all) return book
  const packed = Object.values(book.logs).flatMap(({ id, past }) => (past === undefined ? [] : [id]))
  if (packed.length === 0) return book
  const { logs } = world.store.read([], packed)
  return {
    ...book,
    logs: {
      ...book.logs,
      ...Object.fromEntries(packed.flatMap((id) => (logs[id] === undefined ? [] : [[id, logs[id]]]))),
    },
  }
}
