// A sign of life at a terminal: what is being waited for, once it takes long, and gone when it is over.
import type { UnwrapAll } from './mailroom.ts'
import type { Pool } from './relays.ts'

/** Draws over the last line of a terminal; undefined where there is none. */
export type Draw = ((text: string) => void) | undefined

/** What is over sooner needs no words, in ms. */
const ASKING_SILENT_FOR = 1_500

/** So many letters take long to open. */
const MANY_WRAPS = 500

export function showAsking(fetch: Pool['fetch'], draw: Draw): Pool['fetch'] {
  if (draw === undefined) return fetch
  return async (asks, fetching) => {
    const relays = new Set(asks.map((ask) => ask.relay)).size
    let drawn = false
    const timer = setTimeout(() => {
      drawn = true
      draw(`asking ${relays} ${relays === 1 ? 'relay' : 'relays'} …`)
    }, ASKING_SILENT_FOR)
    try {
      return await fetch(asks, fetching)
    } finally {
      clearTimeout(timer)
      if (drawn) draw('')
    }
  }
}

export function showUnwrapping(open: UnwrapAll, draw: Draw): UnwrapAll {
  if (draw === undefined) return open
  return async (wraps, until) => {
    if (wraps.length < MANY_WRAPS) return await open(wraps, until)
    // Said before: opening leaves no time for it.
    draw(`opening ${wraps.length} letters …`)
    try {
      return await open(wraps, until)
    } finally {
      draw('')
    }
  }
}
