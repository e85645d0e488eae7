import { isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { parseEvent, type Rumor } from '../nostr/event.ts'
// How a call's file is read: its words, what is owed of them, and what it says of the words that lie in segments.
import {
  type ArchiveSummary,
  type Claim,
  type Entries,
  emptyLog,
  type FileState,
  freeze,
  type Log,
  type LogEntry,
  type OutboxEntry,
} from './log.ts'
import { LIMIT } from './signal.ts'

/** Undefined when it is damaged. */
export function parseArchiveSummary(value: unknown): ArchiveSummary | undefined {
  if (!isRecord(value) || !Array.isArray(value.chapters) || !isRecord(value.seqs)) return undefined
  const [first, final, ...more]: unknown[] = value.chapters
  const { entries, own, messages, lc, last } = value
  const seqs = Object.entries(value.seqs).filter(
    (pair): pair is [string, number] => isHex32(pair[0]) && isCount(pair[1], LIMIT.seq),
  )
  if (seqs.length !== Object.keys(value.seqs).length || more.length > 0) return undefined
  if (!isCount(entries) || !isCount(own) || !isCount(messages) || !isCount(last)) return undefined
  if (!isCount(lc, LIMIT.seq) || !isCount(first) || !isCount(final)) return undefined
  // A chapter is never empty: a damaged number must not make us look for a million files.
  if (first < 1 || final < first || final - first >= entries || own > entries || messages > entries) return undefined
  return { chapters: [first, final], entries, own, messages, seqs: Object.fromEntries(seqs), lc, last }
}

function isCount(value: unknown, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

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
