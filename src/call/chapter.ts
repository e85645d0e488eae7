// Chapters: the older words of a call that is spoken in for long, each of them a file that is never changed. The head, the
// call's own file, holds everything else, so that no command has to read and write what has long been settled.
import { isHex32 } from '../nostr/crypto.ts'
import { type Upgrade, upgraded } from '../upgrade.ts'
import { type Entries, final, type Log, parseEntries, signalOf } from './log.ts'

/** `id`: the call's. */
export type Chapter = { version: 1; id: string; entries: Entries }

/** A head and the chapters that belong to it, by their numbers. */
export type Volume = { head: Log; chapters: ReadonlyMap<number, Chapter> }

/** The numbers of the chapters in which a part of a log lies; none for a log that is whole. */
export function chaptersOf({ past }: Log): number[] {
  if (past === undefined) return []
  const [first, last] = past.chapters
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

/** The whole log; undefined when a chapter is not one of this call, or they do not hold what the head says they do. */
export function joined({ head, chapters }: Volume): Log | undefined {
  const { past, ...rest } = head
  if (past === undefined) return head
  const held = [...chapters.values()]
  const entries = Object.assign({}, ...held.map((chapter) => chapter.entries), head.entries)
  const expected = past.entries + Object.keys(head.entries).length
  if (held.some(({ id }) => id !== head.id) || Object.keys(entries).length !== expected) return undefined
  return { ...rest, entries: final(entries) }
}

/**
 * Whether what was added to a head does not simply come after its chapters, so that only the whole call tells what becomes of
 * it: a rumor that may lie there already, or claims a place there, and an end, whose digest is over all of them.
 */
export function disturbs(before: Log, { past, ...after }: Log): boolean {
  if (past === undefined || before.entries === after.entries) return false
  return Object.keys(after.entries).some((id) => {
    if (before.entries[id] !== undefined) return false
    const signal = signalOf(after, id)
    if (signal === undefined) return false
    return signal.body.type === 'end' || signal.lc <= past.lc || signal.seq <= (past.seqs[signal.from] ?? 0)
  })
}

/** A log that was joined, as the head that it came from; undefined when its chapters do not hold its oldest words any more. */
export function parted(log: Log, { head, chapters }: Volume): Log | undefined {
  const { past } = head
  if (past === undefined) return undefined
  const entries = { ...log.entries }
  for (const chapter of chapters.values()) {
    for (const id of Object.keys(chapter.entries)) {
      if (entries[id] !== chapter.entries[id]) return undefined
      delete entries[id]
    }
  }
  const mine = { ...log, entries: final(entries), past }
  return disturbs(head, mine) ? undefined : mine
}

/** Reads a chapter's JSON. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseChapter(value: unknown): Chapter | 'newer' | undefined {
  const held = isRecord(value) ? upgraded(value, UPGRADES) : undefined
  if (held === undefined || held === 'newer') return held
  const { id } = held
  const entries = isRecord(held.entries) ? parseEntries(held.entries) : undefined
  if (typeof id !== 'string' || !isHex32(id) || entries === undefined) return undefined
  return { version: 1, id, entries }
}

/** From each version of a chapter's file to the next. */
const UPGRADES: readonly Upgrade[] = []

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
