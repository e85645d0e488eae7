// What a call's own file still says of the words that have left it for chapters: as much as every command needs.
// Chapters: the older words of a call that is spoken in for long, each of them a file that is never changed. The head, the
// call's own file, holds everything else, so that no command has to read and write what has long been settled.
// Which words of a call may lie in chapters: the oldest ones, once nothing that either side says any more can change what
// they are. A call is a fold over all of its signals; what is packed must be of no weight in what the fold finds.
import { isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { isSettled, transferKey } from './file-transfer.ts'
import { timeOf } from './inbox-items.ts'
import { type ArchiveSummary, type Entries, freeze, type Log, signalOf } from './log.ts'
import { parseEntries } from './log-codec.ts'
import type { Call, Line } from './replay.ts'
import { LIMIT, type Signal } from './signal.ts'

/** `id`: the call's. */
export type ArchiveSegment = { version: 1; id: string; entries: Entries }

/** A head and the chapters that belong to it, by their numbers. */
export type ArchivedCall = { head: Log; chapters: ReadonlyMap<number, ArchiveSegment> }

/** The numbers of the chapters in which a part of a log lies; none for a log that is whole. */
export function segmentNumbers({ past }: Log): number[] {
  if (past === undefined) return []
  const [first, last] = past.chapters
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

/** The whole log; undefined when a chapter is not one of this call, or they do not hold what the head says they do. */
export function joinSegments({ head, chapters }: ArchivedCall): Log | undefined {
  const { past, ...rest } = head
  if (past === undefined) return head
  const held = [...chapters.values()]
  const entries = Object.assign({}, ...held.map((chapter) => chapter.entries), head.entries)
  const expected = past.entries + Object.keys(head.entries).length
  if (held.some(({ id }) => id !== head.id) || Object.keys(entries).length !== expected) return undefined
  return { ...rest, entries: freeze(entries) }
}

/**
 * Whether what was added to a head does not simply come after its chapters, so that only the whole call tells what becomes of
 * it: a rumor that may lie there already, or claims a place there, and an end, whose digest is over all of them.
 */
export function needsWholeCall(before: Log, { past, ...after }: Log): boolean {
  if (past === undefined || before.entries === after.entries) return false
  return Object.keys(after.entries).some((id) => {
    if (before.entries[id] !== undefined) return false
    const signal = signalOf(after, id)
    if (signal === undefined) return false
    return signal.body.type === 'end' || signal.lc <= past.lc || signal.seq <= (past.seqs[signal.from] ?? 0)
  })
}

/** A log that was joined, as the head that it came from; undefined when its chapters do not hold its oldest words any more. */
export function splitSegments(log: Log, { head, chapters }: ArchivedCall): Log | undefined {
  const { past } = head
  if (past === undefined) return undefined
  const entries = { ...log.entries }
  for (const chapter of chapters.values()) {
    for (const id of Object.keys(chapter.entries)) {
      if (entries[id] !== chapter.entries[id]) return undefined
      delete entries[id]
    }
  }
  const mine = { ...log, entries: freeze(entries), past }
  return needsWholeCall(head, mine) ? undefined : mine
}

/** Reads a chapter's JSON. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseSegment(value: unknown): ArchiveSegment | 'newer' | undefined {
  const held = isRecord(value) ? upgraded(value, UPGRADES) : undefined
  if (held === undefined || held === 'newer') return held
  const { id } = held
  const entries = isRecord(held.entries) ? parseEntries(held.entries) : undefined
  if (typeof id !== 'string' || !isHex32(id) || entries === undefined) return undefined
  return { version: 1, id, entries }
}

/** From each version of a chapter's file to the next. */
const UPGRADES: readonly Upgrade[] = []

/**
 * `keep`: so many entries stay in the head, since receipts, news and the pace of a call are about the latest. `least`: packed at
 * once, so that it is done seldom. `most`: in one chapter.
 */
export type ArchiveBounds = { keep: number; least: number; most: number }

export const ARCHIVE_BOUNDS: ArchiveBounds = { keep: 256, least: 512, most: 2048 }

/** The head, and the chapters that were added, by their numbers. */
export type CompactResult = { head: Log; added: Map<number, ArchiveSegment> }

/**
 * Puts into chapters what may lie there, if it is enough.
 * @param call what the log says at time 0, so that no silence has ended it
 * @param after the number of the last chapter that is on disk; a chapter is never written over
 */
export function compact(log: Log, call: Call | undefined, after = 0, bounds = ARCHIVE_BOUNDS): CompactResult {
  const none = { head: log, added: new Map() }
  const total = Object.keys(log.entries).length
  if (total < bounds.keep + bounds.least || call?.phase !== 'active') return none
  // A log may hold rumors that stand nowhere in the call, because they cannot be read or lost their place.
  if (call.lines.length !== total) return none
  const lines = call.lines.slice(0, archivableLines(log, call, bounds.keep)).filter(({ signal }) => !isAnswer(signal))
  if (lines.length < bounds.least) return none
  const first = (segmentNumbers(log).at(-1) ?? after) + 1
  const added = new Map<number, ArchiveSegment>()
  for (let at = 0; at < lines.length; at += bounds.most) {
    const entries = pick(
      log.entries,
      lines.slice(at, at + bounds.most).map(({ signal }) => signal.id),
    )
    added.set(first + added.size, { version: 1, id: log.id, entries })
  }
  const packed = new Set(lines.map(({ signal }) => signal.id))
  const staying = Object.keys(log.entries).filter((id) => !packed.has(id))
  const past = summariseArchive(log.past, lines, call, first, first + added.size - 1)
  return { head: { ...log, entries: pick(log.entries, staying), past }, added }
}

/**
 * How many lines, from the first on, may be packed. Up to there nothing is open, no seq is missing, no file is cut in two, and
 * the last word is the peer's: whatever an honest peer says from then on, and we do, has a later clock.
 */
function archivableLines(log: Log, call: Call, keep: number): number {
  const { lines, peer } = call
  const unread = new Set(log.unread)
  const ends = lastChunks(lines)
  const seqs = new Map<string, SeqRun>()
  for (const from of [call.caller, call.callee]) seqs.set(from, seqRunFrom(log.past?.seqs[from] ?? 0))
  for (const { signal } of lines) if (isAnswer(signal)) seqs.get(signal.from)?.have.add(signal.seq)
  let [best, open] = [0, 0]
  for (const [n, line] of lines.slice(0, Math.max(0, lines.length - keep)).entries()) {
    const { signal } = line
    if (isAnswer(signal)) continue
    const said = seqs.get(signal.from)
    if (said === undefined || unread.has(signal.id) || !isSettledLine(line, log, peer)) break
    if (signal.body.type === 'file') open = Math.max(open, ends.get(chunkKey(signal)) ?? n)
    said.have.add(signal.seq)
    said.top = Math.max(said.top, signal.seq)
    if (signal.from === peer && open <= n && [...seqs.values()].every(isGapless)) best = n + 1
  }
  return best
}

// What makes a call active stays in the head: it is little, and from it alone the fold comes to the same phase.
function isAnswer({ body }: Signal): boolean {
  return body.type === 'request' || body.type === 'accept' || body.type === 'reject'
}

function isSettledLine({ signal, late, unasked }: Line, log: Log, peer: string): boolean {
  const { body, from, id } = signal
  if (late || unasked || (body.type !== 'message' && body.type !== 'escalate' && body.type !== 'file')) return false
  // The attack: a peer that takes the last Lamport number there is. Nothing comes after that, so everything may stand before it.
  if (signal.lc >= LIMIT.seq) return false
  if (from !== peer) return signal.seq <= log.acked && log.outbox[id] === undefined
  return body.type !== 'file' || isSettled(log.files[transferKey(body)])
}

/** Where the last chunk of each file stands. */
function lastChunks(lines: readonly Line[]): Map<string, number> {
  const ends = new Map<string, number>()
  for (const [n, { signal }] of lines.entries()) if (signal.body.type === 'file') ends.set(chunkKey(signal), n)
  return ends
}

function chunkKey({ from, body }: Signal): string {
  return body.type === 'file' ? `${from} ${transferKey(body)}` : ''
}

/** `solid`: up to where there is no gap, `top`: how far it would have to be. */
type SeqRun = { have: Set<number>; solid: number; top: number }

function seqRunFrom(base: number): SeqRun {
  return { have: new Set(), solid: base, top: base }
}

function isGapless(seqs: SeqRun): boolean {
  while (seqs.have.has(seqs.solid + 1)) seqs.solid++
  return seqs.solid >= seqs.top
}

function summariseArchive(
  past: ArchiveSummary | undefined,
  lines: readonly Line[],
  call: Call,
  first: number,
  last: number,
): ArchiveSummary {
  const sum = {
    chapters: [past?.chapters[0] ?? first, last] as const,
    entries: (past?.entries ?? 0) + lines.length,
    own: past?.own ?? 0,
    messages: past?.messages ?? 0,
    seqs: { ...past?.seqs },
    lc: past?.lc ?? 0,
    last: past?.last ?? 0,
  }
  for (const { signal, party, heard } of lines) {
    if (party === call.mine) sum.own++
    if (signal.body.type === 'message') sum.messages++
    sum.seqs[signal.from] = Math.max(sum.seqs[signal.from] ?? 0, signal.seq)
    sum.lc = Math.max(sum.lc, signal.lc)
    sum.last = Math.max(sum.last, timeOf(signal.at, heard))
  }
  return sum
}

function pick(entries: Entries, ids: readonly string[]): Entries {
  return freeze(Object.fromEntries(ids.flatMap((id) => (entries[id] === undefined ? [] : [[id, entries[id]]]))))
}
