// One value that people of both sides can compare: it stands for every taken signal of a call, in the order in which both read them.
import { fromHex, sha256, toHex } from '../nostr/crypto.ts'
import type { Signal } from './signal.ts'

/**
 * SHA-256, as hex, over the 32-byte ids of all taken signals of both sides in transcript order, confirming ends left out.
 * Source: docs/PROTOCOL.md, "The end".
 * @param signals in transcript order
 */
export function digestOf(signals: readonly Signal[]): string {
  const ends = signals.filter((signal) => signal.body.type === 'end')
  const parts = signals.filter((signal) => !isConfirmingEnd(signal, ends)).flatMap(({ id }) => fromHex(id) ?? [])
  return toHex(sha256(Buffer.concat(parts)))
}

/**
 * Whether an end only confirms that of the other side: it "has no content and no outcome, and its `ack` names the peer's `end`; of two
 * ends that crossed neither is one" (docs/PROTOCOL.md, "The end").
 */
export function isConfirmingEnd(signal: Signal, ends: readonly Signal[]): boolean {
  const { body, from, ack } = signal
  if (body.type !== 'end' || body.text !== '' || body.outcome !== undefined) return false
  return ends.some((other) => other.from !== from && ack.id === other.id)
}
