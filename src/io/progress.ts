// How far long work is: one line that changes on a terminal, elsewhere a line now and then, so that whoever waits knows it goes on.

export type Progress = {
  /** Bytes that are done, of how many; 0 when nobody knows. */
  at(done: number, of: number): void
  /** Leaves the terminal's line: always, in the end. */
  end(): void
}

export type Screen = {
  /** Prints a line. */
  say: (line: string) => void
  /** Draws over the last line of a terminal; undefined where there is none. */
  draw: ((text: string) => void) | undefined
  now: () => number
}

/** What is over sooner needs no words, in ms; later there is a line every so often. */
const SHORT = 1_500
const EVERY = { line: 10_000, drawing: 200 }

export function openProgress(what: string, { say, draw, now }: Screen): Progress {
  let next = now() + SHORT
  let drawn = false
  return {
    at(done, of) {
      if (now() < next) return
      const far = of > 0 ? `${Math.floor((100 * done) / of)}%, ${size(done)} of ${size(of)}` : size(done)
      next = now() + (draw === undefined ? EVERY.line : EVERY.drawing)
      if (draw === undefined) return say(`${what}: ${far}`)
      drawn = true
      draw(`${what}: ${far}`)
    },
    end() {
      if (drawn) draw?.('')
    },
  }
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
