// What is kept of one call: what was said, and what cannot be derived from that. One file each.
import type { Event, Rumor } from '../nostr/event.ts'
import type { SeqRange, Signal } from './signal.ts'
import { parseSignal } from './signal-codec.ts'

/** A rumor of the call. `heard` is our clock when it came in, unix seconds; our own rumors have none. */
export type LogEntry = { rumor: Rumor; heard?: number }

/** What an own rumor still waits for. It is kept until the peer has acked it or the call is over for 7 days. */
export type OutboxEntry = {
  /** The wrap that went out last; kept while the same one may be published again. */
  wrap?: Event
  /** When that wrap was made, unix seconds; 0 before the first one. */
  wrapped: number
  /** How often it was wrapped: the waits between wraps grow with it. */
  wraps: number
  accepted: string[]
  failed: { url: string; reason: string }[]
  /** When it was last wrapped beside the schedule: for the relays that have not taken it, or for all of them in vain. */
  retried?: number
  /** The peer has said that it misses it. */
  wanted?: true
  /** The process that is publishing it right now, so that a parallel one leaves it alone. */
  claim?: Claim
}

/** `rest`: only the relays are tried that have not taken it. */
export type Claim = { pid: number; at: number; rest?: true }

/**
 * Where a received file lies, with what its announcement may have left open; or why it was not taken; or how far it has been
 * fetched from a server.
 */
export type FileState =
  | { path: string; size?: number; sha256?: string }
  | { refused: string }
  | { fetching: FetchProgress }

/**
 * `have`: encrypted bytes that are here. `tries`: how often it failed, `at`: when last (unix seconds), and `why`; `wrong`: how
 * often all of it came and was something else.
 */
export type FetchProgress = { have: number; tries: number; at: number; why: string; wrong?: number; claim?: Claim }

export type Entries = Readonly<Record<string, LogEntry>>

export type Log = {
  version: 2
  id: string
  /** By rumor id; a rumor that lost its `seq` to another one is not kept. Changed only through a draft (state/edit.ts). */
  entries: Entries
  /** Items not yet shown: rumor ids, and `missed`. */
  unread: string[]
  outbox: Record<string, OutboxEntry>
  /** The highest own seq that the peer says it has without a gap. */
  acked: number
  /** The highest ack of ours that a relay has taken, and the last one that we tried, with when. */
  told: { taken: number; tried: number; at: number; asked: number }
  /** When a complete replay showed that nobody had answered in time. */
  missed?: number
  /** What became of the peer's files, by transfer. */
  files: Record<string, FileState>
  /** What lies in chapters (chapter.ts), for a call that has been spoken in for long; everything above is without that. */
  past?: ArchiveSummary
}

export function emptyLog(id: string): Log {
  return {
    version: 2,
    id,
    entries: {},
    unread: [],
    outbox: {},
    acked: 0,
    told: { taken: 0, tried: 0, at: 0, asked: 0 },
    files: {},
  }
}

/** The signal of one entry. Read once: a command looks at the same rumor many times. */
export function signalOf(log: Log, id: string): Signal | undefined {
  const rumor = log.entries[id]?.rumor
  if (rumor === undefined) return undefined
  const known = parsedSignals.get(rumor)
  if (known !== undefined) return known
  const signal = parseSignal(rumor)
  if (signal !== undefined) parsedSignals.set(rumor, signal)
  return signal
}

/** Says that nobody will change these entries any more: what is derived from them may be kept. */
export function freeze(entries: Entries): Entries {
  frozenEntries.add(entries)
  return entries
}

/**
 * Something that depends on nothing but a log's entries: made once for entries that are final, since one run asks for it
 * many times.
 */
export function memoize<T>(kept: WeakMap<Entries, T>, { entries }: Log, make: () => T): T {
  const known = kept.get(entries)
  if (known !== undefined) return known
  const made = make()
  if (frozenEntries.has(entries)) kept.set(entries, made)
  return made
}

/** The same entry without the bytes that it carried: they are in a file now, or the peer has them. Its id stays. */
export function withoutContent(entry: LogEntry): LogEntry {
  return { ...entry, rumor: { ...entry.rumor, content: '' } }
}

/** How far an own rumor has come: on disk only, on a relay, or acked by the peer. */
export type DeliveryState = 'queued' | 'relayed' | 'delivered'

export function deliveryStateOf(log: Log, rumor: string): DeliveryState {
  const posting = log.outbox[rumor]
  if (posting === undefined || (signalOf(log, rumor)?.seq ?? 0) <= log.acked) return 'delivered'
  return posting.accepted.length > 0 ? 'relayed' : 'queued'
}

const parsedSignals = new WeakMap<Rumor, Signal>()
const frozenEntries = new WeakSet<Entries>()
// Our own file: its rumors were checked when they came in, so their ids are not hashed again for every command.
export type ArchiveSummary = {
  /** The numbers of the first and the last chapter. */
  chapters: SeqRange
  /** How many rumors lie in them, how many of these are our own (all delivered), and how many are messages. */
  entries: number
  own: number
  messages: number
  /** How far each key's rumors lie in chapters, by its last seq there: without a gap, but for those that stayed. */
  seqs: Readonly<Record<string, number>>
  /** The highest Lamport clock among them, and when the last of them was said, unix seconds. */
  lc: number
  last: number
}
