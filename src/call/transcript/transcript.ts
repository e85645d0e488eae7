// A call as people and programs read it: what was said, one entry each, in the order that both sides share.

import { cleanLine, cleanText } from '../../sanitize.ts'
import { type Agent, type AgentDirectory, agentOf } from '../agents.ts'
import { type FileFacts, fileFactsOf, receivedFile, type Transfer, transfers } from '../file-transfer.ts'
import { timeOf } from '../inbox-items.ts'
import { type DeliveryState, deliveryStateOf, type Log } from '../log.ts'
import type { Call, Line, Verification } from '../replay.ts'
import type { SignalType } from '../signal.ts'
import { stateOf } from '../wording.ts'

/**
 * One thing said. `text` is cleaned, never interpreted; `at` unix seconds; `state` how far our own words have come; `name`,
 * `size`, `sha256` are what a file's sender says of it, `parts` how many of it are here or with the peer until it is whole.
 */
export type TranscriptEntry = {
  n: number
  from: 'me' | 'peer'
  author: Agent
  type: SignalType | 'gap'
  text: string
  at: number
  seq: number
  id?: string
  state?: DeliveryState
  late?: true
  /** Why a call was rejected, or a file not taken. */
  reason?: string
  path?: string
  name?: string
  size?: number
  sha256?: string
  parts?: { have: number; of: number }
  /** Its text is longer than what is shown of it. */
  cut?: true
}

export type Facts = {
  id: string
  peer: Agent
  direction: 'incoming' | 'outgoing'
  state: string
  topic: string
  createdAt: number
}

export type Transcript = {
  call: Facts
  me: Agent
  entries: TranscriptEntry[]
  /** SHA-256 in hex over what both sides have agreed to be the call, once both have ended it. */
  digest: string | undefined
  verified: Verification
}

export function transcriptOf(call: Call, log: Log, me: Agent, people: AgentDirectory): Transcript {
  const peer = agentOf(people, call.peer, call.peerName)
  const direction = call.mine === 'caller' ? 'outgoing' : 'incoming'
  // The chunks of a file are one entry, at the place of the first.
  const files = new Map([me.pubkey, call.peer].flatMap((from) => transfers(call, log, from)).map((t) => [t.id, t]))
  const lines = call.lines.filter(
    ({ signal, unasked }) => !unasked && (signal.body.type !== 'file' || files.has(signal.id)),
  )
  const said = lines.map((line) => entryOf(line, log, line.signal.from === me.pubkey ? me : peer, me, files))
  const gaps = call.gaps.map(([first, last]) => gapOf(first, last, peer))
  const entries = gaps.reduce((all, gap) => insert(all, gap), said)
  return {
    call: {
      id: call.id,
      peer,
      direction,
      state: stateOf({ phase: call.phase, direction }),
      topic: cleanText(call.topic, 1000),
      createdAt: call.createdAt,
    },
    me,
    entries: entries.map((entry, i) => ({ ...entry, n: i + 1 })),
    digest: call.digest,
    verified: call.verified,
  }
}

function entryOf(
  { signal, heard, late }: Line,
  log: Log,
  author: Agent,
  me: Agent,
  files: ReadonlyMap<string, Transfer>,
): TranscriptEntry {
  const own = author === me
  const { body } = signal
  const file = files.get(signal.id)
  const pieces = file === undefined ? [signal] : file.chunks
  const facts = body.type !== 'file' ? undefined : own ? fileFactsOf(body, undefined) : receivedFile(log, body)
  return {
    n: 0,
    from: own ? 'me' : 'peer',
    author,
    type: body.type,
    text:
      file === undefined ? cleanText(body.text) : `${cleanLine(file.name, 255)} (${facts?.size ?? file.size} bytes)`,
    at: timeOf(signal.at, heard),
    seq: signal.seq,
    id: signal.id,
    ...(own ? { state: furthestBehind(pieces.map((s) => deliveryStateOf(log, s.id))) } : {}),
    ...(late ? { late } : {}),
    ...(body.type === 'reject' ? { reason: body.reason } : {}),
    ...(file === undefined || facts === undefined ? {} : fileFacts(file, facts)),
  }
}

function fileFacts(file: Transfer, { size, sha256, path, refused }: FileFacts): Partial<TranscriptEntry> {
  const whole = file.have >= file.of || path !== undefined
  return {
    name: cleanLine(file.name, 255),
    size,
    ...(sha256 === '' ? {} : { sha256 }),
    ...(path === undefined ? {} : { path }),
    ...(refused === undefined ? {} : { reason: refused }),
    ...(whole || file.of === 1 ? {} : { parts: { have: file.have, of: file.of } }),
  }
}

function furthestBehind(stages: readonly DeliveryState[]): DeliveryState {
  return STAGES.find((stage) => stages.includes(stage)) ?? 'delivered'
}

const STAGES: readonly DeliveryState[] = ['queued', 'relayed', 'delivered']

// What has not come yet is shown as a gap at its place among the peer's words, and filled in when it comes.
function gapOf(first: number, last: number, peer: Agent): TranscriptEntry {
  const text = first === last ? 'one message has not arrived yet' : `${last - first + 1} messages have not arrived yet`
  return { n: 0, from: 'peer', author: peer, type: 'gap', text, at: 0, seq: first }
}

function insert(entries: TranscriptEntry[], gap: TranscriptEntry): TranscriptEntry[] {
  const at = entries.findLastIndex((e) => e.from === 'peer' && e.seq < gap.seq)
  return [...entries.slice(0, at + 1), { ...gap, at: entries[at]?.at ?? 0 }, ...entries.slice(at + 1)]
}
