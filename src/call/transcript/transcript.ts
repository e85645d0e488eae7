// A call as people and programs read it: what was said, one entry each, in the order that both sides share.

import type { BoundCall } from '../../nostr/call-key.ts'
import { type Foreign, foreign, foreignLine, foreignText } from '../../sanitize.ts'
import { type Agent, type AgentDirectory, agentOf } from '../agents.ts'
import {
  type Agreement,
  agreementsOf,
  callOutcome,
  type OutcomeAuthor,
  openProposals,
  type Proposal,
  proposalsOf,
  standingAnswers,
} from '../agreements.ts'
import { type FileFacts, fileFactsOf, receivedFile, type Transfer, transfers } from '../file-transfer.ts'
import { isShown, refOf, refsIn } from '../inbox-items.ts'
import {
  type AsideEntry,
  type AsideReason,
  type DeliveryState,
  deliveryStateOf,
  type Log,
  parsedSignal,
  slowestState,
  timeOf,
} from '../log.ts'
import { type Call, isConfirming, type Line, type Verification } from '../replay.ts'
import { UNCONNECTED_PHASES } from '../rules.ts'
import { isHungUpUnderIdentityKey, secrecyIn } from '../secrecy.ts'
import { type CallOutcome, LIMIT, type Signal, type SignalType } from '../signal.ts'
import { stateOf } from '../wording.ts'

/**
 * One thing said, or a gap. `at`: unix seconds; `state`: how far our own words have come; `name`, `size`, `sha256`: what a file's sender
 * says of it, or what was received; `parts`: how many of its chunks are here, or with the peer, until all are; `missing`: how many
 * messages a gap stands for.
 */
export type TranscriptEntry = {
  n: number
  from: 'me' | 'peer'
  author: Agent
  /** How it is named here, `me/3` or `peer/5`, and what it answers. A gap has no ref. */
  ref?: string
  re?: string
  type: SignalType | 'gap'
  text: Foreign
  at: number
  seq: number
  id?: string
  state?: DeliveryState
  late?: true
  /** Refs above it that its author had not taken; and up to which ref its author had acknowledged before. */
  unseen?: string[]
  hadAcked?: string
  /** It came before something that it follows; or it has no place in the call, and why. */
  waiting?: true
  aside?: AsideReason
  /** How the call went, in the words of whoever ended it; and whether the end only confirms the other one. */
  outcome?: CallOutcome
  confirms?: true
  /** An answer to no proposal of the other side, or to one that has its answer: nothing is agreed or declined by it. */
  void?: true
  /** Why a call was rejected, or a file not taken. */
  reason?: string
  path?: string
  name?: Foreign
  size?: number
  sha256?: string
  parts?: { have: number; of: number }
  /** What its sender says of a file. */
  note?: Foreign
  /** Its text is longer than what is shown of it. */
  cut?: true
  missing?: number
}

export type CallFacts = {
  id: string
  peer: Agent
  direction: 'incoming' | 'outgoing'
  state: string
  topic: Foreign
  createdAt: number
  /** Which keys its words are sealed with, from the accept on; and why a side's call key was not taken, where it has sent one. */
  secrecy?: BoundCall['sealedWith']
  secrecyFaults?: readonly string[]
}

export type Transcript = {
  call: CallFacts
  me: Agent
  entries: TranscriptEntry[]
  /** The digest of the call, SHA-256 in hex, once it is verified. */
  digest: string | undefined
  verified: Verification
  /** What was agreed, and what was proposed and is not answered. */
  agreements: readonly Agreement[]
  proposals: readonly Proposal[]
  /** How it went, in the words of whoever ended it, and who that was. */
  outcome: CallOutcome | undefined
  outcomeBy: OutcomeAuthor | undefined
  /** How many of our signals the other side has confirmed, of how many. */
  confirmed: { n: number; of: number }
}

