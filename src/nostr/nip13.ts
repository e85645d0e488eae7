// NIP-13, proof of work: how much an event carries, and how much of the time it takes to make one.
import { eventId, type Rumor } from './event.ts'

/** What is hashed: an event that is neither named nor signed yet. */
export type Unhashed = Omit<Rumor, 'id'>

export type Mining = {
  /** Unix milliseconds; when it has passed the search ends without a result. */
  deadline: number
  clock: () => number
  /** Told now and then how many hashes were tried. */
  progress?: (tried: number) => void
}

/** Bits of work that an event commits to and carries; 0 without a nonce tag. At most 256. */
export function difficulty({ id, tags }: Pick<Rumor, 'id' | 'tags'>): number {
  const nonce = tags.find((t) => t[0] === 'nonce')
  const target = /^\d{1,3}$/.test(nonce?.[2] ?? '') ? Number(nonce?.[2]) : 0
  // "if you require 40 bits … reject a committed target difficulty of 30": what was luck does not count.
  return Math.min(leadingZeroBits(id), target)
}

/** The same event with a nonce that gives its id so many leading zero bits; undefined when the time was too short. */
export function mine(event: Unhashed, bits: number, { deadline, clock, progress }: Mining): Unhashed | undefined {
  if (bits <= 0) return event
  for (let n = 0; ; n++) {
    if (n % 1024 === 0 && n > 0) {
      progress?.(n)
      if (clock() > deadline) return undefined
    }
    const tried = { ...event, tags: [...event.tags, ['nonce', String(n), String(bits)]] }
    if (leadingZeroBits(eventId(tried)) >= bits) return tried
  }
}

/** Leading zero bits of 64 hex digits. */
export function leadingZeroBits(id: string): number {
  const digits = /^0*/.exec(id)?.[0].length ?? 0
  const next = id[digits]
  return next === undefined ? 256 : digits * 4 + Math.clz32(Number.parseInt(next, 16)) - 28
}
