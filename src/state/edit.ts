// One change of the book: what it touches is copied once, what it leaves alone stays the same object, so that the store
// writes only the files that changed.
import { emptyLog, type Log, signalOf } from '../call/log.ts'
import type { Signal } from '../call/signal.ts'
import type { Book, Index } from './book.ts'

export type Draft = {
  book: Book
  /** The copy of the index; its tables may be written to. */
  index: Index
  /** The copy of a call's log, made when first asked for; a new one when there is none. */
  log: (id: string) => Log
  /** The numbered signals of a copied log by `<sender> <seq>`: kept beside it, since a log is long and mail comes in heaps. */
  said: (log: Log) => Map<string, Signal>
  /** The calls whose logs were asked for. */
  changed: () => string[]
}

export function editBook(book: Book): Draft {
  const { index } = book
  const copy: Index = {
    ...index,
    relays: { ...index.relays },
    seen: { ...index.seen },
    calls: { ...index.calls },
    peers: { ...index.peers },
    dms: { ...index.dms },
    dropped: { ...index.dropped },
  }
  const edited: Book = { index: copy, logs: { ...book.logs } }
  const changed = new Set<string>()
  const said = new Map<Log, Map<string, Signal>>()
  return {
    book: edited,
    index: copy,
    log: (id) => {
      const held = edited.logs[id]
      if (changed.has(id) && held !== undefined) return held
      changed.add(id)
      const mine = held === undefined ? emptyLog(id) : copyLog(held)
      edited.logs[id] = mine
      return mine
    },
    said: (log) => {
      const known = said.get(log) ?? new Map(Object.keys(log.entries).flatMap((id) => placed(signalOf(log, id))))
      said.set(log, known)
      return known
    },
    changed: () => [...changed],
  }
}

function placed(signal: Signal | undefined): [string, Signal][] {
  return signal === undefined ? [] : [[`${signal.from} ${signal.seq}`, signal]]
}

function copyLog(log: Log): Log {
  return {
    ...log,
    entries: { ...log.entries },
    unread: [...log.unread],
    outbox: { ...log.outbox },
    told: { ...log.told },
    files: { ...log.files },
  }
}
