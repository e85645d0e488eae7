// A file that came in chunks and has come to its end, in the book: where it lies or why it was refused, and that it is news.
import { isSettled, type Transfer } from '../call/file-transfer.ts'
import { type FileState, withoutContent } from '../call/log.ts'
import type { Book } from './book.ts'
import { editBook } from './edit.ts'
import { refresh } from './refresh.ts'
import type { Speaker } from './say.ts'

export type Filed = { call: string; transfer: Transfer; state: FileState }

export function filed(book: Book, done: readonly Filed[], speaker: Speaker): Book {
  const edit = editBook(book)
  for (const { call, transfer, state } of done) {
    const log = edit.log(call)
    // A parallel command may have been first; then there are only chunks left to empty that came afterwards.
    if (!isSettled(log.files[transfer.key])) {
      log.files[transfer.key] = state
      log.unread.push(transfer.id)
    }
    for (const { id } of transfer.chunks) {
      const entry = log.entries[id]
      if (entry !== undefined && entry.rumor.content !== '') edit.entries(log)[id] = withoutContent(entry)
    }
  }
  return refresh(edit, speaker)
}
