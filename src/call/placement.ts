// Whether what came in takes its place in its author's log. Numbers alone prove nothing against the peer itself, so every signal names
// by id what it follows, and whoever has two branches has none that is built on.
import type { Link, Signal } from './signal.ts'

/** How far ahead of what is taken a signal may wait, and how many may wait for one number. */
const WAITING = { ahead: 1_000, candidates: 8 }

/** How many rumors without a place are kept of one call. */
export const MAX_ASIDE = 3

/**
 * What is held of a call, by author and number. 'archived': it lies in a segment that was not read. `hasEnded`: the author's own end is
 * taken. `frozen`: the call is verified.
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
 * What becomes of a signal. `seq` and `id` of a fork are what we hold at that place, `by` whose log has two branches. `archive`: only the
 * whole call tells.
 */
export type Placement =
  | { type: 'take' }
  | { type: 'wait' }
  | { type: 'duplicate' }
  | { type: 'aside'; why: 'fork' | 'after-end' | 'verified' }
  | { type: 'fork'; by: 'peer' | 'me'; seq: number; id: string }
  | { type: 'archive' }
  | { type: 'drop'; why: 'too-far' | 'crowded' }

/**
 * Says where a numbered signal of the peer goes that is not held yet.
 * @param me our own key
 */
export function placeSignal(signal: Signal, held: HeldLog, me: string): Placement {
  const { from, seq, prev } = signal
  const links = checkAck(signal.ack, held, me)
  if (links !== undefined && links.type === 'archive') return links
  const last = held.last(from)
  const known = seq <= last.seq ? held.idAt(from, seq) : undefined
  if (known === 'archived') return { type: 'archive' }
  if (known === signal.id) return { type: 'duplicate' }
  // "Whoever is forked … answers only with `fork`."
  if (held.forked) return { type: 'aside', why: 'fork' }
  if (seq <= last.seq) {
    // "An author whose second, different signal comes under a taken number … has forked its log."
    return { type: 'fork', by: 'peer', seq, id: known ?? signal.id }
  }
  if (links !== undefined) return links
  if (held.hasEnded(from)) {
    // "A wrong `prev` directly behind the peer's `end` is a fork, a right one is kept aside."
    const isFork = seq === last.seq + 1 && prev !== last.id
    return isFork ? forkAt(last, signal) : { type: 'aside', why: held.frozen ? 'verified' : 'after-end' }
  }
  if (held.frozen) return { type: 'aside', why: 'verified' }
  if (seq === last.seq + 1) return prev === last.id ? { type: 'take' } : forkAt(last, signal)
  if (seq > last.seq + WAITING.ahead) return { type: 'drop', why: 'too-far' }
  return held.waitingAt(seq) >= WAITING.candidates ? { type: 'drop', why: 'crowded' } : { type: 'wait' }
}

/**
 * Whether what the peer acknowledges is what we hold there; undefined when it is. "A peer whose `ack` names an id under any number that
 * is not what we hold there says that *we* have" forked: this state is older than what we have said, or another machine speaks for us.
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
