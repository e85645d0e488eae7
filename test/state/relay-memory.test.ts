// A relay that is slow and honest gets its turn.
import { describe, expect, test } from 'vitest'
import { foreign } from '../../src/sanitize.ts'
import type { RelayMemory, Sweep } from '../../src/state/kept-relay.ts'
import { askLimitOf, knownWraps, recordNip77, relaysToProbe } from '../../src/state/relay-limits.ts'
import {
  patienceFor,
  type RelayObservation,
  recordMailboxAnswers,
  recordObservations,
  relayFacts,
} from '../../src/state/relay-memory.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const url = 'wss://slow.example'
const late = [{ relay: url, complete: false }]
const state = { index: emptyIndex(), logs: {} }

test('a relay that has been late for half an hour is waited for, and then again half an hour later', () => {
  const first = recordMailboxAnswers(state, late, 10_000)
  expect(patienceFor(first.index.relays[url], 11_000)).toBe(0)
  expect(patienceFor(first.index.relays[url], 11_800)).toBe(3000)
  const waited = recordMailboxAnswers(first, late, 11_800)
  expect(patienceFor(waited.index.relays[url], 11_900)).toBe(0)
  expect(patienceFor(waited.index.relays[url], 13_600)).toBe(3000)
  // Also by a clock that was set back, which must not stop it until it has caught up.
  expect(patienceFor(waited.index.relays[url], 8_200)).toBe(3000)
})

test('a complete answer forgets that it was late, and keeps the cursor', () => {
  const held = {
    ...state,
    index: { ...state.index, relays: { [url]: { cursor: 5, incompleteSince: 1, longWaitAt: 2 } } },
  }
  expect(recordMailboxAnswers(held, [{ relay: url, complete: true }], 10_000).index.relays[url]).toEqual({ cursor: 5 })
  expect(patienceFor(undefined, 10_000)).toBe(0)
})

test('nothing to note leaves the state the same object', () => {
  expect(recordMailboxAnswers(state, [{ relay: url, complete: true }], 10_000)).toBe(state)
})

describe('a relay that speaks NIP-77', () => {
  const stamps = Array.from({ length: 250 }, (_, n): [string, number] => [`${n}`, 10_000 + n])
  const speaks = (at: number) => ({ [url]: { negentropy: { speaks: true, at } } })
  const index = { ...state.index, seen: Object.fromEntries(stamps), relays: speaks(9_000) }

  test('is told what we hold of its window, where that is much', () => {
    expect(knownWraps(index, url, 10_050)).toEqual(stamps.slice(50))
    expect(knownWraps(index, url, 10_051)).toBeUndefined()
    expect(knownWraps(index, 'wss://other.example', 0)).toBeUndefined()
  })

  test('and leaves us without an answer is asked in the old way for a day, complete or not', () => {
    for (const complete of [true, false]) {
      const after = recordMailboxAnswers(
        { ...state, index },
        [{ relay: url, complete, reconciled: false }],
        10_000,
      ).index
      expect(after.relays[url]?.negentropy).toEqual({ speaks: false, at: 10_000 })
      expect(knownWraps(after, url, 0)).toBeUndefined()
      const answers = [{ relay: url, known: 250 }]
      expect(relaysToProbe(after, answers, 10_000 + 86_399)).toEqual([])
      expect(relaysToProbe(after, answers, 10_000 + 86_400)).toEqual([url])
    }
  })

  test('and was cut off before it could say anything is asked again', () => {
    const after = recordMailboxAnswers({ ...state, index }, [{ relay: url, complete: false }], 10_000).index
    expect(knownWraps(after, url, 0)).toHaveLength(250)
  })
})

