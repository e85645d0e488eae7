// How numbers and ids are read from the tags of a rumor: one spelling, or none.
import { LIMIT } from './signal.ts'

/** Whether a text is exactly that many lower-case hex digits. */
export function isHex(text: string, length: number): boolean {
  return text.length === length && /^[0-9a-f]*$/.test(text)
}

/** A plain decimal from 1 to 1,000,000; undefined for anything else, also for "1e3", "0x10", "+1" and " 1". */
export function count(word: string | undefined): number | undefined {
  if (word === undefined || !/^[1-9]\d{0,6}$/.test(word)) return undefined
  const n = Number(word)
  return n <= LIMIT.seq ? n : undefined
}
