// The pure half of the store: how state.json and the call files are read, which calls every command needs, and what can be
// made of the call files alone. The files are ours and written whole, but a disk can damage them, and a command must not trip over
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
import { LOG_VERSION, parseLog, parseOutboxEntry, parseRumor } from '../call/log-codec.ts'
import { replay } from '../call/replay.ts'
import { RULES } from '../call/rules.ts'
import { isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { summariseCall } from './call-index.ts'
import { LETTER_LOG_VERSION, parseLetterLog, summariseLetters } from './letter-log.ts'
import { callOf, emptyIndex, type Index, type LetterLog, type State } from './state.ts'
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
  lost: (): Index => ({ ...emptyIndex(), lost: true }),
  letters: { version: LETTER_LOG_VERSION, parse: parseLetterLog, open: openLetters },
}

/** @param bounds what of a call is packed into segments, and when */
export function stateCodecWith(bounds: ArchiveBounds) {
  return {
    ...base,
    archive: {
      version: 1,
      segmentsOf: segmentNumbers,
      parse: parseSegment,
      joinSegments,
      needsWholeCall,
      pack: (state: State, log: Log, stored?: ArchivedCall) => compactedCall(state, log, stored, bounds),
    },
  }
}

export const stateCodec = stateCodecWith(ARCHIVE_BOUNDS)

/** The calls that are open, and those asked for. */
function openCalls({ calls }: Index, also: readonly string[] = []): string[] {
  const wanted = new Set(also)
  // Thousands of them, few of which are open.
  for (const id in calls) if (calls[id]?.open) wanted.add(id)
  return [...wanted]
}

/** The peers whose letters are open. @param now unix seconds */
function openLetters({ letterLogs }: Index, now = Number.POSITIVE_INFINITY): string[] {
  return Object.keys(letterLogs).filter((peer) => letterLogs[peer]?.open && (letterLogs[peer].due ?? 0) <= now)
}

/** `stored`: the head and the segments of which a log was made, when it was read whole. */
function compactedCall(state: State, log: Log, stored: ArchivedCall | undefined, bounds: ArchiveBounds): CompactResult {
  const head = (stored && splitSegments(log, stored)) ?? log
  const me = base.owner(state.index)
  const call = me === undefined ? undefined : callOf(head, me, 0)
  return compact(head, call, stored?.head.past?.segments[1], bounds)
}

/** An index made from the call files alone: cursors and seen ids are lost, so the relays are read again. */
function rebuild(logs: Map<string, Log>, letters: Map<string, LetterLog> = new Map()): Index {
  const held = [...logs.values()]
  const agent = held.flatMap((log) => ownerOf(log) ?? [])[0] ?? ''
  const mine = held.filter((log) => ownerOf(log) === agent)
  const state: State = { index: { ...emptyIndex(), agent }, logs: Object.fromEntries(mine.map((log) => [log.id, log])) }
  const edit = beginTransaction(state)
  for (const log of mine) {
    const call = replay(log, agent, 0)
    // Every call is looked at once more; the next command writes what it finds.
    if (call !== undefined) edit.table('calls')[log.id] = { ...summariseCall(call, log, 0), open: true }
  }
  for (const [peer, held] of letters) edit.table('letterLogs')[peer] = summariseLetters(held)
  edit.index.lost = true
  return edit.commit().index
}

// Our own rumors came from nowhere, so they have no time at which they were heard.
function ownerOf(log: Log): string | undefined {
  const request = log.entries[log.id]
  if (request === undefined) return undefined
  return request.heard === undefined ? request.rumor.pubkey : request.rumor.tags.find((t) => t[0] === 'p')?.[1]
}

/**
 * 'newer' when a later version wrote it, undefined when it is damaged. Parts that an earlier version lacked are empty. Every entry
 * is looked at, unless the file is `unchanged` since this program wrote it.
 */
export function parseIndex(value: unknown, unchanged = false): Index | 'newer' | undefined {
  if (!isRecord(value)) return undefined
  const { sum, ...rest } = value
  const held = upgraded(rest, UPGRADES)
  if (held === undefined || held === 'newer') return held
  if (unchanged) return Object.assign(emptyIndex(), held)
  const whole = Object.entries(PARTS).every(([name, is]) => !Object.hasOwn(held, name) || is(held[name]))
  const known = typeof held.agent === 'string' && isRecord(held.calls)
  return whole && known ? Object.assign(emptyIndex(), held) : undefined
}

/** From each version of state.json to the next. */
const UPGRADES: readonly Upgrade[] = [
  // 0.1.0: its calls are rendered to Markdown and set aside (io/store/legacy.ts); what is known of relays, peers and letters stays.
  ({ strays, ...old }) => ({ ...old, calls: {}, orphans: [], legacy: true }),
]

type Check = (value: unknown) => boolean

