// What we are about to say, written into the state before anybody hears it: numbered, owed, and claimed by this process.

import type { IntendedSignal } from '../call/decide.ts'
import { digestUpTo } from '../call/digest.ts'
import type { Log } from '../call/log.ts'
import { type Call, nextClock, transcriptOrder } from '../call/replay.ts'
import { type Body, LIMIT, type SignalPosition } from '../call/signal.ts'
import { signalTemplate } from '../call/signal-codec.ts'
import { type Rumor, rumorOf } from '../nostr/event.ts'
import { commitCalls, rivalsOf } from './call-index.ts'
import { callOf, type Index, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

export type Speaker = { me: string; now: number; pid: number }

/** A rumor that is written down and owed to the peer of its call. */
export type RecordedSignal = { call: string; to: string; rumor: Rumor; seq: number }

export function say(
  state: State,
  drafts: readonly IntendedSignal[],
  speaker: Speaker,
): { state: State; said: RecordedSignal[] } {
  if (drafts.length === 0) return { state, said: [] }
  const { me, now, pid } = speaker
  const edit = beginTransaction(state)
  const said: RecordedSignal[] = []
  const calls = new Map<string, Call>()
  for (const draft of drafts) {
    const held = draft.call === undefined ? undefined : edit.state.logs[draft.call]
    const call = held && (calls.get(held.id) ?? callOf(edit.state, held, me, now))
    const place = nextPosition(draft, call)
    const rumor = rumorOf(signalTemplate(completeBody(draft, edit.index, now, held, call, me), place, now), me)
    const id = draft.call ?? rumor.id
    const log = edit.log(id)
    // The same request twice within one second is one rumor and so one call: a double submission.
    if (log.entries[rumor.id] === undefined) {
      edit.entries(log)[rumor.id] = { rumor }
      log.outbox[rumor.id] = { wrapped: 0, wraps: 0, accepted: [], failed: [], claim: { pid, at: now } }
    }
    // The chunks of a file are many and the call is long: only its numbers go on.
    if (call !== undefined) calls.set(id, { ...call, seq: place.seq, lc: place.lc })
    // Whoever answers a call has seen it.
    const { type } = draft.body
    if (type === 'accept' || type === 'reject') log.unread = log.unread.filter((item) => item !== id)
    said.push({ call: id, to: draft.to, rumor, seq: place.seq })
  }
  return { state: commitCalls(edit, speaker), said }
}

/** The numbers of the next signal in a call: they are taken under the lock, so no two processes take the same. */
export function nextPosition(draft: Pick<IntendedSignal, 'to' | 'call'>, call: Call | undefined): SignalPosition {
  const { seq, lc, ack } = call ?? { seq: 0, lc: 0, ack: 0 }
  return { call: draft.call, to: draft.to, seq: seq + 1, lc: nextClock({ lc }), ack }
}

/** What only the state knows of a signal: what an end cuts off, and what a request follows. */
function completeBody(
  { to, body }: IntendedSignal,
  index: Index,
  now: number,
  log: Log | undefined,
  call: Call | undefined,
  me: string,
): Body {
  if (body.type === 'end' && log !== undefined && call !== undefined) return completeEnd(body, log, call, me)
  if (body.type !== 'request') return body
  const request = { peer: to, direction: 'outgoing' as const, createdAt: now, deadline: body.deadline }
  const after = rivalsOf(index, request).slice(-LIMIT.after)
  return after.length === 0 ? body : { ...body, after }
}

// An end names what both sides have, and proves it.
function completeEnd(body: Extract<Body, { type: 'end' }>, log: Log, call: Call, me: string): Body {
  const reach = new Map([
    [me, call.seq],
    [call.peer, call.ack],
  ])
  return { ...body, cut: [call.seq, call.ack], digest: digestUpTo(reach, transcriptOrder(log)) ?? '' }
}
