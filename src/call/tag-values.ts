// How numbers are read from the tags of a rumor: in one spelling, or not at all.
import { LIMIT } from './signal.ts'

/** A plain decimal from 1 to 1,000,000; undefined for anything else, also for "1e3", "0x10", "+1" and " 1". */
export function count(word: string | undefined): number | undefined {
  if (word === undefined || !/^[1-9]\d{0,6}$/.test(word)) return undefined
  const n = Number(word)
  return n <= LIMIT.seq ? n : undefined
}
