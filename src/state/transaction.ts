// One change of the state: what it touches is copied once, what it leaves alone stays the same object, so that the store
// writes only the files that changed and nothing is worked out twice from a log that stayed the same.
import { emptyLog, type Log, type LogEntry, markFinal, parsedSignal, signalOf } from '../call/log.ts'
import { type CallSecrecy, secrecyIn } from '../call/secrecy.ts'
import type { Link, Signal } from '../call/signal.ts'
import type { Index, LetterLog, State } from './state.ts'

/** The parts of the index that grow, which a change copies only where it writes to them. */
export type Table = 'relays' | 'seen' | 'calls' | 'peers' | 'letterLogs' | 'dropped'

/** A change of a state that is under way. */
export type Transaction = {
  state: State
  /** The copy of the index. Its tables are only read here; `table` and `replace` change them. */
  index: Omit<Index, Table> & { readonly [K in Table]: Readonly<Index[K]> }
  /** The copy of a table, to be written to; made when first asked for. */
  table: <K extends Table>(name: K) => Index[K]
  replace: <K extends Table>(name: K, value: Index[K]) => void
  /** The copy of a call's log, made when first asked for; a new one when there is none. */
  log: (id: string) => Log
  /** The entries of such a copy, to be written to. */
  entries: (log: Log) => Record<string, LogEntry>
  /** What a copied log holds, looked up once: a log may be long, and much mail may come for it. */
  lookup: (log: Log) => LogLookup
  /** The calls whose logs were asked for. */
  changed: () => string[]
  /** The copy of the letters with a peer, to be written to; a new one when there are none. */
  letterLog: (peer: string) => LetterLog
  /** The peers whose letters were asked for. */
  changedLetters: () => string[]
  /** The state as it is now. What was handed out before may not be written to any more. */
  commit: () => State
}

/**
 * What a log holds, looked up: `taken`: the signals of both sides by `<sender> <seq>`; `last`: the last one of each author, in the archive
 * too; `ended`: who has said an end; `acks`: up to where each author acknowledges the other; `waiting`: how many signals wait for a
 * number; `owed`: rumors in the outbox by number, ascending; `secrecy`: whether the call has a key.
 */
export type LogLookup = {
  taken: Map<string, Signal>
  last: Map<string, Link>
  ended: Set<string>
  acks: Map<string, number>
  waiting: Map<number, number>
  owed: Map<number, string>
  secrecy: CallSecrecy | undefined
}

/** Begins changes to a copy of a state. What is not touched is shared, and `state` itself stays as it is. */
export function beginTransaction(state: State): Transaction {
  const copy: Index = { ...state.index }
  const mine = new Set<Table>()
  const edited: State = { ...state, index: copy, logs: { ...state.logs } }
  const changed = new Set<string>()
  const letters = new Set<string>()
  const written = new Map<Log, Record<string, LogEntry>>()
  const lookups = new Map<Log, LogLookup>()
  return {
    state: edited,
    index: copy,
    table: (name) => {
      if (!mine.has(name)) copy[name] = { ...copy[name] }
      mine.add(name)
      return copy[name]
    },
    replace: (name, value) => {
      mine.add(name)
      copy[name] = value
    },
    log: (id) => {
      const held = edited.logs[id]
      if (changed.has(id) && held !== undefined) return held
      changed.add(id)
      const mine = held === undefined ? emptyLog(id) : copyLog(held)
      edited.logs[id] = mine
      return mine
    },
    entries: (log) => {
      const mine = written.get(log) ?? { ...log.entries }
      written.set(log, mine)
      log.entries = mine
      return mine
    },
    lookup: (log) => {
      const known = lookups.get(log) ?? lookupOf(log)
      lookups.set(log, known)
      return known
    },
    changed: () => [...changed],
    letterLog: (peer) => {
      const held = edited.letters?.[peer]
      if (letters.has(peer) && held !== undefined) return held
      letters.add(peer)
      const mine = { version: 1 as const, peer, letters: { ...held?.letters } }
      edited.letters = { ...edited.letters, [peer]: mine }
      return mine
    },
    changedLetters: () => [...letters],
    commit: () => {
      for (const entries of written.values()) markFinal(entries)
      written.clear()
      return edited
    },
  }
}

/** Counts what was dropped, by its reason; nothing where `why` is undefined. */
export function countDropped(edit: Transaction, why: string | undefined): void {
  if (why !== undefined) edit.table('dropped')[why] = (edit.index.dropped[why] ?? 0) + 1
}

/** The key of a signal in `LogLookup.taken`. */
export function seqKey({ from, seq }: Pick<Signal, 'from' | 'seq'>): string {
  return `${from} ${seq}`
}

/** Adds a signal that has taken its place to a lookup. */
export function addToLookup(lookup: LogLookup, signal: Signal): void {
  const { from, seq, id, ack, body } = signal
  lookup.taken.set(seqKey(signal), signal)
  if (seq > (lookup.last.get(from)?.seq ?? 0)) lookup.last.set(from, { seq, id })
  lookup.acks.set(from, Math.max(ack.seq, lookup.acks.get(from) ?? 0))
  if (body.type === 'end') lookup.ended.add(from)
}

function lookupOf(log: Log): LogLookup {
  const lookup: LogLookup = {
    taken: new Map(),
    last: new Map(),
    ended: new Set(),
    acks: new Map(),
    waiting: new Map(),
    owed: new Map(),
    secrecy: secrecyIn(log),
  }
  for (const [author, { seq, id }] of Object.entries(log.archive?.tails ?? {})) lookup.last.set(author, { seq, id })
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal !== undefined) addToLookup(lookup, signal)
  }
  for (const { rumor } of Object.values(log.waiting)) {
    const seq = parsedSignal(rumor)?.seq
    if (seq !== undefined) lookup.waiting.set(seq, (lookup.waiting.get(seq) ?? 0) + 1)
  }
  const owed = Object.keys(log.outbox).flatMap((id): [number, string][] => {
    const signal = signalOf(log, id)
    return signal === undefined ? [] : [[signal.seq, id]]
  })
  for (const [seq, id] of owed.sort(([a], [b]) => a - b)) lookup.owed.set(seq, id)
  return lookup
}

// The entries are shared until they are written to: most changes of a log are to something else.
function copyLog(log: Log): Log {
  return {
    ...log,
    unread: [...log.unread],
    outbox: { ...log.outbox },
    receipts: { ...log.receipts },
    files: { ...log.files },
  }
}
