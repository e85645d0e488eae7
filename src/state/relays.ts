// What we remember of relays that did not answer in time. A relay that is slow and honest must not be outrun for ever by
// one that is fast and empty: once in a while it gets the time that it needs.
import type { Book, RelayMemory } from './book.ts'
import { editBook } from './edit.ts'

/** Seconds without a complete answer after which a relay is waited for, and between such waits. */
const OVERDUE = 1800

/** Milliseconds that it then gets beyond the grace. */
const PATIENCE = 3000

/** How much longer than the grace a relay may take this time, in ms. */
export function patienceFor(memory: RelayMemory | undefined, now: number): number {
  const since = memory?.since
  if (since === undefined || now - since < OVERDUE) return 0
  return now - (memory?.patience ?? 0) < OVERDUE ? 0 : PATIENCE
}

/** Notes which relays answered completely and which did not. `since`: when a relay began to be late. */
export function relaysAsked(book: Book, answers: readonly { relay: string; complete: boolean }[], now: number): Book {
  const known = book.index.relays
  const changed = answers.flatMap(({ relay, complete }): [string, RelayMemory][] => {
    const memory = known[relay] ?? {}
    if (complete) {
      const { since, patience, ...rest } = memory
      return since === undefined && patience === undefined ? [] : [[relay, rest]]
    }
    const waited = patienceFor(memory, now) > 0 ? { patience: now } : {}
    return [[relay, { ...memory, since: memory.since ?? now, ...waited }]]
  })
  if (changed.length === 0) return book
  const edit = editBook(book)
  Object.assign(edit.table('relays'), Object.fromEntries(changed))
  return edit.book
}

/** Notes by how much our clock is wrong, seconds, if it is: until it is right again nothing is dated before a relay was asked. */
export function clocked(book: Book, answers: readonly { complete: boolean }[], ahead: number): Book {
  const known = book.index.clockAhead ?? 0
  if (known === ahead || !answers.some((answer) => answer.complete)) return book
  const edit = editBook(book)
  if (ahead === 0) delete edit.index.clockAhead
  else edit.index.clockAhead = ahead
  return edit.book
}
