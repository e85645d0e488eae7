// What is unread, as items: what came in, from whom, and what we have verified of it.
import type { Rumor } from '../nostr/event.ts'
import type { Call, Line } from './call.ts'
import { type FileBody, type FileFacts, factsOf, fileState } from './file.ts'
import type { FileState, Log } from './log.ts'
import { type Agent, agentOf, type People } from './people.ts'
import { plain } from './plain.ts'
import { FILE, readRemote } from './signal.ts'

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
export type Item = {
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
export function itemsOf(log: Log, call: Call, people: People, all = false): Item[] {
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
export function letterOf(rumor: Rumor, heard: number, people: People, file?: FileState): Item {
  const from = agentOf(people, rumor.pubkey)
  const type = from.trust === 'owner' ? 'owner' : 'dm'
  const body = rumor.kind === FILE ? readRemote(rumor) : undefined
  return {
    type,
    id: rumor.id,
    call: '',
    from,
    at: Math.min(rumor.created_at, heard),
    seq: 0,
    ...(body === undefined ? { text: plain(rumor.content) } : described(body, factsOf(body, file))),
  }
}

/** The owner first, then in the order given. */
export function ownerFirst(items: readonly Item[]): Item[] {
  return [...items.filter((i) => i.type === 'owner'), ...items.filter((i) => i.type !== 'owner')]
}

function itemOf({ signal, heard, late }: Line, log: Log, call: Call, from: Agent): Item | undefined {
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
  if (body.type === 'file') return { ...base, type: 'file', ...described(body, fileState(log, body)) }
  const reason = body.type === 'reject' ? { reason: body.reason } : {}
  return { ...base, type: body.type, text: plain(body.text), ...reason }
}

// What nobody has said is left out: a size of 0, a hash of "".
function described({ name }: FileBody, facts: FileFacts): Pick<Item, 'text'> & Partial<Item> {
  const { path, refused: reason, size, sha256 } = facts
  const text = plain(name, 255)
  return {
    ...{ text, name: text },
    ...(size === 0 && path === undefined ? {} : { size }),
    ...(sha256 === '' ? {} : { sha256 }),
    ...(path === undefined ? {} : { path }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function missedItem(log: Log, call: Call, from: Agent): Item {
  return {
    type: 'missed',
    id: call.id,
    call: call.id,
    from,
    text: plain(call.topic),
    at: log.missed ?? call.deadline,
    seq: 0,
  }
}

/** When something was said; what is dated ahead of our clock is shown with the time at which it came in. */
export function timeOf(at: number, heard: number | undefined): number {
  return heard === undefined ? at : Math.min(at, heard)
}
