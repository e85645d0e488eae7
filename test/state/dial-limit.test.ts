// Cron at a relay that counts connections: days of it by a simulated clock, every hour of them, whatever comes between.
import { describe, expect, test } from 'vitest'
import { noFaults, openRateLimiter, seededRandom } from '../../scripts/relay/faults.ts'
import { presenceLifetime } from '../../src/call/presence.ts'
import { foreign } from '../../src/sanitize.ts'
import { isSkippedByCron, limitsDials, presenceEvery, spacedUntil } from '../../src/state/dial-limit.ts'
import type { RelayMemory } from '../../src/state/kept-relay.ts'
import { type RelayObservation, recordObservations, relayFacts } from '../../src/state/relay-memory.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const T = 1_795_000_000
const url = 'wss://limiting.example'
const [HOUR, DAY] = [3_600, 86_400]

type Try = { at: number; cron: boolean; taken: boolean }

/**
 * `every`: seconds between two strikes of cron; `burst`: how often the relay lets itself be connected to before it counts, once in five
 * minutes; `others`: seconds between two commands that are not cron's; `drift`: seconds by which the clock is off, at a strike.
 */
type Days = { days: number; every: number; burst: number; others?: number; drift?: (strike: number) => number }

/** What a relay sees of days of one agent. */
function live({ days, every, burst, others, drift = () => 0 }: Days): { tries: Try[]; presences: number[] } {
  const random = seededRandom(burst + every + (others ?? 0))
  const mayDial = openRateLimiter()
  const faults = { ...noFaults(), dialLimit: { seconds: 300, burst } }
  const strikes = Array.from({ length: (days * DAY) / every }, (_, n) => ({
    at: T + n * every + 20 * random(),
    n,
    cron: true,
  }))
  const between = Array.from({ length: others === undefined ? 0 : (days * DAY) / others }, (_, n) => ({
    ...{ at: T + (others ?? 0) * (n + random()), n: 0, cron: false },
  }))
  let state: State = { index: emptyIndex(), logs: {} }
  const tries: Try[] = []
  const presences: number[] = []
  for (const { at, n, cron } of [...strikes, ...between].sort((a, b) => a.at - b.at)) {
    const now = Math.floor(at) + drift(n)
    if (relayFacts(state.index, now, cron).get(url)?.backoff !== undefined) continue
    // A command takes its time until it connects.
    const late = at + 5 * random()
    const taken = mayDial(faults.dialLimit, Math.floor(late))
    tries.push({ at: late, cron, taken })
    const rebuff = { at: 1000 * now, why: foreign`429` }
    const seen: RelayObservation = { url, dials: 1, reached: taken, ...(!taken && { rebuff }) }
    // Each run writes down what it has seen more than once.
    for (let writes = 0; writes < 2; writes++) state = recordObservations(state, [seen], now, cron)
    if (taken && cron) presences.push(late)
  }
  return { tries, presences }
}

/** The most of these times that lie in one hour, wherever it begins. */
function mostInAnHour(times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at <= from + HOUR).length))
}

const JITTERY = (strike: number) => [0, 3, -3, 1][strike % 4] ?? 0

describe('from the first refusal on, cron connects no more than 12 times in any hour', () => {
  test.each<[string, Days, number]>([
    ['every 2 minutes, with nothing left', { days: 2, every: 120, burst: 1 }, 9],
    ['every 2 minutes, after a burst of 100', { days: 2, every: 120, burst: 100 }, 9],
    ['every minute', { days: 1, every: 60, burst: 1 }, 9],
    ['every 5 minutes', { days: 1, every: 300, burst: 1 }, 5],
    ['with a clock that is a few seconds off', { days: 1, every: 120, burst: 1, drift: JITTERY }, 9],
    [
      'with a clock that is set back an hour',
      { days: 1, every: 120, burst: 1, drift: (n) => (n < 300 ? 0 : -HOUR) },
      9,
    ],
    ['with other commands between, each quarter of an hour', { days: 1, every: 120, burst: 100, others: 900 }, 8],
    ['with other commands between, each minute', { days: 1, every: 120, burst: 100, others: 60 }, 0],
  ])('%s', (_, days, least) => {
    const { tries } = live(days)
    const first = tries.findIndex(({ taken }) => !taken)
    expect(first).toBeGreaterThanOrEqual(0)
    const limited = tries.slice(first)
    const crons = limited.filter(({ cron }) => cron)
    expect(mostInAnHour(crons.map(({ at }) => at))).toBeLessThanOrEqual(12)
    // It is not left alone for longer than it must be.
    const hours = ((limited.at(-1)?.at ?? 0) - (limited[0]?.at ?? 0)) / HOUR
    expect(crons.filter(({ taken }) => taken).length / hours).toBeGreaterThan(least)
    const pauses = crons.slice(1).map(({ at }, n) => at - (crons[n]?.at ?? 0))
    expect(Math.max(...pauses)).toBeLessThanOrEqual(310 + days.every + 20 + 5 + 10)
  })
})

