// A file that has come to its end, in the book: where it lies or why it was refused, and that it is news.
import type { Transfer } from '../call/file.ts'
import { emptied, type FileState } from '../call/log.ts'
import type { Book } from './book.ts'
import { editBook } from './edit.ts'
import { refresh } from './hear.ts'
import type { Speaker } from './say.ts'

export type Filed = { call: string; transfer: Transfer; state: FileState }

export function filed(book: Book, done: readonly Filed[], speaker: Speaker): Book {
  const edit = editBook(book)
  for (const { call, transfer, state } of done) {
    const log = edit.log(call)
    // A parallel command may have been first.
    if (log.files[transfer.key] !== undefined) continue
    log.files[transfer.key] = state
    log.unread.push(transfer.id)
    for (const { id, body } of transfer.chunks) {
      const entry = log.entries[id]
      if (entry !== undefined && body.type === 'file' && body.remote === undefined) log.entries[id] = emptied(entry)
    }
  }
  refresh(edit, speaker)
  return edit.book
}
