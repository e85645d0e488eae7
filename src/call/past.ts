// What a call's own file still says of the words that have left it for chapters: as much as every command needs.
import { isHex32 } from '../nostr/crypto.ts'
import { LIMIT, type Range } from './signal.ts'

export type Past = {
  /** The numbers of the first and the last chapter. */
  chapters: Range
  /** How many rumors lie in them, how many of these are our own (all delivered), and how many are messages. */
  entries: number
  own: number
  messages: number
  /** How far each key's rumors lie in chapters, by its last seq there: without a gap, but for those that stayed. */
  seqs: Readonly<Record<string, number>>
  /** The highest Lamport clock among them, and when the last of them was said, unix seconds. */
  lc: number
  last: number
}

/** Undefined when it is damaged. */
export function parsePast(value: unknown): Past | undefined {
  if (!isRecord(value) || !Array.isArray(value.chapters) || !isRecord(value.seqs)) return undefined
  const [first, final, ...more]: unknown[] = value.chapters
  const { entries, own, messages, lc, last } = value
  const seqs = Object.entries(value.seqs).filter(
    (pair): pair is [string, number] => isHex32(pair[0]) && isCount(pair[1], LIMIT.seq),
  )
  if (seqs.length !== Object.keys(value.seqs).length || more.length > 0) return undefined
  if (!isCount(entries) || !isCount(own) || !isCount(messages) || !isCount(last)) return undefined
  if (!isCount(lc, LIMIT.seq) || !isCount(first) || !isCount(final)) return undefined
  // A chapter is never empty: a damaged number must not make us look for a million files.
  if (first < 1 || final < first || final - first >= entries || own > entries || messages > entries) return undefined
  return { chapters: [first, final], entries, own, messages, seqs: Object.fromEntries(seqs), lc, last }
}

function isCount(value: unknown, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
