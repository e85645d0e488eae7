// How a call stands, as far as we know: what a command that waited and heard nothing can still tell.
import { isShown } from './inbox-items.ts'
import { type DeliveryState, deliveryStateOf, type Log, type OutboxEntry, timeOf } from './log.ts'
import { type Call, type Line, LONGEST_RING } from './replay.ts'
import type { Signal, SignalType } from './signal.ts'
import { clockTime, formatDuration, quoteRelayReason } from './wording.ts'

/** Something that was said, by its ref (`me/3`), and when, unix seconds. */
export type Moment = { ref: string; at: number; text: string }

/**
 * A call that rings: since when and until when (unix seconds), whether the other side's program has the request, whether its agent has
 * looked, and whether no relay has the request yet.
 */
export type Ringing = { since: number; until: number; reached: boolean; looked: boolean; queued?: boolean }

/**
 * `own`: our last word, how far it has come, and which relays did not take it. `asks`: the other side asks its owner, and has said nothing since (WORDS).
 * `progress`: its last one, where it has said nothing since.
 */
export type CallStatus = {
  rings: Ringing | undefined
  own: { ref: string; state: DeliveryState; failed: OutboxEntry['failed'] } | undefined
  asks: Moment | undefined
  /** It says that it does not have the call, and has said nothing in it since. */
  lost: boolean
  progress: Moment | undefined
  /** In an ended call that is not verified yet: how many of our signals the other side has confirmed, of how many. */
  confirmed: { n: number; of: number } | undefined
}

/**
 * How a call stands.
 * @param until until when it rings, by our own clock
 */
export function callStatusOf(call: Call, log: Log, until = call.deadline): CallStatus {
  const { phase, role, acked } = call
  const theirs = call.lines.filter((line) => line.party !== role && isShown(line))
  const answered = theirs.findLast(({ signal }) => WORDS.includes(signal.body.type))?.signal.seq ?? 0
  const lastOf = (type: SignalType) => {
    const line = theirs.findLast(({ signal }) => signal.body.type === type)
    return line !== undefined && line.signal.seq > answered ? momentOf(line) : undefined
  }
  const own = call.lines.findLast(({ party }) => party === role)?.signal
  const active = phase === 'active'
  return {
    rings:
      phase === 'ringing'
        ? { ...ringingOf(call, until), queued: role === 'caller' && deliveryStateOf(log, call.id) === 'queued' }
        : undefined,
    own: active && own !== undefined ? ownWord(own, log) : undefined,
    lost: active && log.peerLostAt !== undefined,
    asks: active ? lastOf('escalate') : undefined,
    progress: active ? lastOf('progress') : undefined,
    confirmed: phase === 'ended' && call.verified === 'pending' ? { n: acked, of: call.own.seq } : undefined,
  }
}

function ownWord({ id, seq }: Signal, log: Log): NonNullable<CallStatus['own']> {
  return { ref: `me/${seq}`, state: deliveryStateOf(log, id), failed: log.outbox[id]?.failed ?? [] }
}

/** Most relays that are named which did not take a word. */
const MAX_FAILED = 2

// Who is told that it is queued must not wait for a relay that refuses it.
function deliveryText({ state, failed }: NonNullable<CallStatus['own']>): string {
  if (state !== 'queued' || failed.length === 0) return DELIVERY[state]
  return `queued (on disk only; ${failed.slice(0, MAX_FAILED).map(quoteRelayReason).join('; ')})`
}

/** After one of these it no longer asks its owner, and its progress is old news. */
const WORDS: readonly SignalType[] = ['message', 'file', 'propose', 'agree', 'decline']

function momentOf({ signal, heard }: Line): Moment {
  return { ref: `peer/${signal.seq}`, at: timeOf(signal.at, heard), text: signal.body.text }
}

/** A call's status in parts of a sentence of ours, without any words of the peer. @param now unix seconds */
export function callStatusParts(
  { rings, own, lost, asks, progress, confirmed }: CallStatus,
  outgoing: boolean,
  now: number,
): string[] {
  return [
    ...(rings === undefined ? [] : [ringingText(rings, outgoing, now)]),
    ...(own === undefined ? [] : [`your last word, ${own.ref}, is ${deliveryText(own)}`]),
    ...(lost ? ['it says that it does not have this call'] : []),
    ...(confirmed === undefined ? [] : [`the other side has confirmed ${confirmed.n} of ${confirmed.of}`]),
    ...(asks === undefined
      ? []
      : [`it says that it asked its owner ${formatDuration(now - asks.at)} ago (${asks.ref}), no answer yet`]),
    ...(progress === undefined
      ? []
      : [`its last progress, ${progress.ref}, came ${formatDuration(now - progress.at)} ago`]),
  ]
}

/**
 * How long a call has been ringing, and who has heard of it.
 * @param until until when it rings, by our own clock
 */
export function ringingOf({ createdAt, deadline, acked, peerRead }: Call, until = deadline): Ringing {
  // The attack: a request dated 1970 has been ringing for 20,000 days.
  return { since: Math.max(createdAt, until - LONGEST_RING), until, reached: acked > 0, looked: peerRead > 0 }
}

/** How long a call has been ringing, and whether anybody is there, as a part of a sentence. */
export function ringingText(
  { since, until, reached, looked, queued }: Ringing,
  outgoing: boolean,
  now: number,
): string {
  const age = `for ${formatDuration(now - since)}, until ${clockTime(until)}`
  if (!outgoing) return `ringing ${age}`
  if (queued) return `dialing ${age}: no relay has taken it yet, it is ${DELIVERY.queued}`
  if (!reached) return `dialing ${age}: nothing has been heard from its program yet`
  const seen = looked ? 'and its agent has looked' : 'its agent has not looked yet, as far as it tells'
  return `ringing ${age}: its program has the call, ${seen}`
}

/** The words for how far something of ours has come. */
const DELIVERY: Readonly<Record<DeliveryState, string>> = {
  queued: 'queued (on disk only)',
  relayed: 'relayed, not delivered yet',
  delivered: 'delivered, not read yet',
  read: 'read',
}