const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const text: Check = (value) => typeof value === 'string'
const key: Check = (value) => typeof value === 'string' && isHex32(value)
const flag: Check = (value) => typeof value === 'boolean'
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const rumor: Check = (value) => parseRumor(value) !== undefined
const posting: Check = (value) => parseOutboxEntry(value) !== undefined
const isPhase: Check = (value) => typeof value === 'string' && Object.hasOwn(RULES, value)

const table =
  (is: Check): Check =>
  (value) =>
    isRecord(value) && Object.values(value).every(is)

const optional =
  (is: Check): Check =>
  (value) =>
    value === undefined || is(value)

const fields = (checks: Record<string, Check>): Check => {
  const all = Object.entries(checks)
  return (value) => isRecord(value) && all.every(([name, is]) => is(value[name]))
}

const amount = fields({ requests: number, rumors: number, bytes: number, files: optional(number) })
const claimFields = { pid: number, at: number, where: optional(text), mark: optional(text) }
const claim = optional(fields(claimFields))

const agreement = fields({
  ...{ ref: text, from: text, text, at: number },
  answer: fields({ ref: text, text, at: number, late: optional(flag) }),
  cut: optional(flag),
})

const summary = fields({
  peer: key,
  name: optional(text),
  direction: text,
  topic: text,
  createdAt: number,
  deadline: number,
  phase: isPhase,
  unread: number,
  own: fields({ queued: number, relayed: number, delivered: number, read: number }),
  open: flag,
  last: number,
  held: optional(flag),
  verified: optional(flag),
  agreements: optional((value) => Array.isArray(value) && value.every(agreement)),
  outcome: optional(text),
  secrecy: optional((value) => value === 'call' || value === 'identity'),
  ...{ over: optional(number), ends: optional(number), awaits: optional(number) },
  early: optional(fields({ count: number, bytes: number })),
})

const peer = fields({
  inbox: texts,
  listed: optional(number),
  looked: number,
  hints: texts,
  reads: optional(texts),
  name: text,
  pow: number,
  called: optional(texts),
  heard: optional(number),
  record: optional(table(fields({ acked: number, vain: number }))),
})

const appeal = fields({
  escalation: fields({ id: text, at: number, text }),
  letter: optional(text),
  open: table(fields({ tries: number, at: number, error: text })),
  claim,
})

const keptEscalation = fields({
  escalation: fields({ id: text, at: number, text, told: text }),
  letter: optional(text),
  channels: (value) => Array.isArray(value) && value.every(fields({ channel: text, ok: flag, error: optional(text) })),
  answers: (value) =>
    Array.isArray(value) && value.every(fields({ id: text, text, at: number, channel: text, unread: flag })),
})

const PARTS: Partial<Record<keyof Index, Check>> = {
  relays: table(
    fields({
      ...{
        cursor: optional(number),
        looked: optional(number),
        swept: optional(number),
        since: optional(number),
        patience: optional(number),
      },
      negentropy: optional(fields({ speaks: flag, at: number })),
      sweep: optional(fields({ since: number, until: number, top: number, began: number, cursor: number })),
      limits: optional(fields({ at: number, limit: optional(number), frame: optional(number) })),
      rest: optional(fields({ at: number, until: number, tries: number, why: text })),
      lost: optional(number),
      canary: optional(fields({ at: number, wrap: optional(text), misses: optional(number), leaky: optional(number) })),
    }),
  ),
  seen: table(number),
  calls: table(summary),
  peers: table(peer),
  dms: table(fields({ rumor, heard: number, unread: flag, file: optional(isRecord) })),
  letterLogs: table(fields({ open: flag, bytes: number, last: number, due: optional(number) })),
  lettersLeft: number,
  lost: flag,
  lostAt: number,
  letters: table(fields({ to: key, rumor, posting })),
  escalations: table(keptEscalation),
  appeals: table(appeal),
  orphans: (value) =>
    Array.isArray(value) &&
    value.every(fields({ rumor, heard: number, replays: number, underCallKey: optional(flag) })),
  tried: table(texts),
  keysGone: table(number),
  unreadable: table(fields({ heard: number, replays: number })),
  cleaned: number,
  lostTold: table(number),
  forgotten: table(number),
  wakes: table(fields({ at: number, times: number })),
  meter: fields({
    day: number,
    senders: table(amount),
    strangers: amount,
    refused: isRecord,
    rang: optional(table(number)),
  }),
  dropped: table(number),
  announced: fields({
    presence: number,
    lists: text,
    words: optional(text),
    taken: optional(table(number)),
    looked: optional(number),
    offered: optional(table(fields({ at: number, taken: flag }))),
  }),
  legacy: flag,
  clockAhead: number,
  announcing: fields({ ...claimFields, pause: number }),
  machine: fields({
    ...{ id: text, count: number },
    others: optional(table(fields({ at: number, lives: optional(flag) }))),
    found: optional(fields({ at: number, lives: optional(flag), told: optional(number) })),
  }),
}
