// The order in which both sides read a call. It follows from what each signal names by id, so nobody can place words before what
// they were said after, and no clock, relay or claimed number can change it.
import type { ArchiveSummary } from './log.ts'
import type { Signal } from './signal.ts'

/** A signal with its derived Lamport clock. `ack`: up to where its author had taken the other side's signals; it never goes down. */
export type OrderedSignal = { signal: Signal; clock: number; ack: number }

/**
 * Signals in transcript order: by (derived clock, sender's pubkey), with ends below everything that does not name them (docs/PROTOCOL.md,
 * "Order").
 *
 * A clock is one more than the greater of the clocks of `prev` and of the signal that `ack` names. What a signal names and is not among
 * `signals` counts as 0, but for the last ones of the archive, whose clocks the summary has, as it has those of the signals before them
 * that are still here.
 * @param signals each once; of one author no two with the same number
 */
export function orderSignals(signals: readonly Signal[], archive?: ArchiveSummary): OrderedSignal[] {
  const ranked = rankAll(signals, archive)
  return ranked.sort(compareRanked).map(({ signal, clock, ack }) => ({ signal, clock, ack }))
}

/** `named`: a bit for each author whose end it names through its links; `ends`: two for each of those ends, and one for an end itself. */
type Ranked = OrderedSignal & { ends: number; named: number }

/** Authors take turns, each going on as long as what its signals name is placed already. Iterative: a call may be long. */
function rankAll(signals: readonly Signal[], archive: ArchiveSummary | undefined): Ranked[] {
  const queues = queuesOf(signals)
  const ids = new Set(signals.map((signal) => signal.id))
  const placed = new Map<string, Ranked>()
  const ranked: Ranked[] = []
  const archived = new Map(Object.values(archive?.tails ?? {}).map((tail) => [tail.id, tail.clock]))
  const bits = new Map([...queues.keys()].map((author, index) => [author, 1 << (index % 30)]))
  const place = (signal: Signal) => {
    const links = [signal.prev, signal.ack.id]
    const named = links.map((id) => (id === undefined ? undefined : placed.get(id)))
    const clocks = links.map((id, n) => named[n]?.clock ?? (id === undefined ? 0 : (archived.get(id) ?? 0)))
    const mask = named.reduce((all, one) => all | (one === undefined ? 0 : maskOf(one, bits)), 0)
    const before = signal.prev === undefined ? undefined : placed.get(signal.prev)
    const one: Ranked = {
      signal,
      clock: archive?.kept?.[signal.id]?.clock ?? 1 + Math.max(...clocks),
      // "An `ack` that is lower than that of `prev` is read as that of `prev`" (docs/PROTOCOL.md, "Order").
      ack: Math.max(signal.ack.seq, before?.ack ?? 0),
      named: mask,
      ends: 2 * bitCount(mask) + (signal.body.type === 'end' ? 1 : 0),
    }
    placed.set(signal.id, one)
    ranked.push(one)
  }
  const isReady = ({ ack: { id } }: Signal) => id === undefined || placed.has(id) || !ids.has(id)
  let moved = true
  while (moved) {
    moved = false
    for (const queue of queues.values()) {
      for (let next = queue.at(-1); next !== undefined && isReady(next); next = queue.at(-1)) {
        place(next)
        queue.pop()
        moved = true
      }
    }
  }
  // Links are hashes, so no two signals can name each other. What a damaged disk makes of them is placed nevertheless.
  for (const queue of queues.values()) for (const signal of queue.reverse()) place(signal)
  return ranked
}

/** A stack for each author, the lowest number on top. */
function queuesOf(signals: readonly Signal[]): Map<string, Signal[]> {
  const queues = new Map<string, Signal[]>()
  for (const signal of signals) {
    const queue = queues.get(signal.from)
    if (queue === undefined) queues.set(signal.from, [signal])
    else queue.push(signal)
  }
  // A queue is taken from at its end, where that is cheap.
  for (const queue of queues.values()) queue.sort((a, b) => b.seq - a.seq)
  return queues
}

function maskOf({ named, signal }: Ranked, bits: ReadonlyMap<string, number>): number {
  return signal.body.type === 'end' ? named | (bits.get(signal.from) ?? 0) : named
}

function bitCount(mask: number): number {
  let count = 0
  for (let rest = mask; rest > 0; rest >>= 1) count += rest & 1
  return count
}

// "An `end` stands below every signal that does not name it through its links; two that do not name each other stand below
// everything else, by (clock, pubkey)" (docs/PROTOCOL.md, "Order").
function compareRanked(a: Ranked, b: Ranked): number {
  return (
    a.ends - b.ends || a.clock - b.clock || compareText(a.signal.from, b.signal.from) || a.signal.seq - b.signal.seq
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
