// Which key a signal of a call with keys of its own is sealed with, for whoever says it, and whether one that came with the
// identities' key is a downgrade, for whoever hears it.
import { type BoundCall, bindCall } from '../nostr/call-key.ts'
import { type Entries, type Log, memoize, signalOf } from './log.ts'
import type { Party } from './rules.ts'
import type { Signal } from './signal.ts'

/**
 * The facts of a signal that decide which key its seal is made with. `seq`: its number; `ack`: up to where its author had taken the other
 * side's signals; `at`: when it was said, unix seconds by its author's clock; `answers`: whether it is a receipt with `lost` or `fork`.
 */
export type SealedSignal = {
  type: string
  by: Party
  seq: number
  ack: number
  at: number
  answers?: 'lost' | 'fork' | undefined
}

/** A signal as its seal is judged by. @param caller the caller of its call, hex */
export function sealedSignalOf({ body, from, seq, ack, at }: Signal, caller: string): SealedSignal {
  const answers =
    body.type !== 'receipt' ? undefined : body.lost ? 'lost' : body.fork !== undefined ? 'fork' : undefined
  return { type: body.type, by: from === caller ? 'caller' : 'callee', seq, ack: ack.seq, at, answers }
}

/** A call and what was taken in it so far, in any order, its request and accepts included. */
export type CallSignals = { id: string; caller: string; callee: string; signals: readonly Signal[] }

/** Whether a call has a key, and the date of its accept, unix seconds. */
export type CallSecrecy = BoundCall & { acceptedAt: number }

/**
 * Whether a call has keys of its own, and since when; undefined before an accept is taken. Of several accepts the one with the lowest
 * number counts, and its key only where that number is 1. The attack: a callee says something else first, so that nothing is said of a
 * call that goes on in the open.
 */
export function secrecyOf({ id, caller, callee, signals }: CallSignals): CallSecrecy | undefined {
  const request = signals.find((signal) => signal.id === id)
  const accepts = signals.filter(({ from, body }) => from === callee && body.type === 'accept')
  const [accept] = accepts.sort((a, b) => a.seq - b.seq)
  if (request === undefined || accept === undefined) return undefined
  const sent = { call: id, caller, callee, requestEks: eksOf(request), acceptEks: eksOf(accept) }
  const bound = bindCall(sent)
  const isLate = accept.seq > 1 && bound.sealedWith === 'call'
  return { ...(isLate ? { sealedWith: 'identity', faults: { callee: 'late' } } : bound), acceptedAt: accept.at }
}

/** `secrecyOf` a call by its log, which its request and its accepts never leave for the archive. */
export function secrecyIn(log: Log): CallSecrecy | undefined {
  return memoize(known, log, () => {
    const request = signalOf(log, log.id)
    if (request?.body.type !== 'request') return { secrecy: undefined }
    const { id, from: caller, to: callee } = request
    const signals = Object.keys(log.entries).flatMap((entry) => signalOf(log, entry) ?? [])
    return { secrecy: secrecyOf({ id, caller, callee, signals }) }
  }).secrecy
}

/**
 * Whether the caller hung up before it knew of the accept: then its farewell is sealed with the identities' key, whatever else has come of
 * the call.
 */
export function isHungUpUnderIdentityKey({ caller }: { caller?: Signal }): boolean {
  return caller?.seq === 2 && caller.ack.seq === 0
}

const known = new WeakMap<Entries, { secrecy: CallSecrecy | undefined }>()

function eksOf({ body }: Signal): readonly string[] {
  return body.type === 'request' || body.type === 'accept' ? (body.ek ?? []) : []
}

/** What each side may say first, before either can have the call's key: the request, and its answer. */
const BEFORE_KEYS: readonly string[] = ['request', 'accept', 'reject']

/** The same of a signal of our own; without `by` and `seq` it is the first word of its side. */
export type OwnSealedSignal = Pick<SealedSignal, 'type' | 'answers'> & Partial<Pick<SealedSignal, 'by' | 'seq'>>

/** Whether a signal of ours is sealed with the key of its call, where that has one: all but a side's first word, and `lost` and `fork`. */
export function goesUnderCallKey({ type, answers, by, seq = 1 }: OwnSealedSignal): boolean {
  // Whoever is told one of these may have lost the call, and its key with it.
  if (answers !== undefined) return false
  // The attack: a thief of an identity says "accept" or "reject" later on, or as the caller, which takes a number and is shown.
  const isAnswer = seq === 1 && by !== 'caller'
  return !BEFORE_KEYS.includes(type) || (type !== 'request' && !isAnswer)
}

/**
 * Whether a signal that was sealed with the identities' key is dropped, in a call in which both sides have a call key (docs/PROTOCOL.md,
 * "Calls that stay secret"). The attack: somebody has the identity of one side, and no call key; or the peer says under the identities'
 * key what both were promised goes under the call's.
 * @param acceptedAt the date of the accept, unix seconds
 * @param acked up to where its author has acknowledged the other side by now, receipts counted
 */
export function isDowngraded(signal: SealedSignal, acceptedAt: number, acked = 0): boolean {
  const { type, by, seq, ack, at } = signal
  if (!goesUnderCallKey(signal)) return false
  // With an `ack` of 0 the caller has not seen the accept: it has no key yet, and can hang up or send receipts only. The attack: an `end`
  // in the open that takes back what its author has acknowledged, by its words or by a receipt. An honest one that its receipt has
  // overtaken comes once more, under the key that its author has by then.
  if (by === 'caller') return !(ack === 0 && (type === 'receipt' || (type === 'end' && seq === 2 && acked === 0)))
  // Before its accept the callee can acknowledge nothing but the request.
  return !(type === 'receipt' && ack <= 1 && at <= acceptedAt)
}