test('a presence never lapses at a relay that counts connections, and may miss one', () => {
  for (const every of [60, 120, 240, 300]) {
    const { tries, presences } = live({ days: 1, every, burst: 1 })
    const first = tries.find(({ taken }) => !taken)?.at ?? 0
    const index = { ...emptyIndex(), relays: { [url]: { dialLimit: { at: T, cron: T } } } }
    const lifetime = presenceLifetime(presenceEvery(index, [url], every / 60, T))
    const pauses = presences.slice(1).flatMap((at, n) => (at > first ? [at - (presences[n] ?? 0)] : []))
    expect(pauses.length).toBeGreaterThan(100)
    expect(Math.max(...pauses)).toBeLessThan(lifetime)
  }
})

describe('minutes to the next presence', () => {
  const limiting = { [url]: { dialLimit: { at: T, cron: T } } }
  test.each<[string, Record<string, RelayMemory>, number, number]>([
    ['no relay counts', {}, 2, 2],
    ['one counts, as often as cron can go there', limiting, 2, 6],
    ['one counts, and cron comes seldom', limiting, 10, 10],
  ])('%s', (_, relays, every, minutes) => {
    expect(presenceEvery({ relays }, ['wss://other.example', url], every, T)).toBe(minutes)
  })

  test('and it counts where we are not looked for', () => {
    expect(presenceEvery({ relays: limiting }, ['wss://other.example'], 2, T)).toBe(2)
  })
})

describe('a relay that limits how often we connect', () => {
  const observe = (
    memory: RelayMemory,
    seen: Partial<RelayObservation>,
    now: number,
    unattended = true,
  ): RelayMemory => {
    const state = { index: { ...emptyIndex(), relays: { [url]: memory } }, logs: {} }
    return (
      recordObservations(state, [{ url, dials: 1, reached: true, ...seen }], now, unattended).index.relays[url] ?? {}
    )
  }
  const refused = (at: number) => ({ reached: false, rebuff: { at: 1000 * at, why: foreign`429` } })
  const limited = observe({}, refused(T), T)

  test('is there for whoever is not cron as soon as its rest is over', () => {
    const index = { ...emptyIndex(), relays: { [url]: limited } }
    expect(relayFacts(index, T + 31).get(url)).toBeUndefined()
    expect(relayFacts(index, T + 309, true).get(url)?.backoff).toMatchObject({ until: 1000 * (T + 310), firm: true })
    expect(relayFacts(index, T + 310, true).get(url)).toBeUndefined()
  })

  test('stays known where it also limits what we publish, and a week after its last refusal', () => {
    const only = { rebuff: { at: 1000 * (T + 400), why: foreign`slow down`, only: 'write' as const } }
    const both = observe(limited, only, T + 400)
    expect(both).toMatchObject({ backoff: { only: 'write' }, dialLimit: { at: T, cron: T + 400 } })
    expect(limitsDials(both, T + 7 * DAY - 1)).toBe(true)
    expect(observe(both, {}, T + 7 * DAY).dialLimit).toBeUndefined()
    // One that limits nothing but what we publish does not count connections.
    expect(observe({}, only, T).dialLimit).toBeUndefined()
  })

  test('is met later by cron after a run that has connected more than once, and not after other commands', () => {
    expect(spacedUntil(observe(limited, { dials: 2 }, T + 400), T + 401)).toBe(T + 400 + 620)
    expect(spacedUntil(observe(limited, { dials: 50 }, T + 400), T + 401)).toBe(T + 400 + 930)
    expect(spacedUntil(observe(limited, {}, T + 300, false), T + 301)).toBe(T + 310)
    expect(spacedUntil(observe(limited, refused(T + 305), T + 305, false), T + 306)).toBe(T + 310)
  })

  test('and showed it to another command first is not met by cron at once', () => {
    const index = { ...emptyIndex(), relays: { [url]: observe({}, refused(T), T, false) } }
    expect(relayFacts(index, T + 309, true).get(url)?.backoff).toMatchObject({ until: 1000 * (T + 310) })
    expect(relayFacts(index, T + 310, true).get(url)).toBeUndefined()
  })

  test('is skipped by the next run of cron, and not by the one that is there', () => {
    const met = observe(limited, {}, T + 400)
    expect(isSkippedByCron(met, T + 400)).toBe(false)
    expect(isSkippedByCron(met, T + 520)).toBe(true)
    expect(isSkippedByCron(met, T + 710)).toBe(false)
  })

  test('is left alone by cron with questions too, where what we publish rests for longer', () => {
    const rest = { at: 1, until: T + 800, tries: 1, why: foreign`slow down`, only: 'write' as const }
    const index = { ...emptyIndex(), relays: { [url]: { ...limited, backoff: rest } } }
    expect(relayFacts(index, T + 100, true).get(url)?.backoff).toEqual({
      ...{ until: 1000 * (T + 310), firm: true, why: 'it limits how often we connect' },
    })
    expect(relayFacts(index, T + 310, true).get(url)?.backoff).toMatchObject({ until: 1000 * (T + 800), only: 'write' })
  })

  test('is left alone as long as it says, by cron too', () => {
    const named = observe({}, { reached: false, rebuff: { at: 1000 * T, why: foreign`429`, seconds: 5_000 } }, T)
    const index = { ...emptyIndex(), relays: { [url]: named } }
    expect(relayFacts(index, T + 400, true).get(url)?.backoff).toMatchObject({ until: 1000 * (T + 5_000), firm: true })
  })
})
