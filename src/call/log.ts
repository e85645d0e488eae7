// What is kept of one call: what was said, and what cannot be derived from that. One file each.
import { isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { type Event, parseEvent, type Rumor } from '../nostr/event.ts'
import { type ArchiveSummary, parseArchiveSummary } from './archive.ts'
import { parseSignal, type Signal } from './signal.ts'

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

/** `have`: encrypted bytes that are here. `tries`: how often it failed, `at`: when last (unix seconds), and `why`. */
export type FetchProgress = { have: number; tries: number; at: number; why: string; claim?: Claim }

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

/** Reads a call file's JSON. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseLog(value: unknown): Log | 'newer' | undefined {
  const held = isRecord(value) ? upgraded(value, UPGRADES) : undefined
  if (held === undefined || held === 'newer') return held
  const { id, unread, outbox, acked, told, missed, files } = held
  const past = held.past === undefined ? undefined : parseArchiveSummary(held.past)
  const entries = isRecord(held.entries) ? parseEntries(held.entries) : undefined
  if (typeof id !== 'string' || !isHex32(id) || entries === undefined || !isRecord(outbox)) return undefined
  if (held.past !== undefined && past === undefined) return undefined
  if (!isStrings(unread) || typeof acked !== 'number' || !isRecord(told) || !isRecord(files)) return undefined
  const log: Log = { ...emptyLog(id), entries, unread, acked, told: { ...emptyLog(id).told, ...numbers(told) } }
  for (const [key, posting] of Object.entries(outbox)) {
    const parsed = parseOutboxEntry(posting)
    // Own keys: every object has a "constructor".
    if (parsed === undefined || !Object.hasOwn(log.entries, key)) return undefined
    log.outbox[key] = parsed
  }
  log.files = Object.fromEntries(
    Object.entries(files).flatMap(([key, file]): [string, FileState][] => {
      const state = parseFile(file)
      return state === undefined ? [] : [[key, state]]
    }),
  )
  return { ...log, ...(typeof missed === 'number' && { missed }), ...(past && { past }) }
}

/** From each version of a call's file to the next. */
const UPGRADES: readonly Upgrade[] = [
  // Since 2 a part of the words may lie in chapters, where a program of version 1 would not look.
  (old) => ({ ...old }),
]

export function parseEntries(value: Record<string, unknown>): Entries | undefined {
  const entries: Record<string, LogEntry> = {}
  for (const key of Object.keys(value)) {
    const parsed = parseEntry(value[key])
    if (parsed === undefined || parsed.rumor.id !== key) return undefined
    entries[key] = parsed
  }
  return freeze(entries)
}

function parseEntry(value: unknown): LogEntry | undefined {
  if (!isRecord(value)) return undefined
  const rumor = parseRumor(value.rumor)
  if (rumor === undefined) return undefined
  if (value.heard === undefined) return { rumor }
  return isTime(value.heard) ? { rumor, heard: value.heard } : undefined
}

// Our own file: its rumors were checked when they came in, so their ids are not hashed again for every command.
export function parseRumor(value: unknown): Rumor | undefined {
  if (!isRecord(value)) return undefined
  const { id, pubkey, created_at, kind, tags, content } = value
  if (typeof id !== 'string' || !isHex32(id) || typeof content !== 'string') return undefined
  if (typeof pubkey !== 'string' || !isHex32(pubkey)) return undefined
  if (!isTime(created_at) || typeof kind !== 'number' || !Array.isArray(tags)) return undefined
  if (!tags.every(isStrings)) return undefined
  return { id, pubkey, created_at, kind, tags, content }
}

function parseFile(value: unknown): FileState | undefined {
  if (!isRecord(value)) return undefined
  const { path, size, sha256, refused, fetching } = value
  if (typeof refused === 'string') return { refused }
  if (typeof path === 'string')
    return { path, ...(typeof size === 'number' && { size }), ...(typeof sha256 === 'string' && { sha256 }) }
  if (!isRecord(fetching)) return undefined
  const { have = 0, tries = 0, at = 0 } = numbers(fetching)
  const claim = parseClaim(fetching.claim)
  return { fetching: { have, tries, at, why: String(fetching.why ?? ''), ...(claim && { claim }) } }
}

function parseClaim(value: unknown): Claim | undefined {
  if (!isRecord(value) || typeof value.pid !== 'number' || typeof value.at !== 'number') return undefined
  return { pid: value.pid, at: value.at, ...(value.rest === true && { rest: true }) }
}

export function parseOutboxEntry(value: unknown): OutboxEntry | undefined {
  if (!isRecord(value)) return undefined
  const { wrap, wrapped, wraps, accepted, failed, claim, wanted, retried } = value
  if (typeof wrapped !== 'number' || typeof wraps !== 'number' || !isStrings(accepted) || !Array.isArray(failed))
    return undefined
  const event = wrap === undefined ? undefined : parseEvent(wrap)
  const held = parseClaim(claim)
  return {
    wrapped,
    wraps,
    accepted,
    failed: failed.flatMap((f) =>
      isRecord(f) && typeof f.url === 'string' && typeof f.reason === 'string'
        ? [{ url: f.url, reason: f.reason }]
        : [],
    ),
    ...(event === undefined ? {} : { wrap: event }),
    ...(wanted === true ? { wanted } : {}),
    ...(typeof retried === 'number' && { retried }),
    ...(held && { claim: held }),
  }
}

function numbers(value: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, number] => typeof pair[1] === 'number'),
  )
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
