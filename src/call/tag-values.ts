// How numbers and ids are read from the tags of a rumor: one spelling, or none.
import { LIMIT } from './signal.ts'

/** Whether it is hex of just that many lower-case digits. */
export function isHex(text: string, length: number): boolean {
  return text.length === length && /^[0-9a-f]*$/.test(text)
}

/**
 * A plain decimal from 1 to 1,000,000, else undefined: "1e3", "0x10", "+1", " 1" and a number that would push our clock to the end of its
 * range are not numbers of a call.
 */
export function count(word: string | undefined): number | undefined {
  if (word === undefined || !/^[1-9]\d{0,6}$/.test(word)) return undefined
  const n = Number(word)
  return n <= LIMIT.seq ? n : undefined
}
