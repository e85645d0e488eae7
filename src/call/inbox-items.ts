// What is unread, as items: what came in, from whom, and what we have verified of it.

import type { Rumor } from '../nostr/event.ts'
import { cutForeign, type Foreign, foreignText, lineLengths } from '../sanitize.ts'
import { type Agent, type AgentDirectory, agentOf, ownerOf } from './agents.ts'
import type { AnswerChannel, OwnerAnswer } from './escalation.ts'
import { parseRemote } from './file-codec.ts'
import { type FileFacts, fileFactsOf, receivedFile } from './file-transfer.ts'
import { type FileState, type Fork, type Log, signalOf, timeOf, UNDELIVERED } from './log.ts'
import type { Call, Line } from './replay.ts'
import { type CallOutcome, FILE, type FileBody, LIMIT, type SeqRange, type SignalType } from './signal.ts'

export const ITEM_TYPES = [
  'request',
  'accept',
  'reject',
  'message',
  'progress',
  'propose',
  'agree',
  'decline',
  'file',
  'escalate',
  'end',
  'missed',
  'forked',
  'lost',
  'undelivered',
  'dm',
  'owner',
] as const

export type ItemType = (typeof ITEM_TYPES)[number]

/** Whether an item of this type counts in `unread`. Progress is told once and does not: it wakes nobody. */
export function countsAsUnread({ type }: { type: string }): boolean {
  return type !== 'progress'
}

/**
 * One new thing. `text` is the peer's; in `undelivered`, and in a missed call of ours, it is our own. `at` unix seconds; `seq` 0 where
 * there is none. `ref` and `re` name signals of the call, `me/3` or `peer/5`; `unseen`: what is above it that its author had not taken.
 */
export type InboxItem = {
  type: ItemType
  id: string
  ref?: string
  re?: string
  /** Of something undelivered: what it was. */
  said?: SignalType
  unseen?: string[]
  /** Whose log has two branches, as we see it. */
  fork?: Fork['by']
  call: string
  from: Agent
  text: Foreign
  at: number
  seq: number
  late?: true
  path?: string
  size?: number
  sha256?: string
  name?: Foreign
  /** What its sender says of a file. */
  note?: Foreign
  reason?: string
  /** How the call went, in the words of whoever ended it. */
  outcome?: CallOutcome
  /** A missed call that was ours, and so is its topic. */
  outgoing?: true
  /** Nothing is left to be done about it: a request that does not ring any more, a proposal that has its answer. */
  settled?: true
  /** A request to which this side has said yes, by our agent or by its owner's setting. */
  accepted?: true
  /** An answer to no proposal of ours, or to one that has its answer: nothing is agreed or declined by it. */
  void?: true
  /** Its text is longer than what is shown of it. */
  cut?: true
  /** From the owner: which escalation it answers, and how it came where it is no letter. */
  escalation?: string
  channel?: AnswerChannel
  /** A letter that may have been told before: no instruction, not even from the owner. */
  repeat?: true
}

/** The items of a call, in transcript order: the unread ones, or all that the peer has said. */
export function itemsOf(log: Log, call: Call, people: AgentDirectory, all = false): InboxItem[] {
  const from = agentOf(people, call.peer, call.peerName)
  const unread = new Set(log.unread)
  const lines = call.lines.filter(
    (line) => line.signal.from === call.peer && isShown(line) && (all || unread.has(line.signal.id)),
  )
  const items = lines.flatMap((line) => itemOf(line, log, call, from) ?? [])
  const marks = MARKS.filter(([mark, is]) => unread.has(mark) || (all && is(log)))
  return [...items, ...marks.map(([mark]) => markItem(mark, log, call, from)), ...undeliveredItems(log, call, from)]
}

/** Whether a line is shown with its words. What the rules did not let its sender say is a line without them. */
export function isShown({ effective, late, signal }: Line): boolean {
  return (effective || late) && signal.body.type !== 'opaque'
}

const MARKS: readonly (readonly ['missed' | 'forked' | 'lost', (log: Log) => boolean])[] = [
  ['missed', (log) => log.missedAt !== undefined],
  ['forked', (log) => log.fork !== undefined],
  ['lost', (log) => log.peerLostAt !== undefined],
]

