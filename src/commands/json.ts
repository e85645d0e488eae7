// The JSON that programs read. The names are a contract: fields may be added, none renamed or dropped.

import { type Agent, agentOf } from '../call/agents.ts'
import { type Agreement, agreementsOf, type OutcomeAuthor, openProposals, type Proposal } from '../call/agreements.ts'
import { type CallStatus, callStatusOf, type Moment } from '../call/call-status.ts'
import { isOpen, type KeptEscalation, type ToldChannel } from '../call/escalation.ts'
import { type InboxItem, refOf } from '../call/inbox-items.ts'
import { signalOf } from '../call/log.ts'
import type { Verification } from '../call/replay.ts'
import { isOver, type Phase, UNCONNECTED_PHASES } from '../call/rules.ts'
import type { CallOutcome } from '../call/signal.ts'
import { stateOf } from '../call/wording.ts'
import type { OnlineAgent } from '../run/discovery.ts'
import type { CommonOutcome, SpokenOutcome } from '../run/outcome.ts'
import { type Foreign, foreignText } from '../sanitize.ts'
import { confirmedOf, latestFirst } from '../state/call-index.ts'
import { deliveryOf } from '../state/outbox.ts'
import type { CallSummary } from '../state/state.ts'

/**
 * `rings`: until when, unix seconds. `confirmed`: how many of our signals the other side has confirmed to have. `transcript`: where
 * it lies as Markdown, once the call is over. `proposals`: those that wait for an answer.
 */
export type CallShape = {
  id: string
  peer: Agent
  direction: 'incoming' | 'outgoing'
  state: string
  topic: Foreign
  createdAt: number
  rings: number
  unread: number
  own: { queued: number; relayed: number; delivered: number; read: number }
  secrecy?: 'call' | 'identity'
  verified: Verification
  confirmed: { n: number; of: number }
  transcript?: string
  agreements: AgreementShape[]
  proposals?: ProposalShape[]
  outcome?: CallOutcome
  outcomeBy?: OutcomeAuthor
  /** The last one of the other side, where it has said nothing since. */
  progress?: Cleaned<Moment>
  /** The other side says that it does not have the call. */
  lost?: true
}

type Cleaned<T extends { text: string }> = Omit<T, 'text'> & { text: Foreign }

export type ProposalShape = Cleaned<Pick<Proposal, 'ref' | 'from' | 'text' | 'at'>>

export type AgreementShape = Cleaned<Omit<Agreement, 'answer'>> & { answer: Cleaned<Agreement['answer']> }

/** The parts of an outcome that describe its calls. */
export type CallsOutcome = Pick<CommonOutcome, 'state' | 'calls' | 'people' | 'transcripts'>

/** A call in the form of --json, which is a contract; undefined for a call that is not here. */
export function callShape(outcome: CallsOutcome, id: string): CallShape | undefined {
  const summary = outcome.state.index.calls[id]
  if (summary === undefined) return undefined
  const { direction, own, createdAt, unread, outcome: went, outcomeBy } = summary
  // A loaded call is up to date; time may have passed since its summary was made.
  const live = outcome.calls.find((c) => c.id === id)
  const phase = live?.phase ?? summary.phase
  const confirmed = confirmedOf(summary)
  const path = isOver(phase) ? outcome.transcripts[id] : undefined
  const open = live === undefined || isOver(phase) ? [] : openProposals(live)
  const { progress, lost } = callStatusIn(outcome, id) ?? {}
  return {
    id,
    peer: agentOf(outcome.people, summary.peer, live?.peerName ?? summary.name),
    direction,
    state: stateOf({ phase, direction, confirmed: confirmed.n }),
    topic: foreignText(summary.topic, 1000),
    createdAt,
    rings: summary.deadline,
    unread,
    own,
    // "It is there from the accept on." Calls from before there were call keys have `identity`.
    ...(WITHOUT_CONVERSATION.includes(phase) ? {} : { secrecy: secrecyOf(summary) }),
    verified: summary.verified === true ? true : NEVER_VERIFIED.includes(phase) ? false : 'pending',
    confirmed,
    ...(path === undefined ? {} : { transcript: path }),
    agreements: (live === undefined ? (summary.agreements ?? []) : agreementsOf(live)).map(cleanAgreement),
    ...(open.length === 0 ? {} : { proposals: open.map(cleanProposal) }),
    ...(went === undefined ? {} : { outcome: went, ...(outcomeBy && { outcomeBy }) }),
    ...(progress === undefined ? {} : { progress: { ...progress, text: foreignText(progress.text) } }),
    ...(lost ? { lost: true as const } : {}),
  }
}

/** Whether the `state` of a call, as in --json, says that it is over. */
export function isOverState(state: string): boolean {
  return !['dialing', 'ringing', 'active'].includes(state)
}

