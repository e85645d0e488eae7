// The pure half of the store: how state.json and the call files are read, which calls every command needs, and the index that can be
// made from the call files alone. The files are ours and written whole, but a disk can damage them, and a command must not trip over
// what is left.
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
import type { Log } from '../call/log.ts'
import { LOG_VERSION, parseLog } from '../call/log-codec.ts'
import { replay } from '../call/replay.ts'
import { summariseCall } from './call-index.ts'
import { parseIndex } from './index-codec.ts'
import { LETTER_LOG_VERSION, parseLetterLog, summariseLetters } from './letter-log.ts'
import { emptyIndex, type Index, type LetterLog, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

const base = {
  version: 2,
  logVersion: LOG_VERSION,
  owner: (index: Index): string | undefined => (index.agent === '' ? undefined : index.agent),
  empty: emptyIndex,
  parse: parseIndex,
  parseLog,
  open: openCalls,
  rebuild,
  lost: (): Index => ({ ...emptyIndex(), stateLost: true }),
  letters: { version: LETTER_LOG_VERSION, parse: parseLetterLog, open: openLetters },
}

/** The codec of the store. @param bounds which part of a call is put into segments, and when */
export function stateCodecWith(bounds: ArchiveBounds) {
  return {
    ...base,
    archive: {
      version: 1,
      segmentsOf: segmentNumbers,
      parse: parseSegment,
      joinSegments,
      needsWholeCall,
      compact: (state: State, log: Log, stored?: ArchivedCall) => compactCall(state, log, stored, bounds),
    },
  }
}

/** The codec that this program uses, with its own bounds. */
export const stateCodec = stateCodecWith(ARCHIVE_BOUNDS)

/** The ids of the calls that are open, and of those asked for. */
function openCalls({ calls }: Index, also: readonly string[] = []): string[] {
  const wanted = new Set(also)
  // Thousands of them, few of which are open.
  for (const id in calls) if (calls[id]?.open) wanted.add(id)
  return [...wanted]
}

/** The peers whose letters are open, and due by now. @param now unix seconds */
function openLetters({ letterLogs }: Index, now = Number.POSITIVE_INFINITY): string[] {
  return Object.keys(letterLogs).filter((peer) => letterLogs[peer]?.open && (letterLogs[peer].due ?? 0) <= now)
}

/** @param stored the head and the segments that a log was joined from, when it was read whole */
function compactCall(state: State, log: Log, stored: ArchivedCall | undefined, bounds: ArchiveBounds): CompactResult {
  const head = (stored && splitSegments(log, stored)) ?? log
  const me = base.owner(state.index)
  const call = me === undefined ? undefined : replay(head, me, 0)
  return compact(head, call, stored?.head.archive?.segments[1], bounds)
}

/** An index made from the call and letter files alone: cursors and seen ids are lost, so the relays are read again. */
function rebuild(logs: Map<string, Log>, letters: Map<string, LetterLog> = new Map()): Index {
  const held = [...logs.values()]
  const agent = held.flatMap((log) => ownerOf(log) ?? [])[0] ?? ''
  const mine = held.filter((log) => ownerOf(log) === agent)
  const state: State = { index: { ...emptyIndex(), agent }, logs: Object.fromEntries(mine.map((log) => [log.id, log])) }
  const edit = beginTransaction(state)
  for (const log of mine) {
    const call = replay(log, agent, 0)
    // Open, so that the next command looks at every call once more, and writes what it finds.
    if (call !== undefined) edit.table('calls')[log.id] = { ...summariseCall(call, log, 0), open: true }
  }
  for (const [peer, held] of letters) edit.table('letterLogs')[peer] = summariseLetters(held)
  edit.index.stateLost = true
  return edit.commit().index
}

// A request without the time at which it was heard is our own; any other was sent to us.
function ownerOf(log: Log): string | undefined {
  const request = log.entries[log.id]
  if (request === undefined) return undefined
  return request.heard === undefined ? request.rumor.pubkey : request.rumor.tags.find((t) => t[0] === 'p')?.[1]
}