function markItem(type: 'missed' | 'forked' | 'lost', log: Log, call: Call, from: Agent): InboxItem {
  const at = {
    missed: log.missedAt ?? call.deadline,
    forked: log.fork?.at ?? call.last,
    lost: log.peerLostAt ?? call.last,
  }
  const base = { type, id: call.id, call: call.id, from, at: at[type], seq: 0 }
  // A topic is the caller's word; in the other marks there is nothing of the peer to quote.
  const text = foreignText(type === 'missed' ? call.topic : '')
  if (type === 'missed' && call.role === 'caller') return { ...base, text, outgoing: true }
  return { ...base, text, ...(type === 'forked' && log.fork !== undefined ? { fork: log.fork.by } : {}) }
}

/** Our own words that nobody has acknowledged, and that are not offered any more. */
function undeliveredItems(log: Log, call: Call, from: Agent): InboxItem[] {
  return log.unread.flatMap((mark): InboxItem[] => {
    const id = mark.startsWith(UNDELIVERED) ? mark.slice(UNDELIVERED.length) : undefined
    const signal = id === undefined ? undefined : signalOf(log, id)
    if (signal === undefined) return []
    const text = signal.body.type === 'file' ? foreignText(signal.body.name, 255) : foreignText(signal.body.text)
    const { seq, body } = signal
    const re = signal.re === undefined ? undefined : refOf(log, signal.re, call)
    const what = { type: 'undelivered', said: body.type, ...(re === undefined ? {} : { re }) } as const
    return [{ ...what, id: signal.id, ref: `me/${seq}`, call: call.id, from, text, at: signal.at, seq }]
  })
}

/** A letter to be shown: `state/letter-log.ts` keeps it. */
export type ShownLetter = { rumor: Rumor; heard: number; repeat?: true; file?: FileState }

/**
 * The item of a letter, a direct message outside of calls. From the owner it has the type `owner`, which nobody else's can have, and is an
 * instruction; with `repeat` it may have been told before, and is none. The text of a reaction is its sign.
 */
export function letterItem(
  { rumor, heard, repeat, file }: ShownLetter,
  people: AgentDirectory,
  escalation?: string,
): InboxItem {
  const from = agentOf(people, rumor.pubkey)
  const type = from.trust === 'owner' ? 'owner' : 'dm'
  const base = { type, id: rumor.id, call: '', from, at: Math.min(rumor.created_at, heard), seq: 0 } as const
  const marks = { ...(repeat === true ? { repeat } : {}), ...(escalation === undefined ? {} : { escalation }) }
  if (rumor.kind !== FILE) return { ...base, ...marks, text: foreignText(rumor.content) }
  const body = parseRemote(rumor)
  if (body !== undefined) return { ...base, ...marks, ...fileFields(body, fileFactsOf(body, file)) }
  // Early clients announce a file without the hash by which it could be checked.
  const text = foreignText(rumor.content, 255)
  return { ...base, ...marks, text, name: text, reason: UNCHECKABLE }
}

/** The item of an answer that the owner has given otherwise than by a letter: the same `owner` item that a letter makes. */
export function answerItem(
  { id, text, at, channel }: OwnerAnswer,
  escalation: string,
  people: AgentDirectory,
): InboxItem {
  return {
    type: 'owner',
    id,
    call: '',
    from: ownerOf(people),
    text: foreignText(text),
    at,
    seq: 0,
    escalation,
    channel,
  }
}

const UNCHECKABLE = 'announced without what is needed to open and check it, so it was not fetched'

/**
 * The owner first, then what is said in calls and by whom our agent knows, then the first words of strangers; otherwise in the order
 * given. Of a thousand things a command shows only the first: a flood of strangers must not come before what somebody waits for.
 */
export function sortByImportance(items: readonly InboxItem[]): InboxItem[] {
  return [...items].sort((a, b) => weight(a) - weight(b))
}

function weight({ type, call, from }: InboxItem): number {
  if (type === 'owner') return 0
  const isFirstWord = type === 'request' || call === ''
  return isFirstWord && from.trust === 'unknown' ? 2 : 1
}

