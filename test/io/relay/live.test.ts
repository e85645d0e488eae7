// The small pieces behind a long wait: what is remembered, queued and tried again stays within bounds.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAuth } from '../../../src/io/relay/auth.ts'
import { openLiveSubscriptions } from '../../../src/io/relay/live.ts'
import { openPacer, type Pacer } from '../../../src/io/relay/pacer.ts'
import { recentIds } from '../../../src/io/relay/recent-ids.ts'
import { openSubscription } from '../../../src/io/relay/subscription.ts'
import { openTurns } from '../../../src/io/relay/turns.ts'
import type { Reason } from '../../../src/nostr/messages.ts'
import { foreign } from '../../../src/sanitize.ts'
import { emptyWrapFor } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import { farDeadline, nowSeconds } from '../../support/scripted-relay.ts'

const megabyte = 1_048_576
const event = emptyWrapFor(alice, nowSeconds())
const numbered = (n: number) => ({ ...event, id: n.toString(16).padStart(64, '0') })
const relay = 'ws://relay.example'

test('recent remembers the newest so many, and forgets the oldest first', () => {
  const ids = recentIds(2)
  for (const id of ['a', 'b', 'a', 'c']) ids.add(id)
  expect(['a', 'b', 'c'].map(ids.has)).toEqual([false, true, true])
})

describe('the pacer', () => {
  const turnsOf = (pacer: Pacer) => () => pacer.turnWithin(60_000)

  test('gives a burst at once and then a turn per gap', () => {
    const turn = turnsOf(openPacer({ burst: 3, gapMs: 100 }, () => 5_000))
    expect([1, 2, 3, 4, 5].map(turn)).toEqual([0, 0, 0, 100, 200])
  })

  test('gives a burst again after a rest', () => {
    let now = 5_000
    const turn = turnsOf(openPacer({ burst: 2, gapMs: 100 }, () => now))
    expect([turn(), turn(), turn()]).toEqual([0, 0, 100])
    now += 1_000
    expect([turn(), turn(), turn()]).toEqual([0, 0, 100])
  })

  test('gives no turn while it is held, and no burst after', () => {
    const pacer = openPacer({ burst: 3, gapMs: 100 }, () => 5_000)
    const turn = turnsOf(pacer)
    pacer.hold(400)
    expect([turn(), turn()]).toEqual([400, 500])
  })
})

describe('the queue', () => {
  const live = () => openLiveSubscriptions(Date.now, { firstMs: 1, longestMs: 1 })

  test('gives each event once, in order', async () => {
    const { arrived, delivered, next } = live()
    delivered(numbered(3))
    for (const n of [1, 2, 1, 3]) arrived({ event: numbered(n), relay }, 10)
    expect((await next(farDeadline())).map((one) => one.event.id)).toEqual([numbered(1).id, numbered(2).id])
    expect(await next(Date.now())).toEqual([])
  })

  test('takes no more than 64 MiB, and takes what was left out when it comes again', async () => {
    const { arrived, next } = live()
    for (let n = 0; n < 70; n++) arrived({ event: numbered(n), relay }, megabyte)
    expect(await next(farDeadline())).toHaveLength(64)
    for (let n = 0; n < 70; n++) arrived({ event: numbered(n), relay }, megabyte)
    expect(await next(farDeadline())).toHaveLength(6)
  })
})

describe('asking again', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const retry = { firstMs: 1_000, longestMs: 60_000 }
  const refusal = (reason: Reason) => ({ reason, text: foreign`` })

  /** Milliseconds until it asks again, and the failures that it then counts. */
  function pause(failures: number, dice: number, heldMs = 0, reason: Reason = 'unreachable') {
    const { lost } = openLiveSubscriptions(Date.now, retry, () => dice)
    const started = Date.now()
    let result: { ms: number; count: number } | undefined
    lost(refusal(reason), started - heldMs, failures, (count) => {
      result = { ms: Date.now() - started, count }
    })
    vi.runAllTimers()
    return result
  }

  test('waits from one second, twice as long each time, to a minute', () => {
    expect([0, 1, 2, 5, 6, 9, 2_000].map((n) => pause(n, 1)?.ms)).toEqual([
      1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
    ])
  })

  test('waits half of that at least', () => {
    expect([0, 1, 2, 9].map((n) => pause(n, 0)?.ms)).toEqual([1_000, 1_000, 2_000, 30_000])
  })

  test('counts failures, and happens at once after a subscription that held', () => {
    expect(pause(5, 1, 5_000)).toEqual({ ms: 32_000, count: 6 })
    expect(pause(5, 1, 5_001)).toEqual({ ms: 500, count: 0 })
    expect(pause(5, 0, 5_001)).toEqual({ ms: 0, count: 0 })
  })

  test('waits for as long as the relay is left alone, and counts that for no failure', () => {
    const { lost } = openLiveSubscriptions(Date.now, retry, () => 0.5)
    const began = Date.now()
    const asked: [number, number][] = []
    const refusal = { reason: 'rate-limited' as const, text: foreign``, until: began + 30_000 }
    lost(refusal, began, 4, (count) => asked.push([Date.now() - began, count]))
    vi.runAllTimers()
    expect(asked).toEqual([[30_500, 4]])
  })

  test.each<Reason>(['restricted', 'blocked', 'invalid', 'pow'])('does not happen after %s', (reason) => {
    expect(pause(0, 1, 0, reason)).toBeUndefined()
  })
})

describe('a subscription that stays open', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function opened(live: boolean) {
    const asked: number[] = []
    const began = Date.now()
    const sub = openSubscription(
      { filter: { kinds: [1059] }, live, take: () => undefined },
      {
        auth: openAuth({ url: relay, keys: alice, guest: false, now: Date.now, send: () => {} }),
        turns: openTurns(),
        send: ({ type }) => type === 'REQ' && asked.push(Date.now() - began),
        register: () => 'one',
        unregister: () => {},
        forget: () => {},
        demand: () => {},
        onDoubt: () => {},
      },
    )
    sub.ask()
    return { sub, asked }
  }

  // The attack: none, but a relay that is overloaded for a moment and loses what it is asked; who stays would be deaf for good.
  test('is asked once more where nothing is answered, later each time, and no more once it is', () => {
    const { sub, asked } = opened(true)
    vi.advanceTimersByTime(40_000)
    expect(asked).toEqual([0, 10_000, 30_000])
    sub.eose(undefined)
    vi.advanceTimersByTime(1_000_000)
    expect(asked).toHaveLength(3)
  })

  test('is not asked again while the relay still sends, nor when it is over; nor does any other wait for itself', () => {
    const { sub, asked } = opened(true)
    for (let n = 0; n < 5; n++) {
      vi.advanceTimersByTime(8_000)
      sub.event({ type: 'EVENT', sub: 'one', id: `${n}`, event: {} }, 10)
    }
    sub.close()
    vi.advanceTimersByTime(1_000_000)
    expect(asked).toEqual([0])
    const short = opened(false)
    vi.advanceTimersByTime(1_000_000)
    expect(short.asked).toEqual([0])
  })
})
