// Random choices that are the same each time: a case is named by the words that seed it.
import { seededRandom } from '../relay/faults.ts'

export type SeededChoices = {
  /** A whole number from 0 to below `below`. */
  int(below: number): number
  pick<T>(list: readonly T[]): T
  /** True in `percent` cases of a hundred. */
  often(percent: number): boolean
  bytes(length: number): Uint8Array
}

/** Choices that are the same whenever the same name is given. */
export function choicesOf(name: string): SeededChoices {
  const random = seededRandom(seedOf(name))
  const int = (below: number) => Math.floor(random() * below)
  return {
    int,
    pick: (list) => {
      const one = list[int(list.length)]
      if (one === undefined) throw new RangeError('nothing to pick from')
      return one
    },
    often: (percent) => int(100) < percent,
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  }
}

// FNV-1a.
function seedOf(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash | 0
}
