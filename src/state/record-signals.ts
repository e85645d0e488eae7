// What we are about to say, written into the state before anybody hears it: each signal is numbered, owed, and claimed by this process.

import type { IntendedSignal } from '../call/decision.ts'
import type { Log } from '../call/log.ts'
import { lastSignal } from '../call/replay.ts'
import { type Body, type Link, NOTHING, type SignalPosition } from '../call/signal.ts'
import { signalTemplate } from '../call/signal-codec.ts'
import { type Rumor, rumorOf } from '../nostr/event.ts'
import { commitCalls } from './call-index.ts'
import { claimBy } from './retry.ts'
import type { State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/**
 * Who writes, and when, unix seconds: `now` by our own clock; `stamp`: what it is dated with, where relays say that our clock is wrong;
 * `lag`: by how much their clocks may be later than that date. `pid`, `host`, `processStart`: this process (call/log.ts, Claim).
 * `tellRead`: whether peers are told up to where our agent has looked (receipts.read).
 */
export type AuthorContext = {
  me: string
  now: number
  stamp?: number
  lag?: number
  pid: number
  host?: string
  processStart?: string
  tellRead?: boolean
}

/** A rumor that is written down and owed to the peer of its call. */
export type RecordedSignal = { call: string; to: string; rumor: Rumor; seq: number; ack: Link }

/** Writes down what is to be said: each signal is numbered, linked, owed, and claimed by this process. */
export function recordSignals(
  state: State,
  intended: readonly IntendedSignal[],
  author: AuthorContext,
): { state: State; said: RecordedSignal[] } {
  if (intended.length === 0) return { state, said: [] }
  const { me, now, stamp = now, lag = 0 } = author
  const edit = beginTransaction(state)
  const said: RecordedSignal[] = []
  const positions = new Map<string, Position>()
  for (const signal of intended) {
    const held = signal.call === undefined ? undefined : edit.state.logs[signal.call]
    const position = held && (positions.get(held.id) ?? positionIn(held, signal.to, me))
    const place = nextPosition(signal, position, author)
    const rumor = rumorOf(signalTemplate(datedBody(signal.body, stamp - now + lag), place, stamp), me)
    const id = signal.call ?? rumor.id
    const log = edit.log(id)
    // The same request twice within one second is one rumor, and so one call: a double submission.
    if (log.entries[rumor.id] === undefined) {
      edit.entries(log)[rumor.id] = { rumor }
      // How long it rings is decided by our own clock.
      if (signal.body.type === 'request') log.ringsUntil = signal.body.deadline
      log.outbox[rumor.id] = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [], claim: claimBy(author) }
    }
    // A file has many chunks, and a call may be long: the next position is counted on, not looked up again.
    if (position !== undefined) positions.set(id, { ...position, own: { seq: place.seq, id: rumor.id } })
    // Whoever answers a call has seen it, unless that was done without asking.
    const { type } = signal.body
    if ((type === 'accept' && !signal.unasked) || type === 'reject')
      log.unread = log.unread.filter((item) => item !== id)
    said.push({ call: id, to: signal.to, rumor, seq: place.seq, ack: place.ack })
  }
  return { state: commitCalls(edit, author), said }
}

/** A request with its deadline moved as its date is, so that its ring is as long for whoever reads it. @param later seconds */
function datedBody(body: Body, later: number): Body {
  return body.type === 'request' ? { ...body, deadline: body.deadline + later } : body
}

/** How far a call has got, as the next signal names it. */
export type Position = { own: Link; taken: Link; read: number }

/** The position in a log: our own last signal, the peer's last that is taken, and up to where our agent has looked. */
export function positionIn(log: Log, peer: string, me: string): Position {
  return { own: lastSignal(log, me), taken: lastSignal(log, peer), read: log.read }
}

/** The number and links of the next signal in a call. They are taken under the lock, so no two processes take the same number. */
function nextPosition(
  { to, call, re }: Pick<IntendedSignal, 'to' | 'call' | 're'>,
  position: Position | undefined,
  { tellRead = true }: { tellRead?: boolean },
): SignalPosition {
  const { own, taken, read } = position ?? { own: NOTHING, taken: NOTHING, read: 0 }
  return {
    call,
    to,
    seq: own.seq + 1,
    prev: own.id,
    ack: taken,
    ...(tellRead && { read }),
    ...(re !== undefined && { re }),
  }
}