/** A call as a transcript: its entries in order, with the chunks of a file as one, what was agreed, and whether it is verified. */
export function transcriptOf(call: Call, log: Log, me: Agent, people: AgentDirectory): Transcript {
  const peer = agentOf(people, call.peer, call.peerName)
  const direction = call.role === 'caller' ? 'outgoing' : 'incoming'
  // The chunks of a file are one entry, at the place of the first.
  const files = new Map([me.pubkey, call.peer].flatMap((from) => transfers(call, log, from)).map((t) => [t.id, t]))
  const lines = call.lines.filter(
    (line) => line.signal.body.type !== 'file' || !isShown(line) || files.has(line.signal.id),
  )
  const context = { log, call, me, peer, files, answers: standingAnswers(proposalsOf(call)) }
  const entries = [
    ...lines.map((line) => entryOf(line, context)),
    ...gapEntries(call, context),
    ...Object.values(log.aside).flatMap((entry) => asideEntries(entry, context)),
  ]
  const went = callOutcome(call)
  return {
    call: {
      id: call.id,
      peer,
      direction,
      state: stateOf({ phase: call.phase, direction, confirmed: call.acked }),
      topic: foreignText(call.topic, 1000),
      createdAt: call.createdAt,
      ...secrecyFacts(call, log),
    },
    me,
    entries: entries.map((entry, i) => ({ ...entry, n: i + 1 })),
    digest: call.digest,
    verified: call.verified,
    agreements: agreementsOf(call),
    proposals: openProposals(call),
    outcome: went?.outcome,
    outcomeBy: went?.by,
    confirmed: { n: call.acked, of: call.own.seq },
  }
}

// A call key that is not valid is told. That a side has sent none is not: older programs do so.
function secrecyFacts({ role, phase, ends }: Call, log: Log): Pick<CallFacts, 'secrecy' | 'secrecyFaults'> {
  // Where there was no conversation nothing was sealed with a call key, not even a hang-up that crossed the accept.
  if (UNCONNECTED_PHASES.includes(phase)) return {}
  const secrecy = secrecyIn(log)
  if (secrecy === undefined) return {}
  if (secrecy.sealedWith === 'call' && isHungUpUnderIdentityKey(ends))
    return { secrecy: 'identity', secrecyFaults: ['the caller hung up before it knew of the accept'] }
  if (secrecy.sealedWith === 'call') return { secrecy: 'call' }
  const told = (['caller', 'callee'] as const).flatMap((party) => {
    const fault = secrecy.faults[party]
    if (fault === undefined || fault === 'missing') return []
    return `${party === role ? 'our call key' : 'the call key of the peer'} was not taken: ${fault}`
  })
  return { secrecy: 'identity', ...(told.length > 0 && { secrecyFaults: told }) }
}

/** `answers`: the refs of the answers to proposals that stand. */
type EntryContext = {
  log: Log
  call: Call
  me: Agent
  peer: Agent
  files: ReadonlyMap<string, Transfer>
  answers: ReadonlySet<string>
}

