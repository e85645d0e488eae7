// Where the time went with messages that came late: what relays made of their wraps, and when the other side listened.

import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import type { CallKey } from '../../src/nostr/call-key.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import type { Event } from '../../src/nostr/event.ts'
import { type CallKeyring, unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { callKeyIn } from '../../test/support/call-key-of.ts'
import type { RelayDeed } from '../relay/policy.ts'
import type { Agent } from './agents.ts'

/** Something that happened at a relay (its number, from 1). `at`, and `until` where it took time: Unix ms. */
export type RelayMoment = { relay: number; at: number; until?: number; what: string }

/** A message that came late, or (Infinity) not at all. `at`: when it was sent, `came`: when it came in, Unix ms. */
export type LateMessage = { text: string; at: number; came: number; ended: string }

export type Timeline = {
  /** Notes what a relay has just done. */
  hear(relay: number, deed: RelayDeed): void
  note(moment: RelayMoment): void
  /** Remembers the keys of a call, so that its wraps can be told apart. */
  learn(call: string, agents: readonly Agent[]): void
  /** Lines that say where the time went, for each late message. */
  explain(late: readonly LateMessage[]): string[]
}

/** An empty timeline. */
export function openTimeline(): Timeline {
  const wraps = new Map<string, { event: Event; moments: RelayMoment[] }>()
  const noted: RelayMoment[] = []
  const lines = new Map<string, RelayMoment>()
  const readers: { keys: Keys; callKey: CallKey; name: string }[] = []
  const nameOf = (pubkey: string) => readers.find(({ keys }) => keys.pubkey === pubkey)?.name ?? pubkey.slice(0, 8)

  function textIn(event: Event): string | undefined {
    for (const { keys, callKey } of readers) {
      const opened = unwrap(event, keys, keyringOf(callKey))
      if (opened.ok) return opened.rumor.content
    }
    return undefined
  }

  return {
    hear(relay, deed) {
      const at = Date.now()
      if (deed.type === 'event') {
        const { event, accepted, reason, kept } = deed
        const held = wraps.get(event.id) ?? { event, moments: [] }
        held.moments.push({ relay, at, what: kept ? 'kept' : accepted ? 'said OK' : reason })
        wraps.set(event.id, held)
      } else if (deed.type === 'asked') {
        const line = { relay, at, what: deed.receiver }
        if (!lines.has(`${relay} ${deed.connection}`)) lines.set(`${relay} ${deed.connection}`, line)
      } else {
        const line = lines.get(`${relay} ${deed.connection}`)
        if (line !== undefined) line.until = at
      }
    },
    note: (moment) => void noted.push(moment),
    learn(call, agents) {
      for (const { cwd, name } of agents) {
        const folder = `${cwd}/${name}`
        const callKey = callKeyIn(folder, call)
        const keys = loadIdentity(homeOf(undefined, { HOME: folder }), {})
        if (callKey !== undefined) readers.push({ keys, callKey, name })
      }
    },
    explain(late) {
      const texts = new Set(late.map(({ text }) => text))
      const byText = new Map<string, { wrap: string; moments: RelayMoment[] }[]>()
      for (const { event, moments } of late.length === 0 ? [] : wraps.values()) {
        const text = textIn(event)
        if (text === undefined || !texts.has(text)) continue
        byText.set(text, [...(byText.get(text) ?? []), { wrap: event.id.slice(0, 4), moments }])
      }
      // Only agents that stay: commands come and go within a few seconds.
      const live = [...lines.values()].filter(({ at, until = Date.now() }) => until - at > STAYS)
      return late.flatMap(({ text, at, came, ended }) => {
        const from = (ms: number) => ((ms - at) / 1000).toFixed(1)
        const span = ({ at: begun, until }: RelayMoment) => `${from(begun)}-${until === undefined ? '' : from(until)}`
        const within = (moment: RelayMoment) => (moment.until ?? came) >= at && moment.at <= Math.min(came, at + SHOWN)
        return [
          `${text}: told after ${from(came)} s; ${ended}`,
          ...(byText.get(text) ?? []).map(
            ({ wrap, moments }) =>
              `  wrap ${wrap}: ${moments.map((m) => `${from(m.at)} relay ${m.relay} ${m.what}`).join(', ')}`,
          ),
          `  listened at relay 1: ${live
            .filter((line) => line.relay === 1 && within(line))
            .map((line) => `${nameOf(line.what)} ${span(line)}`)
            .join(', ')}`,
          `  relay 1: ${noted
            .filter((moment) => moment.relay === 1 && within(moment))
            .map((moment) => `${moment.what} ${span(moment)}`)
            .join(', ')}`,
        ]
      })
    },
  }
}

/** Ms of a message's way that are shown. */
const SHOWN = 70_000

/** Connections that last longer than this many ms are those of an agent that stays. */
const STAYS = 6_000

function keyringOf(callKey: CallKey): CallKeyring {
  const { call, peer } = callKey
  return { authors: [peer], callsFor: () => ({ calls: [call], left: 0 }), keyOf: () => callKey, keeps: () => false }
}