describe('a relay that wants to be left alone', () => {
  const T = 1_795_000_000
  const seen = (more: Partial<RelayObservation> = {}): RelayObservation[] => [
    { url, dials: 1, reached: false, ...more },
  ]
  const rebuff = { at: 1, why: foreign`slow down` }
  const noted = (memory: RelayMemory, observed: RelayObservation[], now = T) =>
    recordObservations({ ...state, index: { ...state.index, relays: { [url]: memory } } }, observed, now).index.relays[
      url
    ]
  const known = (memory: RelayMemory, now = T) =>
    relayFacts({ ...state.index, relays: { [url]: memory } }, now).get(url)

  test('and names no time rests for half a minute, twice as long each time, but no longer than a presence lasts', () => {
    let memory: RelayMemory = {}
    let now = T
    const rests = Array.from({ length: 6 }, () => {
      memory = noted(memory, seen({ rebuff: { ...rebuff, at: now } }), now) ?? {}
      const rest = (memory.backoff?.until ?? now) - now
      now = memory.backoff?.until ?? now
      return rest
    })
    expect(rests).toEqual([30, 60, 120, 240, 300, 300])
  })

  test('with what we publish rests for a few seconds at first, and from the first again once it has taken something', () => {
    const writes = { ...rebuff, only: 'write' as const }
    const first = noted({}, seen({ reached: true, rebuff: writes })) ?? {}
    expect(first.backoff).toMatchObject({ until: T + 5, tries: 1 })
    const second = noted(first, seen({ reached: true, rebuff: { ...writes, at: 2 } }), T + 6) ?? {}
    expect(second.backoff).toMatchObject({ until: T + 6 + 10, tries: 2 })
    // What was taken before it refused says nothing.
    expect(noted(second, seen({ reached: true, took: 2 }), T + 7)).toEqual(second)
    expect(noted(second, seen({ reached: true, took: 3 }), T + 7)).toEqual({})
    // Of one run that was refused and then not.
    expect(noted(second, seen({ reached: true, rebuff: { ...writes, at: 5 }, took: 6 }), T + 20)).toEqual({})
    const again = noted(second, seen({ reached: true, rebuff: { ...writes, at: 7 }, took: 6 }), T + 20)
    expect(again?.backoff).toMatchObject({ until: T + 25, tries: 1 })
    // That it takes what is published does not mean that it may be asked.
    const asks = { backoff: { at: 1, until: T + 50, tries: 4, why: foreign`slow down`, only: 'read' as const } }
    expect(noted(asks, seen({ reached: true, took: 9 }))).toEqual(asks)
  })

  test('and names one rests as long, but no longer than a day', () => {
    expect(noted({}, seen({ rebuff: { ...rebuff, seconds: 40 } }))?.backoff).toMatchObject({
      until: T + 40,
      named: true,
    })
    expect(noted({}, seen({ rebuff: { ...rebuff, seconds: 9e9 } }))?.backoff).toMatchObject({ until: T + 86_400 })
  })

  test('is known to the next run until then, and to none whose clock was set back', () => {
    const memory: RelayMemory = { backoff: { at: 1, until: T + 30, tries: 1, why: foreign`slow down`, only: 'write' } }
    expect(known(memory)).toEqual({
      backoff: { until: 1000 * (T + 30), why: foreign`slow down`, firm: false, only: 'write' },
    })
    expect(known(memory, T + 30)).toBeUndefined()
    expect(known(memory, T - 10 * 86_400)).toBeUndefined()
  })

  test('is noted once by a run that writes twice, and by parallel ones', () => {
    const once = noted({}, seen({ rebuff })) ?? {}
    expect(noted(once, seen({ rebuff }), T + 2)).toEqual(once)
  })

  test('and then answers is as it was before', () => {
    const rest = { at: 1, until: T + 50, tries: 4, why: foreign`slow down` }
    expect(noted({ cursor: 5, backoff: rest }, seen({ reached: true }))).toEqual({ cursor: 5 })
    expect(noted({ backoff: rest }, seen())).toMatchObject({ backoff: rest })
    // Reading goes on while it rests from what we publish, and says nothing of that.
    const writes = { ...rest, only: 'write' as const }
    expect(noted({ backoff: writes }, seen({ reached: true }))).toEqual({ backoff: writes })
    expect(noted({ backoff: writes }, seen({ reached: true }), T + 400)).toEqual({})
  })

  test('and could not be reached is remembered with when that began', () => {
    expect(noted({}, seen())).toEqual({ unreachableSince: T })
    expect(noted({ unreachableSince: T - 50 }, seen())).toEqual({ unreachableSince: T - 50 })
    expect(noted({ unreachableSince: T - 50 }, seen({ reached: true }))).toEqual({})
  })

  test('or takes no large messages is believed for a day', () => {
    const memory = noted({}, seen({ reached: true, frame: 16_384 })) ?? {}
    expect(memory).toEqual({ limits: { at: T, maxMessageBytes: 16_384 } })
    expect(known(memory, T + 86_399)).toEqual({ frame: 16_384 })
    expect(known(memory, T + 86_400)).toBeUndefined()
  })

  test('or answers few questions at a time is believed for a day, and the others that it has shown no longer for that', () => {
    const memory = noted({}, seen({ reached: true, subscriptions: 3 })) ?? {}
    expect(memory).toEqual({ limits: { at: T, subscriptions: 3 } })
    expect(known(memory, T + 86_399)).toEqual({ subscriptions: 3 })
    expect(known(memory, T + 86_400)).toBeUndefined()
    const both = noted(memory, seen({ reached: true, frame: 16_384 }), T + 10) ?? {}
    expect(both.limits).toEqual({ at: T + 10, subscriptions: 3, maxMessageBytes: 16_384 })
    expect(noted(both, seen({ reached: true, subscriptions: 2 }), T + 90_000)?.limits).toEqual({
      ...{ at: T + 90_000, subscriptions: 2 },
    })
  })

  test('and says how many questions it answers is believed, unless it has shown that they are fewer', () => {
    const said = (memory: RelayMemory, subscriptions: number, now = T) =>
      relayFacts(
        recordNip77(
          { ...state, index: { ...state.index, relays: { [url]: memory } } },
          [{ relay: url, speaks: false, subscriptions }],
          now,
        ).index,
        now,
      ).get(url)?.subscriptions
    expect(said({}, 20)).toBe(20)
    const shown = { limits: { at: T, subscriptions: 3 } }
    expect([said(shown, 20), said(shown, 2), said(shown, 20, T + 86_400)]).toEqual([3, 2, 20])
  })

  test('is one of few that are remembered, however many peers name', () => {
    const sweep = { since: 1, until: 500, top: 900, began: T, cursor: T }
    const own = { [url]: { cursor: T }, 'wss://new.example': { sweep } }
    const many = Array.from({ length: 500 }, (_, n) => ({ url: `wss://r${n}.example`, dials: 1, reached: false }))
    const limiting = { 'wss://limiting.example': { dialLimit: { at: T + 400, cron: T + 400 } } }
    let held: State = { ...state, index: { ...state.index, relays: { ...own, ...limiting } } }
    for (const [n, one] of many.entries()) held = recordObservations(held, [one], T + n)
    const { relays } = held.index
    expect(Object.keys(relays)).toHaveLength(200)
    expect(relays).toMatchObject({ ...own, ...limiting, 'wss://r499.example': { unreachableSince: T + 499 } })
    expect(relays).not.toHaveProperty('wss://r0.example')
  })
})

