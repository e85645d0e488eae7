// NIP-77: which events of a filter a relay has and we lack, found by comparing fingerprints instead of sending all of them.
// The reconciliation is nostr-tools' (the package leaves the module out of its exports, and its index would bring all of
// nostr-tools into the bundle); here are its bounds, since a relay may say anything, and a storage three times as fast.
import { Negentropy } from '../../node_modules/nostr-tools/lib/esm/nip77.js'
import { isHex32, sha256 } from './crypto.ts'

/** What we have: ids, each once, and their created_at in Unix seconds. All of them must match the filter that the relay is sent. */
export type HeldIds = Iterable<readonly [id: string, stamp: number]>

/** A session with one relay. Messages are hex, as in NEG-OPEN and NEG-MSG. */
export type Reconciliation = {
  /** The message that opens the session. */
  readonly first: string
  /** The step after a message of the relay; undefined for one that makes no sense, or is beyond our bounds. Never throws. */
  next(message: string): ReconciliationStep | undefined
}

/** The ids that the relay has and we lack, and our next message; undefined when the session is over. */
export type ReconciliationStep = { need: string[]; reply: string | undefined }

/** Stamps need 31 bits until 2038, and the library counts in no more. */
const STAMP_LIMIT = 2 ** 31

/** Most bytes of one message of ours: strfry's default for a WebSocket message is 131,072 bytes, and hex takes two for each. */
const FRAME_BYTES = 60_000

/**
 * The attack: a relay that goes on forever. Each round splits a range in sixteen, so 20,000 events take four; the library cuts
 * what does not fit into a frame and goes on in the next round.
 */
const MAX_ROUNDS = 40

/**
 * Most ranges that are read in one session. The attack: messages full of ranges that say nothing, each of which costs us a hash, so that
 * forty messages take ten seconds. Three frames of strfry that split every range in sixteen hold fewer.
 */
const MAX_RANGES = 80_000

/** Most ids that a relay may name: as many as the events that are taken of one answer (io/relay/collector.ts). */
export const MAX_NEEDED = 20_000

/**
 * Our side of a NIP-77 session over the ids that we hold: the first message, and what to answer to each of the relay's.
 */
export function reconcile(held: HeldIds): Reconciliation {
  const negentropy = new Negentropy(holdingsOf(comparableIds(held)), FRAME_BYTES)
  let rounds = 0
  let ranges = 0
  const named = new Set<string>()
  return {
    first: negentropy.initiate(),
    next(message) {
      rounds += 1
      ranges += rangesIn(Buffer.from(message, 'hex')) ?? Number.POSITIVE_INFINITY
      if (rounds > MAX_ROUNDS || ranges > MAX_RANGES) return undefined
      const need: string[] = []
      try {
        // A range that is asked about again in a later round may name an id twice.
        const reply = negentropy.reconcile(message, undefined, (id) => {
          if (isHex32(id) && !named.has(id)) need.push(id)
          named.add(id)
        })
        return named.size > MAX_NEEDED ? undefined : { need, reply: reply ?? undefined }
      } catch {
        return undefined
      }
    },
  }
}

/** The ids that can be compared at all: what we hold comes from a disk, where it may have been damaged. */
function comparableIds(held: HeldIds): (readonly [id: string, stamp: number])[] {
  return [...held].filter(([id, stamp]) => isHex32(id) && Number.isInteger(stamp) && stamp >= 0 && stamp < STAMP_LIMIT)
}

/**
 * How many ranges a message of version 1 has, each an upper bound, a mode and its payload; undefined for any other bytes.
 *
 * The attack: lengths that are negative in 32 bits, on which the library reads the same bytes forever.
 */
function rangesIn(bytes: Uint8Array): number | undefined {
  let at = 1
  let ranges = 0
  // "Varints (variable-sized unsigned integers) are represented as base-128 digits, most significant digit first".
  const varint = (): number => {
    let value = 0
    for (let digits = 1; digits <= 5; digits++) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      value = value * 128 + (byte % 128)
      if (byte < 128) return value < STAMP_LIMIT ? value : Number.NaN
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const stamp = varint()
    const prefix = varint()
    if (Number.isNaN(stamp) || !(prefix <= 32)) return undefined
    at += prefix
    const mode = varint()
    if (!(mode <= 2)) return undefined
    const size = mode === 2 ? 32 * varint() : 16 * mode
    at += size
    if (!(at <= bytes.length)) return undefined
    ranges += 1
  }
  return bytes[0] === 0x61 ? ranges : undefined
}

export type HeldItem = { timestamp: number; id: Uint8Array }

/** Positions count from 0 in the protocol's order: "sorting their items according to timestamp", then "lexically by ID". */
export type Holdings = {
  size(): number
  /** Until the callback gives false. */
  iterate(begin: number, end: number, take: (item: HeldItem, at: number) => boolean): void
  /** The first position from `begin` on whose item is not below the bound; an id may be a prefix. */
  findLowerBound(begin: number, end: number, bound: HeldItem): number
  /** 16 bytes that stand for all ids between two positions. */
  fingerprint(begin: number, end: number): Uint8Array
}

const ID_BYTES = 32
const LANES = ID_BYTES / 4

/** The storage of a reconciliation. @param held ids, each once, with their created_at in Unix seconds */
function holdingsOf(held: Iterable<readonly [id: string, stamp: number]>): Holdings {
  const sorted = [...held].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
  const bytes = Uint8Array.from(Buffer.from(sorted.map(([id]) => id).join(''), 'hex'))
  const view = new DataView(bytes.buffer)
  const itemAt = (at: number): HeldItem => ({
    timestamp: sorted[at]?.[1] ?? 0,
    id: bytes.subarray(ID_BYTES * at, ID_BYTES * (at + 1)),
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
      const sums = new Array<number>(LANES).fill(0)
      // Sums of a million words of 32 bits are still exact.
      for (let at = begin * ID_BYTES; at < end * ID_BYTES; at += ID_BYTES) {
        for (let lane = 0; lane < LANES; lane++) sums[lane] = (sums[lane] ?? 0) + view.getUint32(at + 4 * lane, true)
      }
      const sum = new DataView(new ArrayBuffer(ID_BYTES))
      let carry = 0
      for (const [lane, words] of sums.entries()) {
        sum.setUint32(4 * lane, (words + carry) % 2 ** 32, true)
        carry = Math.floor((words + carry) / 2 ** 32)
      }
      return sha256(Buffer.concat([new Uint8Array(sum.buffer), encodeVarint(end - begin)])).subarray(0, 16)
    },
  }
}

function encodeVarint(value: number): Uint8Array {
  const digits = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) + 128)
  return Uint8Array.from(digits)
}
