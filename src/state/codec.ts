// The pure half of the store: how state.json and the call files are read, which calls every command needs, and what can be
// made of the call files alone.

import {
  ARCHIVE_BOUNDS,
  type ArchiveBounds,
  type ArchivedCall,
  type CompactResult,
  compact,
  joinSegments,
  needsWholeCall,
  parseSegment,
  segmentNumbers,
  splitSegments,
} from '../call/archive.ts'
import { type Log, parseLog } from '../call/log.ts'
import { replay } from '../call/replay.ts'
import { type State, callOf, emptyIndex, type Index } from './book.ts'
import { beginTransaction } from './edit.ts'
import { parseIndex } from './parse.ts'
import { meetRivals } from './refresh.ts'
import { summariseCall } from './summary.ts'

const base = {
  version: 1,
  logVersion: 2,
  owner: (index: Index): string | undefined => (index.agent === '' ? undefined : index.agent),
  empty: emptyIndex,
  parse: parseIndex,
  parseLog,
  open: openCalls,
  rebuild,
}

/** @param bounds what of a call is packed into chapters, and when */
export function stateCodecWith(bounds: ArchiveBounds) {
  return {
    ...base,
    chapters: {
      version: 1,
      of: segmentNumbers,
      parse: parseSegment,
      joinSegments,
      needsWholeCall,
      pack: (book: State, log: Log, volume?: ArchivedCall) => compactedCall(book, log, volume, bounds),
    },
  }
}

export const stateCodec = stateCodecWith(ARCHIVE_BOUNDS)

/** The calls that are open and those asked for, and with each the calls that were made at the same time, and theirs. */
function openCalls({ calls }: Index, also: readonly string[] = []): string[] {
  const wanted = new Set(also)
  // Thousands of them, few of which are open.
  for (const id in calls) if (calls[id]?.open) wanted.add(id)
  // A set goes on to what is added on the way. Read without one of its rivals, a call would be another one.
  for (const id of wanted) for (const rival of calls[id]?.rivals ?? []) wanted.add(rival)
  return [...wanted]
}

/** `volume`: the head and the chapters of which a log was made, when it was read whole. */
function compactedCall(book: State, log: Log, volume: ArchivedCall | undefined, bounds: ArchiveBounds): CompactResult {
  const head = (volume && splitSegments(log, volume)) ?? log
  const logs = head === log ? book.logs : { ...book.logs, [log.id]: head }
  const me = base.owner(book.index)
  const call = me === undefined ? undefined : callOf({ index: book.index, logs }, head, me, 0)
  return compact(head, call, volume?.head.past?.chapters[1], bounds)
}

/** An index made from the call files alone: cursors and seen ids are lost, so the relays are read again. */
function rebuild(logs: Map<string, Log>): Index {
  const held = [...logs.values()]
  const agent = held.flatMap((log) => ownerOf(log) ?? [])[0] ?? ''
  const mine = held.filter((log) => ownerOf(log) === agent)
  const book: State = { index: { ...emptyIndex(), agent }, logs: Object.fromEntries(mine.map((log) => [log.id, log])) }
  const edit = beginTransaction(book)
  for (const log of mine) {
    const call = replay(log, agent, 0)
    // Every call is looked at once more; the next command writes what it finds.
    if (call !== undefined) edit.table('calls')[log.id] = { ...summariseCall(call, log, 0, []), open: true }
  }
  for (const log of mine) meetRivals(edit, log.id, agent)
  return edit.commit().index
}

// Our own rumors came from nowhere, so they have no time at which they were heard.
function ownerOf(log: Log): string | undefined {
  const request = log.entries[log.id]
  if (request === undefined) return undefined
  return request.heard === undefined ? request.rumor.pubkey : request.rumor.tags.find((t) => t[0] === 'p')?.[1]
}
