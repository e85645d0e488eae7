// How far long work is: at a terminal one line that changes and is gone when the work is over, elsewhere a line now and then, so that
// whoever waits knows that it goes on.

import type { Pool } from './relay/pool.ts'
import type { UnwrapAll } from './unwrap-worker.ts'

export type Progress = {
  /** Bytes that are done, of how many; 0 when nobody knows. */
  at(done: number, of: number): void
  /** Clears the line at the terminal. Must be called at the end, however the work ended. */
  end(): void
}

export type Screen = {
  /** Prints a line. */
  say: (line: string) => void
  /** Draws over the last line of a terminal; undefined where there is none. */
  draw: ((text: string) => void) | undefined
  now: () => number
}

/** Work that takes fewer ms than this is not spoken of; after that a line comes every `LINE_EVERY` ms. */
const SILENT_FOR = 1_500
const LINE_EVERY = { line: 10_000, drawing: 200 }

/** Opens the progress of a piece of work. `what`: what is being done, as a line begins. */
export function openProgress(what: string, { say, draw, now }: Screen): Progress {
  let next = now() + SILENT_FOR
  let drawn = false
  return {
    at(done, of) {
      if (now() < next) return
      const far =
        of > 0 ? `${Math.floor((100 * done) / of)}%, ${formatSize(done)} of ${formatSize(of)}` : formatSize(done)
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

/** Draws over the last line of a terminal; undefined where there is none. */
export type Draw = ((text: string) => void) | undefined

/** From this many wraps on opening them takes long. */
const MANY_WRAPS = 500

/** The same `fetch`, which draws how many relays it asks where that takes longer than `SILENT_FOR`. */
export function showAsking(fetch: Pool['fetch'], draw: Draw): Pool['fetch'] {
  if (draw === undefined) return fetch
  return async (asks, fetching) => {
    const relays = new Set(asks.map((ask) => ask.relay)).size
    let drawn = false
    const timer = setTimeout(() => {
      drawn = true
      draw(`asking ${relays} ${relays === 1 ? 'relay' : 'relays'} …`)
    }, SILENT_FOR)
    try {
      return await fetch(asks, fetching)
    } finally {
      clearTimeout(timer)
      if (drawn) draw('')
    }
  }
}

/** The same unwrapping, which draws a line where there are many envelopes. */
export function showUnwrapping(open: UnwrapAll, draw: Draw): UnwrapAll {
  if (draw === undefined) return open
  return async (wraps, ...rest) => {
    if (wraps.length < MANY_WRAPS) return await open(wraps, ...rest)
    // Drawn before it begins: opening leaves no time for drawing.
    draw(`opening ${wraps.length} messages …`)
    try {
      return await open(wraps, ...rest)
    } finally {
      draw('')
    }
  }
}
