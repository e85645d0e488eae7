// How a call's file is read: its words, what is owed of them, and what it says of the words that lie in segments. Every field is
// checked: the file is ours, but a disk can damage it.
import { type Decoder, either, fields, finite, isRecord, list, oneOf, table, text, where, whole, yes } from '../json.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { type Event, parseEvent, type Rumor } from '../nostr/event.ts'
import { type Foreign, foreignLine, foreignText } from '../sanitize.ts'
import {
  type ArchivedTail,
  type ArchiveSummary,
  type AsideEntry,
  type Claim,
  type EarlySeal,
  type Entries,
  emptyLog,
  type FetchProgress,
  type FileState,
  type Fork,
  type KeptPlace,
  type Log,
  type LogEntry,
  markFinal,
  type OutboxEntry,
  type ReceiptRecord,
} from './log.ts'
import { LIMIT, type Link, type SeqRange } from './signal.ts'

/** The version of a call's file that this program writes. Those of 0.1.0 (1 and 2) are rendered once and set aside. */
export const LOG_VERSION = 3

/** Reads a call file's JSON. 'newer' when a later version wrote it, undefined when it is damaged or 0.1.0 wrote it. */
export function parseLog(value: unknown): Log | 'newer' | undefined {
  const version = isRecord(value) ? count(value.version) : undefined
  if (version === undefined || version < LOG_VERSION) return undefined
  if (version > LOG_VERSION) return 'newer'
  const held = kept(value)
  // Only what is in the log can be owed.
  if (held === undefined || Object.keys(held.outbox).some((id) => !Object.hasOwn(held.entries, id))) return undefined
  return { version: LOG_VERSION, ...held }
}

/** A key, an id or a hash: 64 hex digits. */
export const hex32: Decoder<string> = where(text, isHex32)

/** Somebody else's words, cleaned once more: whoever has changed the file may have put anything there. */
export const foreignWords: Decoder<Foreign> = (value) => (typeof value === 'string' ? foreignText(value) : undefined)

const count = whole()
const seq = whole(LIMIT.seq)
const time: Decoder<number> = (value) => (isTime(value) ? value : undefined)

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

/**
 * A rumor as we have kept it. It was checked when it came in, so its id is not hashed again for every command. Written out rather than
 * made by `fields`: there may be thousands, and every command that speaks in their call reads them.
 */
export const keptRumor: Decoder<Rumor> = (value) => {
  if (!isRecord(value)) return undefined
  const { id, pubkey, created_at, kind, tags, content } = value
  if (typeof id !== 'string' || !isHex32(id) || typeof pubkey !== 'string' || !isHex32(pubkey)) return undefined
  if (!isTime(created_at) || typeof kind !== 'number' || typeof content !== 'string') return undefined
  return isTags(tags) ? { id, pubkey, created_at, kind, tags, content } : undefined
}

function isTags(value: unknown): value is string[][] {
  return (
    Array.isArray(value) && value.every((tag) => Array.isArray(tag) && tag.every((item) => typeof item === 'string'))
  )
}

const entryFields = { heard: time, hadAcked: time, underCallKey: yes }
const entry = fields<LogEntry>({ rumor: keptRumor }, entryFields)
const asideEntry = fields<AsideEntry>({ rumor: keptRumor, why: oneOf('fork', 'after-end', 'verified') }, entryFields)

const underTheirIds = (entries: Entries): boolean => Object.entries(entries).every(([id, { rumor }]) => rumor.id === id)

const entryTable = where(table(entry), underTheirIds)

/** Entries by rumor id; undefined when one of them is damaged or is under another id. */
export const keptEntries: Decoder<Entries> = (value) => {
  const entries = entryTable(value)
  return entries && markFinal(entries)
}

/** The fields of a claim, for records that have others beside them. */
export const claimFields = {
  must: { pid: finite, at: finite },
  may: { host: text, processStart: text, remainingOnly: yes },
} as const

/** Which process is at something, and since when. */
export const claim: Decoder<Claim> = fields<Claim>(claimFields.must, claimFields.may)

