// Work divided between two threads that do not wait for each other: each takes the next share of what is left.

/** The argument by which the program knows that it was started as the second thread. */
export const SECOND = 'second-thread'

// Large shares are cheaper, since their seals are verified together; the last ones are small, so that both threads end
// together.
const least = 32
const most = 256

export type Share = { from: number; to: number }

/** Where the next share begins, in memory that both threads see. */
export function counter(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** Takes the next share of `total` things; undefined when all are taken. */
export function takeShare(next: Int32Array, total: number): Share | undefined {
  for (;;) {
    const from = Atomics.load(next, 0)
    if (from >= total) return undefined
    const to = Math.min(total, from + Math.min(most, Math.max(least, Math.ceil((total - from) / 4))))
    if (Atomics.compareExchange(next, 0, from, to) === from) return { from, to }
  }
}
