// What has been put before the user's eyes is read.
import type { InboxItem } from '../call/inbox-items.ts'
import type { Book } from './book.ts'
import { editBook } from './edit.ts'
import { refresh } from './refresh.ts'
import type { Speaker } from './say.ts'

export function marked(
  book: Book,
  items: readonly Pick<InboxItem, 'id' | 'call' | 'type'>[],
  who: Pick<Speaker, 'me' | 'now'>,
): Book {
  const edit = editBook(book)
  for (const { id, call, type } of items) {
    const letter = edit.index.dms[id]
    if (call === '' && letter !== undefined) edit.table('dms')[id] = { ...letter, unread: false }
    if (edit.book.logs[call] === undefined) continue
    const log = edit.log(call)
    const mark = type === 'missed' ? 'missed' : id
    log.unread = log.unread.filter((unread) => unread !== mark)
  }
  return refresh(edit, who)
}