const event: Decoder<Event> = parseEvent

/** What an own rumor still waits for. */
export const outboxEntry: Decoder<OutboxEntry> = fields<OutboxEntry>(
  {
    wrappedAt: finite,
    wrapCount: finite,
    accepted: list(text),
    failed: list(fields<OutboxEntry['failed'][number]>({ url: text, reason: foreignLineOf }, { final: yes })),
  },
  { wrap: event, retriedAt: finite, earlyWraps: count, reportedMissing: yes, offeredAgain: yes, claim },
)

function foreignLineOf(value: unknown): Foreign | undefined {
  return typeof value === 'string' ? foreignLine(value) : undefined
}

/** What became of a file. */
export const fileState: Decoder<FileState> = either(
  fields<{ refused: string }>({ refused: text }),
  either(
    fields<{ path: string; size?: number; sha256?: string }>({ path: text }, { size: finite, sha256: text }),
    fields<{ fetching: FetchProgress }>({
      fetching: fields<FetchProgress>({ have: finite, tries: finite, at: finite, why: text }, { wrong: finite, claim }),
    }),
  ),
)

const link: Decoder<Link> = (value) => {
  const held = fields<{ seq: number; id?: string }>({ seq }, { id: hex32 })(value)
  if (held === undefined) return undefined
  if (held.seq === 0) return { seq: 0, id: undefined }
  return held.id === undefined ? undefined : { seq: held.seq, id: held.id }
}

const receiptFields = fields<Partial<ReceiptRecord>>(
  {},
  {
    ackTaken: finite,
    ackTried: finite,
    ackTriedAt: finite,
    missingAskedAt: finite,
    forkToldAt: finite,
    readTold: finite,
    offeredAgainAt: finite,
    firstOfferedAgainAt: finite,
  },
)

const receipts: Decoder<ReceiptRecord> = (value) => {
  const held = receiptFields(value)
  return held && { ...emptyLog('').receipts, ...held }
}

const fork = fields<Fork>({ by: oneOf('peer', 'me', 'told'), seq, id: hex32, at: count }, { foreign: hex32 })

const earlySeals = table(fields<EarlySeal>({ seal: event, stamp: time, tried: list(text) }), hex32)

const range: Decoder<SeqRange> = (value) => {
  const [first, last, ...more] = list(count, 2)(value) ?? []
  return first !== undefined && last !== undefined && more.length === 0 ? [first, last] : undefined
}

/** What a call's file says of its segments. */
const archiveSummary: Decoder<ArchiveSummary> = where(
  fields<ArchiveSummary>(
    {
      segments: range,
      entries: count,
      own: count,
      messages: count,
      tails: table(fields<ArchivedTail>({ seq, id: hex32, clock: count }), hex32),
      last: count,
    },
    { kept: table(fields<KeptPlace>({ clock: count }, { unseen: range }), hex32) },
  ),
  ({ segments: [first, last], entries, own, messages }) =>
    // A segment is never empty: a damaged number must not make us look for a million files.
    first >= 1 && last >= first && last - first < entries && own <= entries && messages <= entries,
)

// `needsWholeCall` is never on disk.
const kept = fields<Omit<Log, 'version' | 'needsWholeCall'>>(
  {
    id: hex32,
    entries: keptEntries,
    waiting: keptEntries,
    aside: where(table(asideEntry), underTheirIds),
    asideMore: count,
    unread: list(text),
    outbox: table(outboxEntry),
    peerAcked: link,
    peerRead: count,
    read: count,
    receipts,
    files: table(fileState),
  },
  {
    missedAt: count,
    ringsUntil: count,
    heldForGlare: yes,
    mergedInto: hex32,
    merges: hex32,
    countBeforeAnswer: count,
    fork,
    peerReceiptAck: count,
    peerLostAt: count,
    ackedAtPeerEnd: count,
    verified: fields<{ digest: string; at: number }>({ digest: hex32, at: count }),
    undeliveredToldAt: count,
    earlySeals,
    archive: archiveSummary,
  },
)
