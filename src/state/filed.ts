// A file that came in chunks and has come to its end, in the book: where it lies or why it was refused, and that it is news.
import { isSettled, type Transfer } from '../call/file-transfer.ts'
import { type FileState, withoutContent } from '../call/log.ts'
import type { State } from './book.ts'
import { beginTransaction } from './edit.ts'
import { commitCalls } from './refresh.ts'
import type { Speaker } from './say.ts'

export type SettledTransfer = { call: string; transfer: Transfer; fileState: FileState }

export function recordTransfers(book: State, done: readonly SettledTransfer[], speaker: Speaker): State {
  const edit = beginTransaction(book)
  for (const { call, transfer, fileState: fileState } of done) {
    const log = edit.log(call)
    // A parallel command may have been first; then there are only chunks left to empty that came afterwards.
    if (!isSettled(log.files[transfer.key])) {
      log.files[transfer.key] = fileState
      log.unread.push(transfer.id)
    }
    for (const { id } of transfer.chunks) {
      const entry = log.entries[id]
      if (entry !== undefined && entry.rumor.content !== '') edit.entries(log)[id] = withoutContent(entry)
    }
  }
  return commitCalls(edit, speaker)
}