describe('a relay that met a bound of ours', () => {
  const sweep: Sweep = { since: 1, until: 500, top: 900, began: 1_000, cursor: 1_000 }
  const held = (memory: RelayMemory): State => ({ ...state, index: { ...state.index, relays: { [url]: memory } } })

  test('is not late, and goes on with the next run', () => {
    const after = recordMailboxAnswers(state, [{ relay: url, complete: false, reached: 500, sweep }], 1_000)
    expect(after.index.relays[url]).toEqual({ sweep })
  })

  test('begins anew where it was given up, and not where a parallel run has begun another', () => {
    const stalled = [{ relay: url, complete: false, stalled: 1_000 }]
    expect(recordMailboxAnswers(held({ sweep }), stalled, 2_000).index.relays[url]).toEqual({ incompleteSince: 2_000 })
    const other = { ...sweep, began: 1_500 }
    expect(recordMailboxAnswers(held({ sweep: other }), stalled, 2_000).index.relays[url]?.sweep).toEqual(other)
  })

  test('keeps what it has shown not to be asked for', () => {
    const after = recordMailboxAnswers(state, [{ relay: url, complete: true, limit: 100 }], 1_000)
    expect(askLimitOf(after.index.relays[url], 1_000 + 86_399)).toBe(100)
    expect(askLimitOf(after.index.relays[url], 1_000 + 86_400)).toBeUndefined()
  })
})
