// What came in, merged into the book. Pure, and the same whatever the order and however often: it is applied to what was
// loaded, and once more under the lock to what is newest.
import type { OpenedWrap } from '../nostr/nip59.ts'
import { meterFor } from './admit.ts'
import type { State } from './book.ts'
import { beginTransaction } from './edit.ts'
import { pruneCalls } from './forget.ts'
import { expireRinging } from './lapse.ts'
import { boundLetters } from './letterbox.ts'
import { forgetSeen, moveCursors, type CompleteReplay, rereadLostCalls } from './mailbox.ts'
import { admitRumor, type RumorContext } from './receive.ts'
import { catchUp, commitCalls } from './refresh.ts'
import { boundOrphans } from './strays.ts'

/** `deep`: wraps that are known are heard once more. `now` and `replayed` are by the relays' clock. */
export type ReceiveContext = Omit<RumorContext, 'known'> & { replayed: readonly CompleteReplay[]; deep?: boolean }

/** @returns the book, and the calls in which something numbered was new. */
export function receiveAll(book: State, opened: readonly OpenedWrap[], hearing: ReceiveContext): { book: State; touched: string[] } {
  const edit = beginTransaction(book)
  const touched = new Set<string>()
  rereadLostCalls(edit)
  edit.index.meter = meterFor(edit.index.meter, hearing.now)
  for (const { wrap, stamp, bits, rumor, reason } of opened) {
    const known = edit.index.seen[wrap] !== undefined
    if (known && hearing.deep !== true) continue
    edit.table('seen')[wrap] = stamp
    const dropped = rumor === undefined ? reason : admitRumor(edit, rumor, bits, { ...hearing, known }, touched)
    if (dropped !== undefined) edit.table('dropped')[dropped] = (edit.index.dropped[dropped] ?? 0) + 1
  }
  edit.commit()
  catchUp(edit, hearing)
  expireRinging(edit, { ...hearing, isNew: (id) => book.logs[id] === undefined })
  moveCursors(edit, hearing.replayed, hearing.now)
  forgetSeen(edit, hearing.now)
  boundOrphans(edit, hearing.now)
  boundLetters(edit, hearing.gate)
  pruneCalls(edit, hearing.gate)
  return { book: commitCalls(edit, hearing), touched: [...touched] }
}