function itemOf({ signal, heard, late, unseen }: Line, log: Log, call: Call, from: Agent): InboxItem | undefined {
  const { body } = signal
  if (body.type === 'receipt' || body.type === 'opaque') return undefined
  const re = signal.re === undefined ? undefined : refOf(log, signal.re, call)
  const base = {
    id: signal.id,
    ref: `peer/${signal.seq}`,
    ...(re === undefined ? {} : { re }),
    call: call.id,
    from,
    at: timeOf(signal.at, heard),
    seq: signal.seq,
    ...(late ? { late } : {}),
    ...(unseen === undefined ? {} : { unseen: refsIn(unseen, 'me') }),
  }
  if (body.type === 'file') return { ...base, type: 'file', ...fileFields(body, receivedFile(log, body)) }
  const reason = body.type === 'reject' ? { reason: body.reason } : {}
  const outcome = body.type === 'end' && body.outcome !== undefined ? { outcome: body.outcome } : {}
  return { ...base, type: body.type, text: foreignText(body.text), ...reason, ...outcome }
}

/** How a signal of the call is named everywhere, `me/3` or `peer/5`; undefined for one that is not held. */
export function refOf(log: Log, id: string, { peer }: Pick<Call, 'peer'>): string | undefined {
  const signal = signalOf(log, id)
  return signal === undefined ? undefined : `${signal.from === peer ? 'peer' : 'me'}/${signal.seq}`
}

/** Most refs of a range that are named one by one. */
const MAX_REFS = 20

/** The refs of the signals in a range: all of them, or the first ones and the last where they are many. */
export function refsIn([first, last]: SeqRange, whose: 'me' | 'peer'): string[] {
  const count = last - first + 1
  if (count <= MAX_REFS) return Array.from({ length: count }, (_, n) => `${whose}/${first + n}`)
  return [...Array.from({ length: MAX_REFS - 1 }, (_, n) => `${whose}/${first + n}`), `${whose}/${last}`]
}

// What was not told is left out: a size of 0, a hash of "".
function fileFields({ name, note }: FileBody, facts: FileFacts): Pick<InboxItem, 'text'> & Partial<InboxItem> {
  const { path, refused: reason, size, sha256 } = facts
  const text = foreignText(name, 255)
  return {
    ...{ text, name: text },
    ...(size === 0 && path === undefined ? {} : { size }),
    ...(sha256 === '' ? {} : { sha256 }),
    ...(path === undefined ? {} : { path }),
    ...(reason === undefined ? {} : { reason }),
    ...(note === undefined ? {} : { note: foreignText(note, LIMIT.note) }),
  }
}

/**
 * Most characters of news in one output, and how many an item takes beside its text, and each line of it. Agents' tools cut what a command
 * prints at about 16,000 characters without a word, and what they cut away would count as read.
 */
const MAX_CHARACTERS = 10_000
const ITEM_CHARACTERS = 250
const LINE_PREFIX_CHARACTERS = 9

/** The first items that fit, the first one in any case. An item whose text is too long has its beginning, and `cut`. */
export function fitItems(items: readonly InboxItem[], maxChars = MAX_CHARACTERS): InboxItem[] {
  const kept: InboxItem[] = []
  let room = maxChars
  for (const item of items) {
    const part = shortenItem(item, maxChars)
    room -= sizeOf(part)
    if (kept.length > 0 && room < 0) break
    kept.push(part)
  }
  return kept
}

function shortenItem(item: InboxItem, maxChars: number): InboxItem {
  if (sizeOf(item) <= maxChars) return item
  // An empty line takes its mark too.
  let room = maxChars - ITEM_CHARACTERS
  let length = 0
  for (const line of lineLengths(item.text)) {
    const fits = Math.min(line, room - LINE_PREFIX_CHARACTERS)
    if (fits < 0) break
    room -= fits + LINE_PREFIX_CHARACTERS + 1
    length += fits + 1
    if (fits < line) break
  }
  return { ...item, text: cutForeign(item.text, Math.max(0, length - 1)), cut: true }
}

function sizeOf({ text }: InboxItem): number {
  return lineLengths(text).reduce((sum, line) => sum + line + 1 + LINE_PREFIX_CHARACTERS, ITEM_CHARACTERS)
}
