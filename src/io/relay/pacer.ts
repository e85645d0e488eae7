// How fast we may speak on one connection: a burst at once, then one thing every so often.

export type PacerSettings = {
  /** Events that may go out at once. */
  burst: number
  /** Milliseconds between events after that. */
  gapMs: number
}

export type Pacer = {
  /** Takes the next turn, if it comes within `ms` milliseconds: ms from now until it. Undefined, and not taken, if it does not. */
  turnWithin(ms: number): number | undefined
  /** No turn within the next `ms`: the relay has asked us to slow down. */
  hold(ms: number): void
}

/** Hands out turns: a burst at once, then one per gap. `now` is in milliseconds. */
export function openPacer({ burst, gapMs }: PacerSettings, now: () => number): Pacer {
  // When all turns given out so far would be used up at one per gap; a burst is that far ahead of the clock.
  let due = 0

  function turnWithin(ms: number): number | undefined {
    const next = Math.max(due, now()) + gapMs
    const wait = Math.max(0, next - now() - burst * gapMs)
    // A turn that would come too late is not taken: others must not wait because of it.
    if (wait > 0 && wait >= ms) return undefined
    due = next
    return wait
  }

  return {
    turnWithin,
    hold(ms) {
      due = Math.max(due, now() + ms + (burst - 1) * gapMs)
    },
  }
}
