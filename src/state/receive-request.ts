// A request that came in: whether it rings, and what becomes of it when both call each other at once ("glare").
import { type Log, signalOf } from '../call/log.ts'
import { LONGEST_RING, replay } from '../call/replay.ts'
import type { Signal } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { offerAgain } from './acknowledge.ts'
import { mayCall, mayRefuse } from './admission.ts'
import type { RumorContext } from './receive-call.ts'
import type { Transaction } from './transaction.ts'

/** Takes in a request. @returns why it was dropped, if it was */
export function receiveRequest(
  edit: Transaction,
  { signal, rumor }: { signal: Signal; rumor: Rumor },
  context: RumorContext,
  callsHeard: Set<string>,
): string | undefined {
  const { admission, now } = context
  const held = edit.state.logs[signal.id]
  if (held !== undefined) {
    // "A request in a new wrap is also answered with the accept or reject wrapped anew" (docs/PROTOCOL.md, "Delivery").
    if (context.isRewrapped()) {
      const log = edit.log(signal.id)
      log.receipts = { ...log.receipts, ackTaken: 0, ackTried: 0 }
      offerAgain(edit, log, context, ['accept', 'reject'])
      callsHeard.add(signal.id)
    }
    return 'duplicate'
  }
  if (edit.index.forgotten[signal.id] !== undefined) return 'duplicate'
  const welcome = mayCall(admission, admission.trust(signal.from))
  if (!welcome && !mayRefuse(edit.index.meter, signal.from, admission)) return 'policy'
  if (!welcome) edit.index.meter.refused = { ...edit.index.meter.refused, [signal.from]: true }
  const log = edit.log(signal.id)
  edit.entries(log)[signal.id] = { rumor, heard: now }
  log.ringsUntil = ringsUntil(signal, { lastReadAt: lastReadAt(edit), ahead: edit.index.clockAhead ?? 0, now })
  callsHeard.add(signal.id)
  if (!welcome) return undefined
  const into = mergedInto(edit, signal)
  const ours = ringingCallTo(edit, signal.from, context)
  if (into !== undefined) log.mergedInto = into
  else if (ours === undefined) log.unread.push(signal.id)
  else meetAtGlare(edit, log, ours)
  return undefined
}

/**
 * Until when a call rings, unix seconds by our own clock. A caller's clock may be slow by hours: a request that was not there when we last
 * looked was not sent before that, whatever its date, and rings for as long as its caller has set. Where relays say that our clock is
 * `ahead` (seconds), a ring that is over by ours may not be over by theirs; their lie makes it ring longer, never shorter. The attack: a
 * call that rings forever.
 */
function ringsUntil(
  { at, body }: Signal,
  { lastReadAt, ahead, now }: { lastReadAt: number; ahead: number; now: number },
): number {
  const deadline = body.type === 'request' ? body.deadline : at
  const ring = Math.max(0, deadline - at)
  const by = Math.max(deadline, Math.min(deadline + ahead, now + ring), Math.min(lastReadAt, now) + ring)
  return Math.min(by, now + LONGEST_RING)
}

/** When we last knew all that each of our relays keeps for us, unix seconds by our own clock; 0 before the first time. */
function lastReadAt(edit: Transaction): number {
  const looks = Object.values(edit.index.relays).flatMap(
    ({ cursor, cursorByOwnClock = cursor }) => cursorByOwnClock ?? [],
  )
  return looks.length === 0 ? 0 : Math.min(...looks)
}

/**
 * Both have called each other: with the greater id ours is merged into theirs, which we then accept by ourselves (`answerByPolicy`); with
 * the smaller id it is theirs that does not ring (docs/PROTOCOL.md, "The rules"). Judged by what was heard, never by dates.
 */
function meetAtGlare(edit: Transaction, log: Log, ours: Log): void {
  if (ours.id < log.id) {
    log.heldForGlare = true
    return
  }
  edit.log(ours.id).mergedInto = log.id
  log.merges = ours.id
}

/** Our own call to this agent that still rings and was not hung up, if there is one. */
function ringingCallTo(edit: Transaction, peer: string, { me, now }: RumorContext): Log | undefined {
  return Object.values(edit.state.logs).find((log) => {
    if (signalOf(log, log.id)?.from !== me || log.mergedInto !== undefined) return false
    const call = replay(log, me, now)
    return call?.peer === peer && call.phase === 'ringing' && call.ends.caller === undefined
  })
}

/** The call whose accept names this request as merged, where that accept came before the request. */
function mergedInto(edit: Transaction, { id, from }: Signal): string | undefined {
  return Object.values(edit.state.logs).find((log) =>
    Object.keys(log.entries).some((key) => {
      const signal = signalOf(log, key)
      return signal?.body.type === 'accept' && signal.from === from && signal.body.merged === id
    }),
  )?.id
}

/** Lets a held request ring once no call of ours with a smaller id rings at its author any more. */
export function releaseHeldCalls(edit: Transaction, context: { me: string; now: number }): void {
  const { me, now } = context
  for (const log of Object.values(edit.state.logs)) {
    if (log.heldForGlare !== true) continue
    const request = signalOf(log, log.id)
    const isRinging = Object.values(edit.state.logs).some((other) => {
      const call = other.id < log.id ? replay(other, me, now) : undefined
      return (
        call?.role === 'caller' &&
        call.peer === request?.from &&
        call.phase === 'ringing' &&
        call.ends.caller === undefined
      )
    })
    if (isRinging) continue
    const mine = edit.log(log.id)
    delete mine.heldForGlare
    if (replay(mine, me, now)?.phase === 'ringing') mine.unread.push(log.id)
  }
}
