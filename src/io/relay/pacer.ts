// How fast we may speak on one connection: a burst at once, then one thing every so often.

export type PacerSettings = {
  /** Events that may go out at once. */
  burst: number
  /** Milliseconds between events after that. */
  gapMs: number
}

export type Pacer = {
  /** Takes the next turn: milliseconds from now until it. */
  turn(): number
  /** No turn within the next `ms`: the relay has asked us to slow down. */
  hold(ms: number): void
}

/** `now` is in milliseconds. */
export function openPacer({ burst, gapMs }: PacerSettings, now: () => number): Pacer {
  // When all turns given out so far would be used up at one per gap; a burst is that far ahead of the clock.
  let due = 0
  return {
    turn() {
      due = Math.max(due, now()) + gapMs
      return Math.max(0, due - now() - burst * gapMs)
    },
    hold(ms) {
      due = Math.max(due, now() + ms + (burst - 1) * gapMs)
    },
  }
}
