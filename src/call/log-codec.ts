// How a call's file is read: its words, what is owed of them, and what it says of the words that lie in segments. Every field is
// looked at: the file is ours, and a disk can damage it.
import { isRecord } from '../json.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { parseEvent, type Rumor } from '../nostr/event.ts'
import { foreignLine } from '../sanitize.ts'
import {
  type ArchivedTail,
  type ArchiveSummary,
  type AsideEntry,
  type Claim,
  type EarlySeal,
  type Entries,
  emptyLog,
  type FileState,
  type Fork,
  freeze,
  type Log,
  type LogEntry,
  type OutboxEntry,
} from './log.ts'
import { LIMIT, type Link } from './signal.ts'

/** The version of a call's file that this program writes. Those of 0.1.0 (1 and 2) are rendered once and set aside. */
export const LOG_VERSION = 3

/** Reads a call file's JSON. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseLog(value: unknown): Log | 'newer' | undefined {
  if (!isRecord(value) || !isCount(value.version)) return undefined
  if (value.version > LOG_VERSION) return 'newer'
  if (value.version < LOG_VERSION) return undefined
  const { id, unread, outbox, told, files } = value
  const entries = parseEntries(value.entries)
  const waiting = parseEntries(value.waiting)
  const aside = parseAside(value.aside)
  const acked = parseLink(value.acked)
  if (typeof id !== 'string' || !isHex32(id)) return undefined
  if (entries === undefined || waiting === undefined || aside === undefined || acked === undefined) return undefined
  if (!isStrings(unread) || !isRecord(outbox) || !isRecord(told) || !isRecord(files)) return undefined
  if (!isCount(value.asideMore) || !isCount(value.peerRead) || !isCount(value.read)) return undefined
  const rest = parseOptional(value)
  const postings = parseOutbox(outbox, entries)
  if (rest === undefined || postings === undefined) return undefined
  const { asideMore, peerRead, read } = value
  return {
    ...emptyLog(id),
    ...{ entries, waiting, aside, asideMore, unread, outbox: postings, acked, peerRead, read },
    told: { ...emptyLog(id).told, ...numbers(told) },
    files: parseFiles(files),
    ...rest,
  }
}

type Optional = Partial<
  Pick<
    Log,
    | 'missed'
    | 'ringsUntil'
    | 'held'
    | 'merged'
    | 'merges'
    | 'unanswered'
    | 'fork'
    | 'receiptAck'
    | 'lost'
    | 'ackedAtEnd'
    | 'verified'
    | 'undelivered'
    | 'past'
    | 'early'
  >
>

// What may be absent; a field that is there must be sound.
function parseOptional(value: Record<string, unknown>): Optional | undefined {
  const optional: Optional = {}
  for (const name of [
    'missed',
    'ringsUntil',
    'unanswered',
    'receiptAck',
    'lost',
    'ackedAtEnd',
    'undelivered',
  ] as const) {
    const field = value[name]
    if (field === undefined) continue
    if (!isCount(field)) return undefined
    optional[name] = field
  }
  if (value.held === true) optional.held = true
  for (const name of ['merged', 'merges'] as const) {
    const field = value[name]
    if (field === undefined) continue
    if (!isId(field)) return undefined
    optional[name] = field
  }
  if (value.verified !== undefined) {
    const { verified } = value
    if (!isRecord(verified) || !isId(verified.digest) || !isCount(verified.at)) return undefined
    optional.verified = { digest: verified.digest, at: verified.at }
  }
  if (value.fork !== undefined) {
    const fork = parseFork(value.fork)
    if (fork === undefined) return undefined
    optional.fork = fork
  }
  if (value.early !== undefined) {
    const early = parseEarly(value.early)
    if (early === undefined) return undefined
    optional.early = early
  }
  if (value.past !== undefined) {
    const past = parseArchiveSummary(value.past)
    if (past === undefined) return undefined
    optional.past = past
  }
  return optional
}

/** Undefined when it is damaged. */
export function parseArchiveSummary(value: unknown): ArchiveSummary | undefined {
  if (!isRecord(value) || !Array.isArray(value.segments) || !isRecord(value.tails)) return undefined
  const [first, final, ...more]: unknown[] = value.segments
  const { entries, own, messages, last } = value
  const tails = Object.entries(value.tails).flatMap(([key, tail]): [string, ArchivedTail][] => {
    const parsed = isHex32(key) ? parseTail(tail) : undefined
    return parsed === undefined ? [] : [[key, parsed]]
  })
  if (tails.length !== Object.keys(value.tails).length || more.length > 0) return undefined
  if (!isCount(entries) || !isCount(own) || !isCount(messages) || !isCount(last)) return undefined
  if (!isCount(first) || !isCount(final)) return undefined
  // A segment is never empty: a damaged number must not make us look for a million files.
  if (first < 1 || final < first || final - first >= entries || own > entries || messages > entries) return undefined
  return { segments: [first, final], entries, own, messages, tails: Object.fromEntries(tails), last }
}

function parseTail(value: unknown): ArchivedTail | undefined {
  if (!isRecord(value) || !isCount(value.seq, LIMIT.seq) || !isId(value.id) || !isCount(value.clock)) return undefined
  return { seq: value.seq, id: value.id, clock: value.clock }
}

