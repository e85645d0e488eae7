// What has been put before the user's eyes is read.
import type { InboxItem } from '../call/inbox-items.ts'
import type { State } from './book.ts'
import { beginTransaction } from './edit.ts'
import { commitCalls } from './refresh.ts'
import type { Speaker } from './say.ts'

export function markRead(
  book: State,
  items: readonly Pick<InboxItem, 'id' | 'call' | 'type'>[],
  who: Pick<Speaker, 'me' | 'now'>,
): State {
  const edit = beginTransaction(book)
  for (const { id, call, type } of items) {
    const letter = edit.index.dms[id]
    if (call === '' && letter !== undefined) edit.table('dms')[id] = { ...letter, unread: false }
    if (edit.state.logs[call] === undefined) continue
    const log = edit.log(call)
    const mark = type === 'missed' ? 'missed' : id
    log.unread = log.unread.filter((unread) => unread !== mark)
  }
  return commitCalls(edit, who)
}
