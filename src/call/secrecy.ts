// Which key a signal of a call with keys of its own is sealed with, for whoever says it, and whether one that came with the
// identities' key is a downgrade, for whoever hears it.
import { type BoundCall, bindCall } from '../nostr/call-key.ts'
import { type Entries, type Log, memoize, signalOf } from './log.ts'
import type { Party } from './rules.ts'
import type { Signal } from './signal.ts'

/**
 * What of a signal decides about its seal. `seq`: its number; `ack`: the number up to which its author had taken the other side's; `at`: when it was
 * said, unix seconds by its author's clock; `answers`: of a receipt, whether it says `lost` or `fork`.
 */
export type SealedSignal = {
  type: string
  by: Party
  seq: number
  ack: number
  at: number
  answers?: 'lost' | 'fork' | undefined
}

/** What decides about the seal of a signal of a call. */
export function sealedSignalOf({ body, from, seq, ack, at }: Signal, caller: string): SealedSignal {
  const answers =
    body.type !== 'receipt' ? undefined : body.lost ? 'lost' : body.fork !== undefined ? 'fork' : undefined
  return { type: body.type, by: from === caller ? 'caller' : 'callee', seq, ack: ack.seq, at, answers }
}

/** A call and what was taken in it so far, in any order; its request and accept among it, wherever they lie. */
export type CallSignals = { id: string; caller: string; callee: string; signals: readonly Signal[] }

/** Whether a call has a key, and when its accept says that it was said, unix seconds. */
export type CallSecrecy = BoundCall & { acceptedAt: number }

/**
 * Whether a call has keys of its own, and since when. Undefined before an accept is taken. Of several accepts the first of its author
 * counts, and its key only as the author's number 1: any other one, with another call key, is one line without effect. The attack: a
 * callee says something else first, so that nothing is said of a call that goes on in the open.
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

/** `secrecyOf` a call as its log has it. Its request and its accepts never leave the log for an archive. */
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
 * Whether the caller hung up before it knew of the accept: then its words are sealed with the identities' key, whatever else has come of the
 * call.
 */
export function isHungUpUnderIdentityKey({ caller }: { caller?: Signal }): boolean {
  return caller?.seq === 2 && caller.ack.seq === 0
}

const known = new WeakMap<Entries, { secrecy: CallSecrecy | undefined }>()

function eksOf({ body }: Signal): readonly string[] {
  return body.type === 'request' || body.type === 'accept' ? (body.ek ?? []) : []
}

/** "These two are sealed as NIP-59 says", and a reject, since it comes before any accept: of each side its first word. */
const BEFORE_KEYS: readonly string[] = ['request', 'accept', 'reject']

/** What decides about the seal of our own; without `by` and `seq` it is the first word of its side. */
export type OwnSealedSignal = Pick<SealedSignal, 'type' | 'answers'> & Partial<Pick<SealedSignal, 'by' | 'seq'>>

/** Whether a signal of ours goes under the key of its call, where that has one. Everything does that could. */
export function goesUnderCallKey({ type, answers, by, seq = 1 }: OwnSealedSignal): boolean {
  // "`lost` and `fork` receipts, which are always sealed so, since who lost the call has no key."
  if (answers !== undefined) return false
  // The attack: a thief of an identity says "accept" or "reject" later, or for the caller, takes a number with that, and has its words shown.
  const isAnswer = seq === 1 && by !== 'caller'
  return !BEFORE_KEYS.includes(type) || (type !== 'request' && !isAnswer)
}

/**
 * Whether a signal that was sealed with the identities' key is dropped, in a call in which both sides have a call key.
 * The attack: somebody has the identity of one side, and no call key; or the peer says in the open what both were promised is not.
 * @param acceptedAt when the accept says that it was said
 * @param acked up to where its author has acknowledged the other side by now, receipts counted
 */
export function isDowngraded(signal: SealedSignal, acceptedAt: number, acked = 0): boolean {
  const { type, by, seq, ack, at } = signal
  if (!goesUnderCallKey(signal)) return false
  // "A caller's `end` and receipts whose `ack` is 0": it has not seen the accept, so it has no key yet, and has said nothing but its
  // request. The attack: an `end` that takes back what its author has acknowledged, by its words or by a receipt, and is said in the
  // open. An honest one whose receipt was faster comes once more, under the key that its author has by then.
  if (by === 'caller') return !(ack === 0 && (type === 'receipt' || (type === 'end' && seq === 2 && acked === 0)))
  // "The callee's receipts from before its accept" can acknowledge the request alone.
  return !(type === 'receipt' && ack <= 1 && at <= acceptedAt)
}
