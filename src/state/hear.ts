// What came in, merged into the book. Pure, and the same whatever the order and however often: it is applied to what was
// loaded, and once more under the lock to what is newest.
import type { OpenedWrap } from '../nostr/nip59.ts'
import { meterFor } from './admit.ts'
import type { Book } from './book.ts'
import { editBook } from './edit.ts'
import { forgetCalls } from './forget.ts'
import { lapse } from './lapse.ts'
import { boundLetters } from './letterbox.ts'
import { forgetSeen, moveCursors, type Replayed, readLostAgain } from './mailbox.ts'
import { admit, type Reception } from './receive.ts'
import { catchUp, refresh } from './refresh.ts'
import { boundStrays } from './strays.ts'

/** `deep`: wraps that are known are heard once more. `now` and `replayed` are by the relays' clock. */
export type Hearing = Omit<Reception, 'known'> & { replayed: readonly Replayed[]; deep?: boolean }

/** @returns the book, and the calls in which something numbered was new. */
export function hear(book: Book, opened: readonly OpenedWrap[], hearing: Hearing): { book: Book; touched: string[] } {
  const edit = editBook(book)
  const touched = new Set<string>()
  readLostAgain(edit)
  edit.index.meter = meterFor(edit.index.meter, hearing.now)
  for (const { wrap, stamp, bits, rumor, reason } of opened) {
    const known = edit.index.seen[wrap] !== undefined
    if (known && hearing.deep !== true) continue
    edit.table('seen')[wrap] = stamp
    const dropped = rumor === undefined ? reason : admit(edit, rumor, bits, { ...hearing, known }, touched)
    if (dropped !== undefined) edit.table('dropped')[dropped] = (edit.index.dropped[dropped] ?? 0) + 1
  }
  edit.done()
  catchUp(edit, hearing)
  lapse(edit, { ...hearing, isNew: (id) => book.logs[id] === undefined })
  moveCursors(edit, hearing.replayed, hearing.now)
  forgetSeen(edit, hearing.now)
  boundStrays(edit, hearing.now)
  boundLetters(edit, hearing.gate)
  forgetCalls(edit, hearing.gate)
  return { book: refresh(edit, hearing), touched: [...touched] }
}
