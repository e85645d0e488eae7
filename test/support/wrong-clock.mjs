// Preloaded into a child process (node --import clock.mjs?ms=1200000) it makes the clock go wrong by so many milliseconds.
const ahead = Number(new URL(import.meta.url).searchParams.get('ms'))
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
