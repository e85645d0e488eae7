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
  /** The same if it comes within so many ms; undefined, and not taken, if it does not. */
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
    // What has no time to wait for its turn must not make others wait for it.
    if (wait > 0 && wait >= ms) return undefined
    due = next
    return wait
  }

  return {
    turn: () => turnWithin(Number.POSITIVE_INFINITY) ?? 0,
    turnWithin,
    hold(ms) {
      due = Math.max(due, now() + ms + (burst - 1) * gapMs)
    },
  }
}
