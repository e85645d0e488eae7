// How wrong our clock is, as the relays tell.

/** A difference that relays and deadlines forgive. */
const CLOCK_TOLERANCE = 60

/**
 * By how many seconds our clock is ahead of the relays', by how far each of them says that it is; 0 while that is too little to matter.
 */
// The median, so that one relay that lies about the time moves nothing while two tell the truth.
export function medianClockError(clocks: readonly number[]): number {
  const sorted = [...clocks].sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return Math.abs(middle) > CLOCK_TOLERANCE ? middle : 0
}
