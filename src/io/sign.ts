// A sign of life at a terminal: what is being waited for, once it takes long, and gone when it is over.
import type { OpenWraps } from './mailroom.ts'
import type { Pool } from './relays.ts'

/** Draws over the last line of a terminal; undefined where there is none. */
export type Draw = ((text: string) => void) | undefined

/** What is over sooner needs no words, in ms. */
const SHORT = 1_500

/** So many letters take long to open. */
const MANY = 500

export function signedFetch(fetch: Pool['fetch'], draw: Draw): Pool['fetch'] {
  if (draw === undefined) return fetch
  return async (asks, fetching) => {
    const relays = new Set(asks.map((ask) => ask.relay)).size
    let drawn = false
    const timer = setTimeout(() => {
      drawn = true
      draw(`asking ${relays} ${relays === 1 ? 'relay' : 'relays'} …`)
    }, SHORT)
    try {
      return await fetch(asks, fetching)
    } finally {
      clearTimeout(timer)
      if (drawn) draw('')
    }
  }
}

export function signedOpening(open: OpenWraps, draw: Draw): OpenWraps {
  if (draw === undefined) return open
  return async (wraps, until) => {
    if (wraps.length < MANY) return await open(wraps, until)
    // Said before: opening leaves no time for it.
    draw(`opening ${wraps.length} letters …`)
    try {
      return await open(wraps, until)
    } finally {
      draw('')
    }
  }
}
