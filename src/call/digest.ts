// The verifiable end: a cut says how far each side had got, a digest over it proves that both hold the same call.
import { fromHex, sha256, toHex } from '../nostr/crypto.ts'
import type { SeqRange, Signal } from './signal.ts'

/** The cut that an end names: its sender's own last seq before it, and the peer's last seq without a gap. */
export function cutOf(end: Signal | undefined): SeqRange | undefined {
  return end?.body.type === 'end' ? end.body.cut : undefined
}

/**
 * SHA-256, as hex, over the 32-byte rumor ids in the union of the cuts of `ends`, in transcript order, ends left out.
 * Undefined while something in a cut is missing.
 * @param signals the call's numbered signals in transcript order
 */
export function digestOf(ends: readonly Signal[], signals: readonly Signal[]): string | undefined {
  const reach = new Map<string, number>()
  for (const end of ends) {
    const cut = cutOf(end)
    if (cut === undefined) return undefined
    raise(reach, end.from, cut[0])
    raise(reach, end.to, cut[1])
  }
  return digestUpTo(reach, signals)
}

/** The same over everything up to the given last seq of each party: what an end that we are about to say must carry. */
export function digestUpTo(reach: ReadonlyMap<string, number>, signals: readonly Signal[]): string | undefined {
  const inside = signals.filter((s) => s.seq <= (reach.get(s.from) ?? 0))
  // An end uses up a seq too; the union of two cuts may reach over the first of them.
  const expected = [...reach.values()].reduce((sum, n) => sum + n, 0)
  if (inside.length !== expected) return undefined
  const ids = inside.filter((s) => s.body.type !== 'end').flatMap((s) => fromHex(s.id) ?? [])
  return toHex(sha256(concat(ids)))
}

function raise(reach: Map<string, number>, who: string, seq: number): void {
  reach.set(who, Math.max(reach.get(who) ?? 0, seq))
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
