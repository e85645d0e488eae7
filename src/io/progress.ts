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
const SILENT_FOR = 1_500
const LINE_EVERY = { line: 10_000, drawing: 200 }

export function openProgress(what: string, { say, draw, now }: Screen): Progress {
  let next = now() + SILENT_FOR
  let drawn = false
  return {
    at(done, of) {
      if (now() < next) return
      const far = of > 0 ? `${Math.floor((100 * done) / of)}%, ${formatSize(done)} of ${formatSize(of)}` : formatSize(done)
      next = now() + (draw === undefined ? LINE_EVERY.line : LINE_EVERY.drawing)
      if (draw === undefined) return say(`${what}: ${far}`)
      drawn = true
      draw(`${what}: ${far}`)
    },
    end() {
      if (drawn) draw?.('')
    },
  }
}

function formatSize(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
