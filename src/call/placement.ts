// Whether what came in takes its place in its author's log. Numbers alone prove nothing against the peer itself, so every signal names
// by id what it follows, and on a log with two branches nothing is built.
import type { Link, Signal } from './signal.ts'

/** How far ahead of what is taken a signal may wait, and how many may wait for one number. */
const WAITING = { ahead: 1_000, candidates: 8 }

/** How many rumors without a place are kept of one call. */
export const MAX_ASIDE = 3

/**
 * What is held of a call, by author and number. 'archived': it lies in a segment that was not read. `hasEnded`: whether the author's end
 * is taken; `waitingAt`: how many signals of the peer wait for a number; `frozen`: whether the call is verified.
 */
export type HeldLog = {
  call: string
  idAt(author: string, seq: number): string | undefined | 'archived'
  last(author: string): Link
  hasEnded(author: string): boolean
  waitingAt(seq: number): number
  frozen: boolean
  forked: boolean
}

/**
 * What becomes of a signal. In a fork `by` says whose log has two branches, and `seq` and `id` what we hold at that place. `archive`: that
 * can only be said with the whole call at hand.
 */
export type Placement =
  | { type: 'take' }
  | { type: 'wait' }
  | { type: 'duplicate' }
  | { type: 'aside'; why: 'fork' | 'after-end' | 'verified' }
  | { type: 'fork'; by: 'peer' | 'me'; seq: number; id: string }
  | { type: 'archive' }
  | { type: 'drop'; why: 'too-far' | 'crowded' }

/** Where a numbered signal of the peer goes (docs/PROTOCOL.md, "What is taken"). @param me our own key */
export function placeSignal(signal: Signal, held: HeldLog, me: string): Placement {
  const { from, seq, prev } = signal
  const last = held.last(from)
  const known = seq <= last.seq ? held.idAt(from, seq) : undefined
  if (known === 'archived') return { type: 'archive' }
  if (known === signal.id) return { type: 'duplicate' }
  // A call that has forked takes nothing more.
  if (held.forked) return { type: 'aside', why: 'fork' }
  // A second, different signal under a taken number.
  if (seq <= last.seq) return { type: 'fork', by: 'peer', seq, id: known ?? signal.id }
  const links = checkAck(signal.ack, held, me)
  if (links !== undefined) return links
  if (held.hasEnded(from)) {
    // "What links behind the peer's `end` is kept aside; what comes directly behind it with a wrong `prev` is a fork" (docs/PROTOCOL.md,
    // "What is taken").
    const isFork = seq === last.seq + 1 && prev !== last.id
    return isFork ? forkAt(last, signal) : { type: 'aside', why: held.frozen ? 'verified' : 'after-end' }
  }
  if (seq === last.seq + 1) return prev === last.id ? { type: 'take' } : forkAt(last, signal)
  if (seq > last.seq + WAITING.ahead) return { type: 'drop', why: 'too-far' }
  return held.waitingAt(seq) >= WAITING.candidates ? { type: 'drop', why: 'crowded' } : { type: 'wait' }
}

/**
 * What is wrong with a peer's `ack`; undefined when we hold what it names. An ack of anything else says that our own log has forked: this
 * state is older than what we have said, or another machine speaks for us.
 */
export function checkAck(
  ack: Link,
  held: HeldLog,
  me: string,
): Extract<Placement, { type: 'fork' | 'archive' }> | undefined {
  if (ack.seq === 0) return undefined
  const known = held.idAt(me, ack.seq)
  if (known === 'archived') return { type: 'archive' }
  if (known === ack.id) return undefined
  const last = held.last(me)
  return known === undefined
    ? { type: 'fork', by: 'me', seq: Math.max(last.seq, 1), id: last.id ?? held.call }
    : { type: 'fork', by: 'me', seq: ack.seq, id: known }
}

function forkAt({ seq, id }: Link, signal: Signal): Placement {
  return { type: 'fork', by: 'peer', seq, id: id ?? signal.id }
}
