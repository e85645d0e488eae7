// A call as people and programs read it: one line an entry, in the order that both sides share.
import type { Call, Line, Verified } from './call.ts'
import { fileState } from './file.ts'
import { type Log, type Stage, stageOf } from './log.ts'
import { timeOf } from './news.ts'
import { type Agent, agentOf, type People } from './people.ts'
import { oneLine, plain } from './plain.ts'
import type { SignalType } from './signal.ts'

export type TranscriptEntry = {
  n: number
  from: 'me' | 'peer'
  author: Agent
  type: SignalType | 'gap'
  text: string
  at: number
  seq: number
  id?: string
  state?: Stage
  late?: true
  path?: string
}

export type Transcript = { entries: TranscriptEntry[]; digest: string | undefined; verified: Verified }

export function transcriptOf(call: Call, log: Log, me: Agent, people: People): Transcript {
  const peer = agentOf(people, call.peer, call.peerName)
  const lines = call.lines.filter((line) => !line.unasked && isFirstChunk(line))
  const said = lines.map((line) => entryOf(line, log, line.signal.from === me.pubkey ? me : peer, me))
  const gaps = call.gaps.map(([first, last]) => gapOf(first, last, peer))
  const entries = gaps.reduce((all, gap) => insert(all, gap), said)
  return { entries: entries.map((entry, i) => ({ ...entry, n: i + 1 })), digest: call.digest, verified: call.verified }
}

// The chunks of a file are one entry.
function isFirstChunk({ signal }: Line): boolean {
  return signal.body.type !== 'file' || signal.body.chunk[0] === 1
}

function entryOf({ signal, heard, late }: Line, log: Log, author: Agent, me: Agent): TranscriptEntry {
  const own = author === me
  const { body } = signal
  const path = body.type === 'file' ? fileState(log, body).path : undefined
  return {
    n: 0,
    from: own ? 'me' : 'peer',
    author,
    type: body.type,
    text: body.type === 'file' ? `${oneLine(body.name, 255)} (${body.size} bytes)` : plain(body.text),
    at: timeOf(signal.at, heard),
    seq: signal.seq,
    id: signal.id,
    ...(own ? { state: stageOf(log, signal.id) } : {}),
    ...(late ? { late } : {}),
    ...(path === undefined ? {} : { path }),
  }
}

// What has not come yet is shown as a gap at its place among the peer's words, and filled in when it comes.
function gapOf(first: number, last: number, peer: Agent): TranscriptEntry {
  const text = first === last ? 'one message has not arrived yet' : `${last - first + 1} messages have not arrived yet`
  return { n: 0, from: 'peer', author: peer, type: 'gap', text, at: 0, seq: first }
}

function insert(entries: TranscriptEntry[], gap: TranscriptEntry): TranscriptEntry[] {
  const at = entries.findLastIndex((e) => e.from === 'peer' && e.seq < gap.seq)
  return [...entries.slice(0, at + 1), { ...gap, at: entries[at]?.at ?? 0 }, ...entries.slice(at + 1)]
}