/** The state of a call; undefined for one that is not loaded. */
export function callStatusIn({ calls, state }: CallsOutcome, id: string): CallStatus | undefined {
  const call = calls.find((c) => c.id === id)
  const log = state.logs[id]
  return call === undefined || log === undefined ? undefined : callStatusOf(call, log, state.index.calls[id]?.deadline)
}

const NEVER_VERIFIED: readonly Phase[] = [...UNCONNECTED_PHASES, 'forked']
const WITHOUT_CONVERSATION: readonly Phase[] = [...UNCONNECTED_PHASES, 'ringing']

function secrecyOf({ secrecy = 'identity', hungUp }: CallSummary): 'call' | 'identity' {
  return hungUp === true ? 'identity' : secrecy
}

function cleanAgreement({ answer, ...proposal }: Agreement): AgreementShape {
  return { ...proposal, text: foreignText(proposal.text), answer: { ...answer, text: foreignText(answer.text) } }
}

function cleanProposal({ ref, from, text, at }: Proposal): ProposalShape {
  return { ref, from, text: foreignText(text), at }
}

/** The calls that are wanted, the latest first. */
export function callShapes(outcome: CallsOutcome, wanted: (call: CallSummary) => boolean): CallShape[] {
  return latestFirst(outcome.state.index)
    .filter(([, call]) => wanted(call))
    .flatMap(([id]) => callShape(outcome, id) ?? [])
}

/** `told`: what the peer was told beside the fact that the owner is asked; `call`: "" outside of calls. */
export type EscalationShape = {
  id: string
  state: 'open' | 'answered'
  text: Foreign
  told: Foreign
  call: string
  at: number
  answers: { text: Foreign; at: number; channel: string }[]
  channels: readonly ToldChannel[]
}

/** An escalation in the form of --json, which is a contract, with what has become of each channel by now. */
export function escalationShape(kept: KeptEscalation, { state }: Pick<CommonOutcome, 'state'>): EscalationShape {
  const { escalation, letter, channels, answers } = kept
  const { id, text, told, call, at } = escalation
  const log = state.logs[call]
  // A relay may have taken by now what none had taken then.
  const hasLeft = ({ channel }: ToldChannel) =>
    (channel === 'nostr' && letter !== undefined && state.index.outgoingLetters[letter] === undefined) ||
    (channel === 'peer' && log?.entries[id] !== undefined && deliveryOf(log, [id]).state !== 'queued')
  return {
    id,
    state: isOpen(kept) ? 'open' : 'answered',
    text: foreignText(text),
    told: foreignText(told),
    call,
    at,
    answers: answers.map((answer) => ({ text: foreignText(answer.text), at: answer.at, channel: answer.channel })),
    channels: channels.map((one) => (!one.ok && hasLeft(one) ? { channel: one.channel, ok: true } : one)),
  }
}

const ITEM_FIELDS = [
  'type',
  'id',
  'ref',
  're',
  'call',
  'from',
  'text',
  'at',
  'seq',
  'said',
  'late',
  'repeat',
  'unseen',
  'path',
  'size',
  'sha256',
  'reason',
  'note',
  'outcome',
  'outgoing',
  'void',
  'escalation',
  'channel',
] as const

/** An item of `new[]` in the form of --json, which is a contract; fields that are undefined vanish from the JSON. */
export function itemShape(item: InboxItem): Record<string, unknown> {
  return Object.fromEntries(ITEM_FIELDS.map((field) => [field, item[field]]))
}

/** What was said, as `message` of --json; undefined where nothing was. */
export function messageShape({
  said,
  parts,
  state,
  call,
}: SpokenOutcome & Pick<CommonOutcome, 'state'>): Record<string, unknown> | undefined {
  const log = said === undefined ? undefined : state.logs[said.call]
  if (said === undefined || log === undefined) return undefined
  const {
    state: delivery,
    accepted,
    failed,
  } = deliveryOf(
    log,
    parts.map((p) => p.rumor.id),
  )
  const re = answeredRef({ said, state, call })
  const named = { ref: `me/${said.seq}`, ...(re === undefined ? {} : { re }) }
  return { id: said.rumor.id, ...named, seq: said.seq, state: delivery, relays: { accepted, failed } }
}

/** The ref of what our signal answers, also where `agree` was typed without one. Undefined where it answers nothing. */
export function answeredRef({
  said,
  state,
  call,
}: Pick<SpokenOutcome, 'said' | 'call'> & Pick<CommonOutcome, 'state'>): string | undefined {
  const log = said === undefined ? undefined : state.logs[said.call]
  if (said === undefined || log === undefined || call === undefined) return undefined
  const answered = signalOf(log, said.rumor.id)?.re
  return answered === undefined ? undefined : refOf(log, answered, call)
}

/** An agent on line as `list` shows it. */
export function presenceShape(
  { people }: Pick<CommonOutcome, 'people'>,
  { about, capabilities, status, lastSeen, looked, pubkey, name, nip05, verified }: OnlineAgent,
): Record<string, unknown> {
  return { ...agentOf(people, pubkey, name), about, capabilities, status, lastSeen, looked, nip05, verified }
}
