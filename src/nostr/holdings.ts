// What we hold of a filter, as NIP-77's reconciliation asks for it. The library has a storage of its own, which takes three
// times as long for a few thousand ids, and a command pays for it at every start.
import { sha256 } from './crypto.ts'

export type Item = { timestamp: number; id: Uint8Array }

/** Positions count from 0 in the protocol's order: "sorting their items according to timestamp", then "lexically by ID". */
export type Holdings = {
  size(): number
  /** Until the callback gives false. */
  iterate(begin: number, end: number, take: (item: Item, at: number) => boolean): void
  /** The first position from `begin` on whose item is not below the bound; an id may be a prefix. */
  findLowerBound(begin: number, end: number, bound: Item): number
  /** 16 bytes that stand for all ids between two positions. */
  fingerprint(begin: number, end: number): Uint8Array
}

const idBytes = 32
const lanes = idBytes / 4

/** @param held ids, each once, with their created_at in Unix seconds */
export function holdingsOf(held: Iterable<readonly [id: string, stamp: number]>): Holdings {
  const sorted = [...held].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
  const bytes = Uint8Array.from(Buffer.from(sorted.map(([id]) => id).join(''), 'hex'))
  const view = new DataView(bytes.buffer)
  const itemAt = (at: number): Item => ({
    timestamp: sorted[at]?.[1] ?? 0,
    id: bytes.subarray(idBytes * at, idBytes * (at + 1)),
  })

  return {
    size: () => sorted.length,

    iterate(begin, end, take) {
      for (let at = begin; at < end; at++) if (!take(itemAt(at), at)) return
    },

    findLowerBound(begin, end, { timestamp, id }) {
      let [from, to] = [begin, end]
      while (from < to) {
        const middle = (from + to) >>> 1
        const item = itemAt(middle)
        const isBelow = item.timestamp < timestamp || (item.timestamp === timestamp && Buffer.compare(item.id, id) < 0)
        if (isBelow) from = middle + 1
        else to = middle
      }
      return from
    },

    // NIP-77, Fingerprint Algorithm: the sum of the ids modulo 2^256, "interpreting them as 256-bit unsigned integers",
    // little-endian; their count as a varint; the first 16 bytes of the SHA-256 of both.
    fingerprint(begin, end) {
      const sums = new Array<number>(lanes).fill(0)
      // Sums of a million words of 32 bits are still exact.
      for (let at = begin * idBytes; at < end * idBytes; at += idBytes) {
        for (let lane = 0; lane < lanes; lane++) sums[lane] = (sums[lane] ?? 0) + view.getUint32(at + 4 * lane, true)
      }
      const sum = new DataView(new ArrayBuffer(idBytes))
      let carry = 0
      for (const [lane, words] of sums.entries()) {
        sum.setUint32(4 * lane, (words + carry) % 2 ** 32, true)
        carry = Math.floor((words + carry) / 2 ** 32)
      }
      return sha256(Buffer.concat([new Uint8Array(sum.buffer), varint(end - begin)])).subarray(0, 16)
    },
  }
}

function varint(value: number): Uint8Array {
  const digits = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) + 128)
  return Uint8Array.from(digits)
}
