// The JSON that programs read. The names are a contract: fields may be added, none renamed or dropped.

import { type Agent, agentOf } from '../call/agents.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import type { Presence } from '../call/presence.ts'
import { stateOf } from '../call/wording.ts'
import type { CommonOutcome, SpokenOutcome } from '../run/outcome.ts'
import { cleanText } from '../sanitize.ts'
import { deliveryOf } from '../state/outbox.ts'
import type { CallSummary } from '../state/state.ts'

export type CallShape = {
  id: string
  peer: Agent
  direction: 'incoming' | 'outgoing'
  state: string
  topic: string
  createdAt: number
  unread: number
  own: { queued: number; relayed: number; delivered: number }
}

/** What of an outcome tells of its calls. */
export type CallsOutcome = Pick<CommonOutcome, 'state' | 'calls' | 'people'>

export function callShape(outcome: CallsOutcome, id: string): CallShape | undefined {
  const summary = outcome.state.index.calls[id]
  if (summary === undefined) return undefined
  // A call that is loaded is as it is now; time may have passed since its summary was made.
  const live = outcome.calls.find((c) => c.id === id)
  return {
    id,
    peer: agentOf(outcome.people, summary.peer, live?.peerName ?? summary.name),
    direction: summary.direction,
    state: stateOf({ phase: live?.phase ?? summary.phase, direction: summary.direction }),
    topic: cleanText(summary.topic, 1000),
    createdAt: summary.createdAt,
    unread: summary.unread,
    own: summary.own,
  }
}

/** All calls, the latest first. */
export function callShapes(outcome: CallsOutcome, wanted: (call: CallSummary) => boolean): CallShape[] {
  return Object.entries(outcome.state.index.calls)
    .filter(([, call]) => wanted(call))
    .sort(([, a], [, b]) => b.last - a.last)
    .flatMap(([id]) => callShape(outcome, id) ?? [])
}

export function itemShape({
  type,
  id,
  ref,
  re,
  call,
  from,
  text,
  at,
  seq,
  late,
  unseen,
  path,
  size,
  sha256,
  reason,
}: InboxItem): Record<string, unknown> {
  return { type, id, ref, re, call, from, text, at, seq, late, unseen, path, size, sha256, reason }
}

export function messageShape({
  said,
  parts,
  state,
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
  return { id: said.rumor.id, seq: said.seq, state: delivery, relays: { accepted, failed } }
}

export function presenceShape({ people }: Pick<CommonOutcome, 'people'>, presence: Presence): Record<string, unknown> {
  const { about, capabilities, status, lastSeen, pubkey, name } = presence
  return { ...agentOf(people, pubkey, name), about, capabilities, status, lastSeen }
}
