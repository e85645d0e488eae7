// Calls as they lie on disk, made of rumors as they come over the wire.

import { type Agent, agentOf, type Contact } from '../../../src/call/agents.ts'
import { emptyLog, type Log, type LogEntry } from '../../../src/call/log.ts'
import { replay } from '../../../src/call/replay.ts'
import { type Body, type Link, NOTHING, type SeqRange } from '../../../src/call/signal.ts'
import { signalTemplate } from '../../../src/call/signal-codec.ts'
import { type Transcript, transcriptOf } from '../../../src/call/transcript/transcript.ts'
import { rumorOf } from '../../../src/nostr/event.ts'
import { foreignLine } from '../../../src/sanitize.ts'

export const ME = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
export const PEER = 'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5'

/** When the call was asked for: 2026-07-31 09:58:20 UTC. */
export const START = 1_785_491_900

type Party = 'me' | 'peer'

export type SampleCall = {
  log: Log
  /** Puts a signal into the call, `after` seconds after its beginning; `lost` takes a number and never arrives. */
  say: (who: Party, body: Partial<Body> & Pick<Body, 'type'>, after?: number, lost?: boolean, ack?: Link) => string
  transcript: (contacts?: readonly Contact[]) => Transcript
}

export const AUTHOR: Agent = { ...agentOf({ contacts: [], owner: undefined, names: {} }, ME), name: foreignLine('Ada') }

/** A call that `caller` asks for, dated `asked` seconds after the beginning. */
export function sampleCall(caller: Party, topic: string, name = '', asked = 0): SampleCall {
  const key = { me: ME, peer: PEER }
  const last: Record<Party, Link> = { me: NOTHING, peer: NOTHING }
  let id: string | undefined
  let peerAcked = NOTHING
  const entries: Record<string, LogEntry> = {}
  // Made when somebody asks: a call of thousands of signals would be copied thousands of times.
  let log: Log | undefined
  const read = () => {
    log ??= { ...emptyLog(id ?? ''), entries: { ...entries }, peerAcked }
    return log
  }
  const say: SampleCall['say'] = (who, body, after = 0, lost = false, ack) => {
    const other = who === 'me' ? 'peer' : 'me'
    const position = { call: id, to: key[other], seq: last[who].seq + 1, prev: last[who].id, ack: ack ?? last[other] }
    const rumor = rumorOf(signalTemplate(filled(body), position, START + after), key[who])
    last[who] = { seq: position.seq, id: rumor.id }
    id ??= rumor.id
    log = undefined
    if (!lost) entries[rumor.id] = who === 'me' ? { rumor } : { rumor, heard: START + after + 1 }
    // Whatever the peer says acknowledges what stands before it.
    if (who === 'peer') peerAcked = position.ack
    return rumor.id
  }
  say(caller, { type: 'request', text: topic, name }, asked)
  return {
    get log() {
      return read()
    },
    say,
    transcript: (contacts = []) => transcriptIn(read(), contacts),
  }
}

/** The transcript of a log as it stands. */
export function transcriptIn(log: Log, contacts: readonly Contact[] = []): Transcript {
  const call = replay(log, ME, START + 3600)
  if (call === undefined) throw new Error('no call')
  return transcriptOf(call, log, AUTHOR, { contacts, owner: undefined, names: {} })
}

function filled(body: Partial<Body> & Pick<Body, 'type'>): Body {
  const text = 'text' in body && body.text !== undefined ? body.text : ''
  const none: SeqRange[] = []
  switch (body.type) {
    case 'request':
      return { deadline: START + 900, name: '', relays: [], ...body, type: 'request', text }
    case 'accept':
      return { name: '', relays: [], ...body, type: 'accept', text }
    case 'reject':
      return { reason: 'declined', ...body, type: 'reject', text }
    case 'end':
      return { expired: false, ...body, type: 'end', text }
    case 'file':
      return { ...FILE, ...body, type: 'file', text }
    case 'receipt':
      return { type: 'receipt', text: '', missing: none }
    case 'opaque':
      return { type: 'opaque', text: '', op: 'later' }
    default:
      return { type: body.type, text }
  }
}

const FILE = {
  transferId: 'f1',
  name: 'report.json',
  mime: 'application/json',
  size: 40_960,
  sha256: 'ab'.repeat(32),
  chunk: [1, 1] as const,
  remote: undefined,
}
