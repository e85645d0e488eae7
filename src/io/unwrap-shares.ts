// The shares in which two threads unwrap: large ones are cheaper, since their seals are verified together; the last ones are small,
// so that both threads end together.

const MIN_SHARE = 32
const MAX_SHARE = 128

export type Share = { from: number; to: number }

/** Gives the shares of `total` things one after the other; undefined when all are given. */
export function openShares(total: number): () => Share | undefined {
  let next = 0
  return () => {
    if (next >= total) return undefined
    const from = next
    next = Math.min(total, from + Math.min(MAX_SHARE, Math.max(MIN_SHARE, Math.ceil((total - from) / 4))))
    return { from, to: next }
  }
}