/** Entries by rumor id; undefined when one of them is damaged or stands under another id. */
export function parseEntries(value: unknown): Entries | undefined {
  if (!isRecord(value)) return undefined
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
  const { heard, hadAcked, underCallKey } = value
  if (rumor === undefined || !isOptionalTime(heard) || !isOptionalTime(hadAcked)) return undefined
  return {
    rumor,
    ...(heard !== undefined && { heard }),
    ...(hadAcked !== undefined && { hadAcked }),
    ...(underCallKey === true && { underCallKey }),
  }
}

function parseEarly(value: unknown): Record<string, EarlySeal> | undefined {
  if (!isRecord(value)) return undefined
  const early: Record<string, EarlySeal> = {}
  for (const [wrap, held] of Object.entries(value)) {
    if (!isHex32(wrap) || !isRecord(held) || !isTime(held.stamp) || !isStrings(held.tried)) return undefined
    const seal = parseEvent(held.seal)
    if (seal === undefined) return undefined
    early[wrap] = { seal, stamp: held.stamp, tried: held.tried }
  }
  return early
}

function parseAside(value: unknown): Record<string, AsideEntry> | undefined {
  const entries = parseEntries(value)
  if (entries === undefined || !isRecord(value)) return undefined
  const aside: Record<string, AsideEntry> = {}
  for (const [id, entry] of Object.entries(entries)) {
    const held = value[id]
    const why = isRecord(held) ? held.why : undefined
    if (why !== 'fork' && why !== 'after-end' && why !== 'verified') return undefined
    aside[id] = { ...entry, why }
  }
  return aside
}

function parseFork(value: unknown): Fork | undefined {
  if (!isRecord(value)) return undefined
  const { by, seq, id, at, foreign } = value
  if ((by !== 'peer' && by !== 'me' && by !== 'told') || !isCount(seq, LIMIT.seq) || !isId(id) || !isCount(at))
    return undefined
  return { by, seq, id, at, ...(isId(foreign) && { foreign }) }
}

function parseLink(value: unknown): Link | undefined {
  if (!isRecord(value) || !isCount(value.seq, LIMIT.seq)) return undefined
  if (value.seq === 0) return { seq: 0, id: undefined }
  return isId(value.id) ? { seq: value.seq, id: value.id } : undefined
}

function parseOutbox(value: Record<string, unknown>, entries: Entries): Record<string, OutboxEntry> | undefined {
  const outbox: Record<string, OutboxEntry> = {}
  for (const [key, posting] of Object.entries(value)) {
    const parsed = parseOutboxEntry(posting)
    // Own keys: every object has a "constructor".
    if (parsed === undefined || !Object.hasOwn(entries, key)) return undefined
    outbox[key] = parsed
  }
  return outbox
}

// Our own file: its rumors were checked when they came in, so their ids are not hashed again for every command.
/** A rumor as we have kept it; undefined when it is damaged. */
export function parseRumor(value: unknown): Rumor | undefined {
  if (!isRecord(value)) return undefined
  const { id, pubkey, created_at, kind, tags, content } = value
  if (typeof id !== 'string' || !isHex32(id) || typeof content !== 'string') return undefined
  if (typeof pubkey !== 'string' || !isHex32(pubkey)) return undefined
  if (!isTime(created_at) || typeof kind !== 'number' || !Array.isArray(tags)) return undefined
  if (!tags.every(isStrings)) return undefined
  return { id, pubkey, created_at, kind, tags, content }
}

function parseFiles(value: Record<string, unknown>): Record<string, FileState> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, file]): [string, FileState][] => {
      const state = parseFile(file)
      return state === undefined ? [] : [[key, state]]
    }),
  )
}

function parseFile(value: unknown): FileState | undefined {
  if (!isRecord(value)) return undefined
  const { path, size, sha256, refused, fetching } = value
  if (typeof refused === 'string') return { refused }
  if (typeof path === 'string')
    return { path, ...(typeof size === 'number' && { size }), ...(typeof sha256 === 'string' && { sha256 }) }
  if (!isRecord(fetching)) return undefined
  const { have = 0, tries = 0, at = 0, wrong = 0 } = numbers(fetching)
  const claim = parseClaim(fetching.claim)
  return {
    fetching: {
      have,
      tries,
      at,
      why: String(fetching.why ?? ''),
      ...(wrong > 0 && { wrong }),
      ...(claim && { claim }),
    },
  }
}

function parseClaim(value: unknown): Claim | undefined {
  if (!isRecord(value) || typeof value.pid !== 'number' || typeof value.at !== 'number') return undefined
  const { pid, at, where, mark, rest } = value
  return {
    pid,
    at,
    ...(typeof where === 'string' && { where }),
    ...(typeof mark === 'string' && { mark }),
    ...(rest === true && { rest }),
  }
}

/** What an own rumor still waits for; undefined when it is damaged. */
export function parseOutboxEntry(value: unknown): OutboxEntry | undefined {
  if (!isRecord(value)) return undefined
  const { wrap, wrapped, wraps, accepted, failed, claim, missing, again, retried, early } = value
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
        ? [{ url: f.url, reason: foreignLine(f.reason) }]
        : [],
    ),
    ...(event === undefined ? {} : { wrap: event }),
    ...(missing === true ? { missing } : {}),
    ...(again === true ? { again } : {}),
    ...(typeof retried === 'number' && { retried }),
    ...(isCount(early) && { early }),
    ...(held && { claim: held }),
  }
}

/** The fields of a record that are numbers. */
export function numbers(value: Record<string, unknown>): Record<string, number> {
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

function isOptionalTime(value: unknown): value is number | undefined {
  return value === undefined || isTime(value)
}

function isCount(value: unknown, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isHex32(value)
}
