// Files that have become whole: checked, put under their names, and only then news.
import { assemble, refusedFor, type Transfer, transfers } from '../call/file.ts'
import { safeName } from '../call/filename.ts'
import type { FileState } from '../call/log.ts'
import { type Book, callsOf } from '../state/book.ts'
import { type Filed, filed } from '../state/filed.ts'
import { type Place, speakerOf } from './place.ts'

/** Runs after what came in is on disk: a run that dies in between leaves the work to the next one. */
export async function collect(place: Place, book: Book): Promise<Book> {
  const done = callsOf(book, place.world.keys.pubkey, place.now).flatMap((call) => {
    const log = book.logs[call.id]
    if (log === undefined) return []
    const waiting = transfers(call, log, call.peer).filter((t) => log.files[t.key] === undefined)
    return waiting.flatMap((transfer, i): Filed[] => {
      const state = stateOf(place, call.id, transfer, i)
      return state === undefined ? [] : [{ call: call.id, transfer, state }]
    })
  })
  if (done.length === 0) return book
  const calls = done.map((d) => d.call)
  return await place.world.store.update(calls, (fresh) => {
    const snapshot = filed(fresh, done, speakerOf(place))
    return { snapshot, value: snapshot }
  })
}

function stateOf({ world }: Place, call: string, transfer: Transfer, openBefore: number): FileState | undefined {
  const refused = refusedFor(transfer, openBefore)
  if (refused !== undefined) return { refused }
  const bytes = assemble(transfer)
  if (bytes === undefined) return undefined
  if (bytes === 'damaged') return { refused: 'its bytes are not those that were announced' }
  return { path: world.place(call, safeName(transfer.name), bytes) }
}
