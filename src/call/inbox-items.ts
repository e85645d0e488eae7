// What is unread, as items: what came in, from whom, and what we have verified of it.
// As much news as one look can hold: agents' tools cut what a command prints at about 16,000 characters without a word, and
// what was cut away there would count as read.
import type { Rumor } from '../nostr/event.ts'
import { cleanText } from '../sanitize.ts'
import { type Agent, type AgentDirectory, agentOf } from './agents.ts'
import { type FileBody, type FileFacts, fileFactsOf, receivedFile } from './file-transfer.ts'
import type { FileState, Log } from './log.ts'
import type { Call, Line } from './replay.ts'
import { FILE } from './signal.ts'
import { parseRemote } from './signal-codec.ts'

export const ITEM_TYPES = [
  'request',
  'accept',
  'reject',
  'message',
  'file',
  'escalate',
  'end',
  'missed',
  'dm',
  'owner',
] as const

export type ItemType = (typeof ITEM_TYPES)[number]

/** One new thing. `text` is the peer's, cleaned; `at` unix seconds; `seq` 0 where there is none. */
export type InboxItem = {
  type: ItemType
  id: string
  call: string
  from: Agent
  text: string
  at: number
  seq: number
  late?: true
  path?: string
  size?: number
  sha256?: string
  name?: string
  reason?: string
  /** Its text is longer than what is shown of it. */
  cut?: true
}

/** The items of a call, in transcript order: the unread ones, or all that the peer has said. */
export function itemsOf(log: Log, call: Call, people: AgentDirectory, all = false): InboxItem[] {
  const from = agentOf(people, call.peer, call.peerName)
  const lines = call.lines.filter(
    (l) => l.signal.from === call.peer && !l.unasked && (all || log.unread.includes(l.signal.id)),
  )
  const missed = (log.missed !== undefined && all) || log.unread.includes('missed')
  const items = lines.flatMap((line) => itemOf(line, log, call, from) ?? [])
  return missed ? [...items, missedItem(log, call, from)] : items
}

/**
 * A direct message outside of calls; from the owner it is an instruction, and nobody else can make that type. `file`: what has
 * become of the file that it announces.
 */
export function letterItem(rumor: Rumor, heard: number, people: AgentDirectory, file?: FileState): InboxItem {
  const from = agentOf(people, rumor.pubkey)
  const type = from.trust === 'owner' ? 'owner' : 'dm'
  const body = rumor.kind === FILE ? parseRemote(rumor) : undefined
  return {
    type,
    id: rumor.id,
    call: '',
    from,
    at: Math.min(rumor.created_at, heard),
    seq: 0,
    ...(body === undefined ? { text: cleanText(rumor.content) } : fileFields(body, fileFactsOf(body, file))),
  }
}

/** The owner first, then in the order given. */
export function ownerFirst(items: readonly InboxItem[]): InboxItem[] {
  return [...items.filter((i) => i.type === 'owner'), ...items.filter((i) => i.type !== 'owner')]
}

function itemOf({ signal, heard, late }: Line, log: Log, call: Call, from: Agent): InboxItem | undefined {
  const { body } = signal
  if (body.type === 'receipt') return undefined
  const base = {
    id: signal.id,
    call: call.id,
    from,
    at: timeOf(signal.at, heard),
    seq: signal.seq,
    ...(late ? { late } : {}),
  }
  if (body.type === 'file') return { ...base, type: 'file', ...fileFields(body, receivedFile(log, body)) }
  const reason = body.type === 'reject' ? { reason: body.reason } : {}
  return { ...base, type: body.type, text: cleanText(body.text), ...reason }
}

// What nobody has said is left out: a size of 0, a hash of "".
function fileFields({ name }: FileBody, facts: FileFacts): Pick<InboxItem, 'text'> & Partial<InboxItem> {
  const { path, refused: reason, size, sha256 } = facts
  const text = cleanText(name, 255)
  return {
    ...{ text, name: text },
    ...(size === 0 && path === undefined ? {} : { size }),
    ...(sha256 === '' ? {} : { sha256 }),
    ...(path === undefined ? {} : { path }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function missedItem(log: Log, call: Call, from: Agent): InboxItem {
  return {
    type: 'missed',
    id: call.id,
    call: call.id,
    from,
    text: cleanText(call.topic),
    at: log.missed ?? call.deadline,
    seq: 0,
  }
}

/** When something was said; what is dated ahead of our clock is shown with the time at which it came in. */
export function timeOf(at: number, heard: number | undefined): number {
  return heard === undefined ? at : Math.min(at, heard)
}

/** Most characters of news, and what an item takes beside its text, and each line of it. */
const MAX_CHARACTERS = 10_000
const ITEM_CHARACTERS = 250
const LINE_PREFIX_CHARACTERS = 9

/** The first items that fit, the first one in any case; of a text that is too long its beginning, and `cut`. */
export function fitItems(items: readonly InboxItem[], most = MAX_CHARACTERS): InboxItem[] {
  const kept: InboxItem[] = []
  let room = most
  for (const item of items) {
    const part = shortenItem(item, most)
    room -= sizeOf(part)
    if (kept.length > 0 && room < 0) break
    kept.push(part)
  }
  return kept
}

function shortenItem(item: InboxItem, most: number): InboxItem {
  if (sizeOf(item) <= most) return item
  // A line may hold nothing and takes its mark all the same.
  const lines = item.text
    .slice(0, most)
    .split('\n')
    .slice(0, Math.floor(most / (2 * LINE_PREFIX_CHARACTERS)))
  return { ...item, text: cleanText(lines.join('\n'), most - LINE_PREFIX_CHARACTERS * lines.length), cut: true }
}

function sizeOf({ text }: InboxItem): number {
  return ITEM_CHARACTERS + text.length + LINE_PREFIX_CHARACTERS * text.split('\n').length
}
