// Dice that fall the same way whenever they are thrown again: a case is known by the words that name it.

export type SeededChoices = {
  /** A whole number from 0 to below `below`. */
  int(below: number): number
  pick<T>(list: readonly T[]): T
  /** True so often in a hundred. */
  often(percent: number): boolean
  bytes(length: number): Uint8Array
}

/** Choices that are the same whenever the same name is given. */
export function choicesOf(name: string): SeededChoices {
  let state = seedOf(name)
  // Mulberry32: 32 bits of state, which is enough to make cases and for nothing else.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const int = (below: number) => Math.floor((next() / 2 ** 32) * below)
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
