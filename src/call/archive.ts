// The older words of a call that is spoken in for long lie in segments, files that are never changed. The head, the call's own file,
// holds everything else, so that no command has to read and write what has long been settled. A word may lie there once nothing that
// either side says any more can change what it is: a call is a fold over all of its signals.
import { fields, isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isFinished, transferKey } from './file-transfer.ts'
import { type ArchiveSummary, type Entries, type KeptPlace, type Log, markFinal, signalOf, timeOf } from './log.ts'
import { hex32, keptEntries } from './log-codec.ts'
import type { Call, Line } from './replay.ts'
import type { Party } from './rules.ts'
import type { SeqRange, Signal, SignalType } from './signal.ts'

/** `id`: the call's. */
export type ArchiveSegment = { version: 1; id: string; entries: Entries }

/** A head and the segments that belong to it, by their numbers. */
export type ArchivedCall = { head: Log; segments: ReadonlyMap<number, ArchiveSegment> }

/** The numbers of the segments in which a part of a log lies; none for a log that is whole. */
export function segmentNumbers({ archive }: Log): number[] {
  if (archive === undefined) return []
  const [first, last] = archive.segments
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

/** The whole log; undefined when a segment is not one of this call, or they do not hold what the head says they do. */
export function joinSegments({ head, segments }: ArchivedCall): Log | undefined {
  const { archive, ...rest } = head
  if (archive === undefined) return head
  const held = [...segments.values()]
  const entries = Object.assign({}, ...held.map((segment) => segment.entries), head.entries)
  const expected = archive.entries + Object.keys(head.entries).length
  if (held.some(({ id }) => id !== head.id) || Object.keys(entries).length !== expected) return undefined
  return { ...rest, entries: markFinal(entries) }
}

/**
 * Whether only the whole call tells what becomes of a change: a rumor that may lie in a segment already or claims a place there, a
 * link into one, and an end, since the digest is over all of them.
 */
export function needsWholeCall(before: Log, { archive, ...after }: Log): boolean {
  if (archive === undefined) return false
  if (after.needsWholeCall === true) return true
  if (before.entries === after.entries) return false
  return Object.keys(after.entries).some((id) => {
    if (before.entries[id] !== undefined) return false
    const signal = signalOf(after, id)
    if (signal === undefined) return false
    return signal.body.type === 'end' || linksIntoArchive(signal, archive)
  })
}

/** Whether a signal stands at or before the last archived one of its author, or acknowledges one that is not the last of the other. */
function linksIntoArchive({ from, seq, ack }: Signal, { tails }: ArchiveSummary): boolean {
  if (seq <= (tails[from]?.seq ?? 0)) return true
  const other = Object.entries(tails).find(([author]) => author !== from)?.[1]
  return other !== undefined && ack.seq < other.seq
}

/**
 * A log that was joined, as the head that it came from; undefined when its segments do not hold its oldest words any more, or when
 * something in them is owed once more: what the head owes must stand in it.
 */
export function splitSegments(log: Log, { head, segments }: ArchivedCall): Log | undefined {
  const { archive } = head
  if (archive === undefined) return undefined
  const entries = { ...log.entries }
  for (const segment of segments.values()) {
    for (const id of Object.keys(segment.entries)) {
      if (entries[id] !== segment.entries[id]) return undefined
      delete entries[id]
    }
  }
  if (Object.keys(log.outbox).some((id) => entries[id] === undefined)) return undefined
  const mine = { ...log, entries: markFinal(entries), archive }
  return needsWholeCall(head, mine) ? undefined : mine
}

/** Reads a segment's JSON. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseSegment(value: unknown): ArchiveSegment | 'newer' | undefined {
  const held = isRecord(value) ? upgraded(value, UPGRADES) : undefined
  if (held === undefined || held === 'newer') return held
  const kept = segment(held)
  return kept && { version: 1, ...kept }
}

const segment = fields<Omit<ArchiveSegment, 'version'>>({ id: hex32, entries: keptEntries })

/** From each version of a segment's file to the next. */
const UPGRADES: readonly Upgrade[] = []

/**
 * `keep`: so many entries stay in the head, since receipts, news and the pace of a call are about the latest. `minEntries`:
 * archived at once, so that it is done seldom.
 */
export type ArchiveBounds = { keep: number; minEntries: number; maxPerSegment: number }

export const ARCHIVE_BOUNDS: ArchiveBounds = { keep: 256, minEntries: 512, maxPerSegment: 2048 }

/** The head, and the segments that were added, by their numbers. */
export type CompactResult = { head: Log; added: Map<number, ArchiveSegment> }

/**
 * Puts into segments what may lie there, if it is enough.
 * @param call what the log says at time 0, so that no silence has ended it
 * @param after the number of the last segment that is on disk; a segment is never written over
 */
export function compact(log: Log, call: Call | undefined, after = 0, bounds = ARCHIVE_BOUNDS): CompactResult {
  const none = { head: log, added: new Map() }
  const total = Object.keys(log.entries).length
  if (total < bounds.keep + bounds.minEntries || call?.phase !== 'active') return none
  // A log may hold rumors that stand nowhere in the call, because they cannot be read or lost their place.
  if (call.lines.length !== total) return none
  const settled = call.lines.slice(0, archivableLines(log, call, bounds.keep))
  const lines = settled.filter(({ signal }) => ARCHIVED.includes(signal.body.type))
  if (lines.length < bounds.minEntries) return none
  const first = (segmentNumbers(log).at(-1) ?? after) + 1
  const added = new Map<number, ArchiveSegment>()
  for (let at = 0; at < lines.length; at += bounds.maxPerSegment) {
    const entries = pick(
      log.entries,
      lines.slice(at, at + bounds.maxPerSegment).map(({ signal }) => signal.id),
    )
    added.set(first + added.size, { version: 1, id: log.id, entries })
  }
  const archived = new Set(lines.map(({ signal }) => signal.id))
  const staying = Object.keys(log.entries).filter((id) => !archived.has(id))
  const archive = summariseArchive(log.archive, settled, call, [first, first + added.size - 1])
  return { head: { ...log, entries: pick(log.entries, staying), archive }, added }
}

/**
 * How many lines, from the first on, are settled. Up to there nothing is unread or under way, no number is missing, no file is cut in
 * two; the last word is the peer's, and what follows links to nothing before the last of them: whatever an honest peer says from then
 * on, and we do, has a later clock.
 */
function archivableLines(log: Log, call: Call, keep: number): number {
  const { lines, peer } = call
  const unread = new Set(log.unread)
  const ends = lastChunks(lines)
  const lowest = lowestAcks(lines)
  const tails: Record<string, number> = {}
  for (const from of [call.caller, call.callee]) tails[from] = Math.max(log.archive?.tails[from]?.seq ?? 0, 0)
  let [best, open] = [0, 0]
  for (const [n, line] of lines.slice(0, Math.max(0, lines.length - keep)).entries()) {
    const { signal } = line
    if (CONNECTING.includes(signal.body.type)) continue
    if (unread.has(signal.id) || !isSettledLine(line, log, peer)) break
    if (signal.body.type === 'file') open = Math.max(open, ends.get(chunkKey(signal)) ?? n)
    tails[signal.from] = Math.max(tails[signal.from] ?? 0, signal.seq)
    const { [call.caller]: callers = 0, [call.callee]: callees = 0 } = tails
    const after = lowest[n + 1]
    const isClean = after === undefined || (after.caller >= callees && after.callee >= callers)
    if (signal.from === peer && open <= n && isClean) best = n + 1
  }
  return best
}

/** For each line the lowest numbers that it and the lines after it acknowledge, by party. */
function lowestAcks(lines: readonly Line[]): Record<Party, number>[] {
  const lowest: Record<Party, number>[] = new Array(lines.length)
  let after: Record<Party, number> = { caller: Infinity, callee: Infinity }
  for (let n = lines.length - 1; n >= 0; n--) {
    const line = lines[n]
    if (line !== undefined && !CONNECTING.includes(line.signal.body.type))
      after = { ...after, [line.party]: Math.min(after[line.party], line.signal.ack.seq) }
    lowest[n] = after
  }
  return lowest
}

function isSettledLine({ signal, late, effective }: Line, log: Log, peer: string): boolean {
  const { body, from, id } = signal
  if (late || !effective || ![...KEPT, ...ARCHIVED].includes(body.type)) return false
  if (from !== peer) return signal.seq <= log.peerAcked.seq && log.outbox[id] === undefined
  return body.type !== 'file' || isFinished(log.files[transferKey(body)])
}

// What makes a call active, and what is agreed in it, stays in the head: it is little, and from it alone the fold comes to the same.
const CONNECTING: readonly SignalType[] = ['request', 'accept', 'reject']
const KEPT: readonly SignalType[] = ['propose', 'agree', 'decline']
const ARCHIVED: readonly SignalType[] = ['message', 'progress', 'escalate', 'file']

/** Where the last chunk of each file stands. */
function lastChunks(lines: readonly Line[]): Map<string, number> {
  const ends = new Map<string, number>()
  for (const [n, { signal }] of lines.entries()) if (signal.body.type === 'file') ends.set(chunkKey(signal), n)
  return ends
}

function chunkKey({ from, body }: Signal): string {
  return body.type === 'file' ? `${from} ${transferKey(body)}` : ''
}

/** @param added the numbers of the first and the last segment that are added */
function summariseArchive(
  archive: ArchiveSummary | undefined,
  settled: readonly Line[],
  call: Call,
  added: SeqRange,
): ArchiveSummary {
  const { segments, entries = 0, own = 0, messages = 0, tails, last = 0 }: Partial<ArchiveSummary> = archive ?? {}
  const sum = { entries, own, messages, tails: { ...tails }, last }
  const kept: Record<string, KeptPlace> = {}
  for (const { signal, party, clock, heard, unseen } of settled) {
    const { id, from, seq, body } = signal
    if (CONNECTING.includes(body.type)) continue
    // What was kept before stands below the last one that was archived then.
    if (seq > (sum.tails[from]?.seq ?? 0)) sum.tails[from] = { seq, id, clock }
    if (KEPT.includes(body.type)) {
      kept[id] = { clock, ...(unseen === undefined ? {} : { unseen }) }
      continue
    }
    sum.entries++
    if (party === call.role) sum.own++
    if (body.type === 'message') sum.messages++
    sum.last = Math.max(sum.last, timeOf(signal.at, heard))
  }
  const places = Object.keys(kept).length === 0 ? {} : { kept }
  return { segments: [segments?.[0] ?? added[0], added[1]], ...sum, ...places }
}

function pick(entries: Entries, ids: readonly string[]): Entries {
  return markFinal(Object.fromEntries(ids.flatMap((id) => (entries[id] === undefined ? [] : [[id, entries[id]]]))))
}
