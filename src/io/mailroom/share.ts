// Work divided between two threads: each gets the next share of what is left.

/** The argument by which the program knows that it was started as the second thread. */
export const UNWRAP_THREAD = 'second-thread'

// Large shares are cheaper, since their seals are verified together; the last ones are small, so that both threads end
// together.
const minShare = 32
const maxShare = 128

export type Share = { from: number; to: number }

/** Gives the shares of `total` things one after the other; undefined when all are given. */
export function shares(total: number): () => Share | undefined {
  let next = 0
  return () => {
    if (next >= total) return undefined
    const from = next
    next = Math.min(total, from + Math.min(maxShare, Math.max(minShare, Math.ceil((total - from) / 4))))
    return { from, to: next }
  }
}