function entryOf(line: Line, context: EntryContext): TranscriptEntry {
  const { log, call, me, peer, files, answers } = context
  const { signal, heard, late, unseen, hadAcked } = line
  const own = signal.from === me.pubkey
  const ref = `${own ? 'me' : 'peer'}/${signal.seq}`
  const { body } = signal
  const file = files.get(signal.id)
  const pieces = file === undefined ? [signal] : file.chunks
  const facts = body.type !== 'file' ? undefined : own ? fileFactsOf(body, undefined) : receivedFile(log, body)
  const re = signal.re === undefined ? undefined : refOf(log, signal.re, call)
  const isOpaque = !isShown(line) && body.type !== 'request'
  return {
    n: 0,
    ref,
    ...(re === undefined ? {} : { re }),
    from: own ? 'me' : 'peer',
    author: own ? me : peer,
    type: isOpaque ? 'opaque' : body.type,
    text: isOpaque
      ? opaqueName(signal)
      : file === undefined
        ? foreignText(body.text)
        : foreign`${foreignLine(file.name, 255)} (${facts?.size ?? file.size} bytes)`,
    at: timeOf(signal.at, heard),
    seq: signal.seq,
    id: signal.id,
    ...(own ? { state: slowestState(pieces.map((s) => deliveryStateOf(log, s.id))) } : {}),
    ...(late ? { late } : {}),
    ...(unseen === undefined ? {} : { unseen: refsIn(unseen, own ? 'peer' : 'me') }),
    ...(hadAcked === undefined ? {} : { hadAcked: `me/${hadAcked}` }),
    ...(!isOpaque && (body.type === 'agree' || body.type === 'decline') && !answers.has(ref)
      ? { void: true as const }
      : {}),
    ...(body.type === 'reject' ? { reason: body.reason } : {}),
    ...(body.type === 'end' && body.outcome !== undefined ? { outcome: body.outcome } : {}),
    ...(body.type === 'end' && isConfirming(signal, call) ? { confirms: true as const } : {}),
    ...(isOpaque || file === undefined || facts === undefined ? {} : fileFacts(file, facts)),
    ...(body.type === 'file' && body.note !== undefined ? { note: foreignText(body.note, LIMIT.note) } : {}),
  }
}

// An op's name, which signal-codec.ts has bounded to [a-z0-9-]{1,32}, or that of a type which the rules did not let its sender say.
function opaqueName({ body }: Signal): Foreign {
  return foreign`${body.type === 'opaque' ? body.op : body.type}`
}

// What waits behind a gap is shown below everything else, and the gap itself as an entry.
function gapEntries({ gaps, waiting }: Call, context: EntryContext): TranscriptEntry[] {
  const { peer, log } = context
  const missing = gaps.map(([first, last]) => gapOf(first, last, peer))
  const came = waiting.map((signal): TranscriptEntry => {
    const { id, seq, body, at } = signal
    const entry = { n: 0, ref: `peer/${seq}`, from: 'peer' as const, author: peer, seq, id, waiting: true as const }
    const when = timeOf(at, log.waiting[id]?.heard)
    return { ...entry, type: body.type, text: bareText(signal), at: when }
  })
  return [...missing, ...came].sort((a, b) => a.seq - b.seq)
}

// What has no place in the call is shown below it, with the reason.
function asideEntries({ rumor, heard, why }: AsideEntry, { peer }: EntryContext): TranscriptEntry[] {
  const signal = parsedSignal(rumor)
  if (signal === undefined) return []
  const { id, seq, body, at } = signal
  const base = { n: 0, ref: `peer/${seq}`, from: 'peer' as const, author: peer, seq, id, aside: why }
  return [{ ...base, type: body.type, text: bareText(signal), at: timeOf(at, heard) }]
}

function bareText(signal: Signal): Foreign {
  const { body } = signal
  if (body.type === 'opaque') return opaqueName(signal)
  return body.type === 'file' ? foreignLine(body.name, 255) : foreignText(body.text)
}

function fileFacts(file: Transfer, { size, sha256, path, refused }: FileFacts): Partial<TranscriptEntry> {
  const whole = file.have >= file.of || path !== undefined
  return {
    name: foreignLine(file.name, 255),
    size,
    ...(sha256 === '' ? {} : { sha256 }),
    ...(path === undefined ? {} : { path }),
    ...(refused === undefined ? {} : { reason: refused }),
    ...(whole || file.of === 1 ? {} : { parts: { have: file.have, of: file.of } }),
  }
}

function gapOf(first: number, last: number, peer: Agent): TranscriptEntry {
  const missing = last - first + 1
  const text = foreign`${gapText({ missing })}`
  return { n: 0, from: 'peer', author: peer, type: 'gap', text, at: 0, seq: first, missing }
}

/** How many messages a gap stands for, in words. */
export function gapText({ missing = 1 }: Pick<TranscriptEntry, 'missing'>): string {
  return missing === 1 ? 'one message has not arrived yet' : `${missing} messages have not arrived yet`
}
