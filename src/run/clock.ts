// How wrong our clock is by what relays tell, and how far that is believed.

/** Seconds of difference that relays and deadlines forgive, and within which two relays agree. */
const CLOCK_TOLERANCE = 60

/**
 * Our clock against the relays', in seconds. `reportedAhead`: how far ours is ahead of theirs, 0 while it is right or nobody knows.
 * `ahead`: what is taken off the dates of what we publish. `lag`: how much later than such a date the relays' time may be.
 */
export type RelayClock = { reportedAhead: number; ahead: number; lag: number }

export const RIGHT_CLOCK: RelayClock = { reportedAhead: 0, ahead: 0, lag: 0 }

/** A relay, and by how much our clock is ahead of it, in seconds, where it has told its time. */
export type ToldClock = { url: string; clockAhead?: number | undefined }

/**
 * What relays tell of our clock. Only relays of our own choice may say that it is wrong, and only two that agree: a peer's relay may
 * answer with a date of 2035, and relays would take whatever we published then for newer than all that follows.
 *
 * The only relay of an agent is believed so far that the user is warned and dates are set back; nothing is dated ahead of our clock on
 * the word of one relay.
 */
export function readRelayClock(relays: readonly ToldClock[], own: readonly string[]): RelayClock {
  const clocks = relays.flatMap(({ url, clockAhead }) =>
    own.includes(url) && clockAhead !== undefined ? [clockAhead] : [],
  )
  const [alone] = clocks
  if (own.length === 1 && alone !== undefined) {
    if (Math.abs(alone) <= CLOCK_TOLERANCE) return RIGHT_CLOCK
    return { reportedAhead: alone, ahead: Math.max(0, alone), lag: Math.max(0, -alone) }
  }
  const agreed = agreedClock(clocks)
  return { reportedAhead: agreed, ahead: agreed, lag: 0 }
}

/** What the largest group of at least two that agree says; 0 where that is within the tolerance, or as large a group disagrees. */
function agreedClock(clocks: readonly number[]): number {
  const groups = clocks.map((one) => clocks.filter((other) => Math.abs(other - one) <= CLOCK_TOLERANCE))
  const largest = Math.max(0, ...groups.map((group) => group.length))
  const middles = groups.filter((group) => group.length === largest).map(middleOf)
  const isSplit = middles.some((one) => Math.abs(one - (middles[0] ?? 0)) > CLOCK_TOLERANCE)
  const [agreed = 0] = middles
  return largest < 2 || isSplit || Math.abs(agreed) <= CLOCK_TOLERANCE ? 0 : agreed
}

function middleOf(clocks: readonly number[]): number {
  const sorted = [...clocks].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

/**
 * Seconds by which our clock is ahead of the relays', 0 within the tolerance. It is the median, so that one relay that lies moves
 * nothing while two tell the truth.
 */
export function medianClockError(clocks: readonly number[]): number {
  const middle = middleOf(clocks)
  return Math.abs(middle) > CLOCK_TOLERANCE ? middle : 0
}
