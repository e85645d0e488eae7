// The relay's side of NIP-77, Negentropy Protocol V1. Written apart from the client's code, so that neither hides a mistake of the other.
import { createHash } from 'node:crypto'

/** An event that the relay has for the filter. `stamp`: its created_at, unix seconds. */
export type Item = { id: string; stamp: number }

type Bound = { stamp: number; prefix: string }

const version = 0x61
const [skip, fingerprint, idList] = [0, 1, 2]
const buckets = 16
const infinity = Number.POSITIVE_INFINITY

/** The answer to a client's message, in hex; undefined for a message that breaks the protocol. */
export function answerNegMessage(items: readonly Item[], message: string): string | undefined {
  const sorted = items.toSorted((a, b) => a.stamp - b.stamp || (a.id < b.id ? -1 : 1))
  const reader = openReader(Buffer.from(message, 'hex'))
  const writer = openWriter()
  if (reader.byte() !== version) return Buffer.from([version]).toString('hex')
  let from = 0
  while (!reader.isOver()) {
    const bound = reader.bound()
    const mode = reader.varint()
    if (bound === undefined || mode === undefined) return undefined
    const to = sorted.findIndex((item, n) => n >= from && !isBelow(item, bound))
    const range = sorted.slice(from, to === -1 ? sorted.length : to)
    from += range.length
    if (mode === skip) writer.skip(bound)
    else if (mode === fingerprint) {
      const theirs = reader.bytes(16)?.toString('hex')
      if (theirs === undefined) return undefined
      if (theirs === fingerprintOf(range)) writer.skip(bound)
      else split(range, bound, writer)
    } else if (mode === idList) {
      const count = reader.varint()
      if (count === undefined || reader.bytes(32 * count) === undefined) return undefined
      writer.ids(bound, range)
    } else return undefined
  }
  return writer.hex()
}

function split(range: readonly Item[], bound: Bound, writer: Writer): void {
  if (range.length < 2 * buckets) {
    writer.ids(bound, range)
    return
  }
  for (let n = 0; n < buckets; n++) {
    const [from, to] = [n, n + 1].map((at) => Math.floor((at * range.length) / buckets))
    const [last, next] = [range[(to ?? 0) - 1], range[to ?? 0]]
    writer.fingerprint(last && next ? between(last, next) : bound, range.slice(from, to))
  }
}

/** The shortest bound between two neighbours. */
function between(last: Item, next: Item): Bound {
  if (last.stamp !== next.stamp) return { stamp: next.stamp, prefix: '' }
  let same = 0
  while (last.id.slice(2 * same, 2 * same + 2) === next.id.slice(2 * same, 2 * same + 2)) same++
  return { stamp: next.stamp, prefix: next.id.slice(0, 2 * (same + 1)) }
}

function isBelow({ id, stamp }: Item, bound: Bound): boolean {
  return stamp < bound.stamp || (stamp === bound.stamp && id < bound.prefix.padEnd(64, '0'))
}

/** The first 16 bytes, in hex, of SHA-256 over the sum of the ids (little-endian, modulo 2^256) and their count. */
function fingerprintOf(range: readonly Item[]): string {
  const all = Buffer.from(range.map(({ id }) => id).join(''), 'hex')
  // Four words of 64 bits each, least significant first.
  const words = [0n, 0n, 0n, 0n]
  for (let at = 0; at < all.length; at += 8) words[(at / 8) % 4] = (words[(at / 8) % 4] ?? 0n) + all.readBigUInt64LE(at)
  const sum = words.reduceRight((high, word) => (high << 64n) + word, 0n) % 2n ** 256n
  const bytes = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse()
  return createHash('sha256').update(bytes).update(varint(range.length)).digest('hex').slice(0, 32)
}

function varint(value: number): Buffer {
  const digits = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) + 128)
  return Buffer.from(digits)
}

function openReader(data: Buffer) {
  let at = 0
  let lastStamp = 0
  const bytes = (count: number): Buffer | undefined => {
    at += count
    return at <= data.length ? data.subarray(at - count, at) : undefined
  }
  const number = (): number | undefined => {
    let value = 0
    for (;;) {
      const [byte] = bytes(1) ?? []
      if (byte === undefined || value > 2 ** 45) return undefined
      value = value * 128 + (byte % 128)
      if (byte < 128) return value
    }
  }
  return {
    isOver: () => at >= data.length,
    byte: () => bytes(1)?.[0],
    bytes,
    varint: number,
    /** Stamps are written as differences plus one; 0 is infinity. */
    bound(): Bound | undefined {
      const told = number()
      const prefix = bytes(number() ?? data.length)
      if (told === undefined || prefix === undefined || prefix.length > 32) return undefined
      lastStamp = told === 0 ? infinity : lastStamp + told - 1
      return { stamp: lastStamp, prefix: prefix.toString('hex') }
    },
  }
}

type Writer = ReturnType<typeof openWriter>

function openWriter() {
  const parts: Buffer[] = [Buffer.from([version])]
  let lastStamp = 0
  let skipped: Bound | undefined
  const bound = ({ stamp, prefix }: Bound) => {
    parts.push(
      varint(stamp === infinity ? 0 : stamp - lastStamp + 1),
      varint(prefix.length / 2),
      Buffer.from(prefix, 'hex'),
    )
    lastStamp = stamp
  }
  const begin = (upper: Bound) => {
    if (skipped !== undefined) {
      bound(skipped)
      parts.push(varint(skip))
    }
    skipped = undefined
    bound(upper)
  }
  return {
    /** Neighbouring skips become one, and one at the end is not written. */
    skip(upper: Bound) {
      skipped = upper
    },
    fingerprint(upper: Bound, range: readonly Item[]) {
      begin(upper)
      parts.push(varint(fingerprint), Buffer.from(fingerprintOf(range), 'hex'))
    },
    ids(upper: Bound, range: readonly Item[]) {
      begin(upper)
      parts.push(varint(idList), varint(range.length), ...range.map(({ id }) => Buffer.from(id, 'hex')))
    },
    hex: () => Buffer.concat(parts).toString('hex'),
  }
}
