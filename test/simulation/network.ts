// Relays that lose, repeat, delay, reorder, lie, refuse and forget. An envelope is not encrypted here: it only has the
// outside of one.

import type { Event, Rumor } from '../../src/nostr/event.ts'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import type { Dice } from './dice.ts'

/** How a relay behaves for a while. */
export type Mood =
  | 'honest'
  | 'liar' // says OK and stores nothing
  | 'refuses' // stores nothing and says so
  | 'mute' // stores, but no OK and no EOSE comes through
  | 'slow' // stores, and shows it hours later
  | 'hiding' // leaves some out and says that this was all
  | 'down'

export const MOODS: readonly Mood[] = [
  'honest',
  'honest',
  'honest',
  'liar',
  'refuses',
  'mute',
  'slow',
  'hiding',
  'down',
]

type Stored = { event: Event; rumor: Rumor; from: number }

export type Relay = { url: string; mood: Mood; boxes: Map<string, Stored[]> }

export type Answer = { complete: boolean; found: OpenedWrap[] }

export type Network = {
  relays: Relay[]
  seal(to: string, stampedAt: number): Event
  /** `at`: the true time. Undefined when no answer comes. */
  publish(relay: Relay, event: Event, rumor: Rumor, at: number): boolean | undefined
  query(relay: Relay, reader: string, since: number, at: number, skip: (id: string) => boolean): Answer
}

const WEEK = 7 * 86_400
const TWO_DAYS = 2 * 86_400

export function openNetwork(dice: Dice, count: number): Network {
  let made = 0
  const relays = Array.from(
    { length: count },
    (_, i): Relay => ({ url: `wss://r${i}`, mood: 'honest', boxes: new Map() }),
  )
  return {
    relays,
    seal(to, stampedAt) {
      made++
      const id = `${made}`.padStart(64, '0')
      const tags = [
        ['p', to],
        ['expiration', String(stampedAt + WEEK)],
      ]
      const created_at = stampedAt - dice.below(TWO_DAYS)
      return { id, pubkey: ONCE, created_at, kind: 1059, tags, content: '', sig: ONCE + ONCE }
    },
    publish(relay, event, rumor, at) {
      const { mood, boxes } = relay
      if (mood === 'down') return undefined
      if (mood === 'refuses') return false
      if (mood === 'liar') return true
      const to = event.tags[0]?.[1] ?? ''
      const box = boxes.get(to) ?? []
      const from = mood === 'slow' ? at + dice.below(36_000) : at
      if (!box.some((s) => s.event.id === event.id)) box.push({ event, rumor, from })
      boxes.set(to, box)
      // The OK may get lost on its way.
      return mood === 'mute' || dice.chance(0.03) ? undefined : true
    },
    query(relay, reader, since, at, skip) {
      const { mood } = relay
      if (mood === 'down') return { complete: false, found: [] }
      const kept = (relay.boxes.get(reader) ?? []).filter(({ event, from }) => {
        const expires = Number(event.tags[1]?.[1])
        return event.created_at >= since && from <= at && expires > at && !skip(event.id)
      })
      const sent = mood === 'hiding' || mood === 'mute' ? kept.filter(() => dice.chance(0.5)) : kept
      return { complete: mood !== 'mute', found: dice.shuffle(sent).map(opened) }
    },
  }
}

const ONCE = 'f'.repeat(64)

function opened({ event, rumor }: Stored): OpenedWrap {
  return { wrap: event.id, stamp: event.created_at, bits: 0, rumor }
}
