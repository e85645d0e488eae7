// Which key a signal of a call with keys of its own is sealed with, for whoever says it, and whether one that came with the
// identities' key is a downgrade, for whoever hears it.
import type { Party } from './rules.ts'

/**
 * What of a signal decides about its seal. `ack`: the number up to which its author had taken the other side's; `at`: when it was
 * said, unix seconds by its author's clock; `answers`: of a receipt, whether it says `lost` or `fork`.
 */
export type SealedSignal = { type: string; by: Party; ack: number; at: number; answers?: 'lost' | 'fork' | undefined }

/** "These two are sealed as NIP-59 says", and a reject, since it comes before any accept. */
const BEFORE_KEYS: readonly string[] = ['request', 'accept', 'reject']

/** Whether a signal of ours goes under the key of its call, where that has one. Everything does that could. */
export function goesUnderCallKey({ type, answers }: Pick<SealedSignal, 'type' | 'answers'>): boolean {
  // "`lost` and `fork` receipts, which are always sealed so, since who lost the call has no key."
  return !BEFORE_KEYS.includes(type) && answers === undefined
}

/**
 * Whether a signal that was sealed with the identities' key is dropped, in a call in which both sides have a call key.
 * The attack: somebody has the identity of one side, and no call key; or the peer says in the open what both were promised is not.
 * @param acceptedAt when the accept says that it was said
 */
export function isDowngraded(signal: SealedSignal, acceptedAt: number): boolean {
  const { type, by, ack, at } = signal
  if (!goesUnderCallKey(signal)) return false
  // "A caller's `end` and receipts whose `ack` is 0": it has not seen the accept, so it has no key yet.
  if (by === 'caller') return !((type === 'end' || type === 'receipt') && ack === 0)
  // "The callee's receipts from before its accept" can acknowledge the request alone.
  return !(type === 'receipt' && ack <= 1 && at <= acceptedAt)
}
