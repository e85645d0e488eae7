// Preloaded into a child process (CLOCK_AHEAD_MS=1200000 node --require wrong-clock.cjs) it makes the clock go wrong by so many
// milliseconds.
const ahead = Number(process.env.CLOCK_AHEAD_MS)
const Real = Date

globalThis.Date = class extends Real {
  constructor(...parts) {
    if (parts.length === 0) super(Real.now() + ahead)
    else super(...parts)
  }

  static now() {
    return Real.now() + ahead
  }
}
