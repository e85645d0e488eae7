// Reading a relay to the end: caps, hints, ties, and relays that do not do what until says.
import { describe, expect, test } from 'vitest'
import { countIn, newPage, pageAfter } from '../../../src/io/relay/paging.ts'
import type { Filter } from '../../../src/nostr/filter.ts'
import { emptyWrapFor, signedEvent } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  nowSeconds,
  startScriptedRelay,
  startTestRelay,
} from '../../support/scripted-relay.ts'

const start = nowSeconds() - 5_000
// Signing is slow, and the relay that holds them does not look.
const wraps = Array.from({ length: 300 }, (_, n) => ({ ...emptyWrapFor(alice, start + n), sig: '0'.repeat(128) }))

async function relayWithWraps(count: number, options: Parameters<typeof startTestRelay>[0] = {}, stamp?: number) {
  const relay = await startTestRelay({ auth: 'none', trust: true, ...options })
  const events =
    stamp === undefined ? wraps.slice(0, count) : Array.from({ length: count }, () => emptyWrapFor(alice, stamp))
  const writer = connectAsAlice(relay.url, { pace: { burst: 1_000, gapMs: 1 } })
  await Promise.all(events.map((event) => writer.publish(event, farDeadline())))
  writer.close()
  const read = (more: Partial<Parameters<typeof writer.query>[0]> = {}, filter: Filter = inboxFilter) =>
    connectAsAlice(relay.url).query({ filter, page: true, deadline: farDeadline(), ...more })
  const requests = () => relay.seen.map(({ frame }) => frame).filter(([verb]) => verb === 'REQ')
  return { relay, events, read, requests }
}

describe('from a relay', () => {
  test('that sends all at once, one page is asked for, of 500', async () => {
    const { read, requests } = await relayWithWraps(49)
    const answer = await read()
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(49)
    expect(requests()).toMatchObject([['REQ', expect.any(String), { ...inboxFilter, limit: 500 }]])
  })

  test.each(['none', 'nip67'] as const)('that caps at 60 (hints: %s), all pages are read', async (hints) => {
    const { read, events } = await relayWithWraps(300, { limit: 60, hints })
    const answer = await read()
    expect(answer).toMatchObject({ complete: true, dropped: 0 })
    expect(new Set(answer.events.map(({ id }) => id))).toEqual(new Set(events.map(({ id }) => id)))
    expect(answer.events).toHaveLength(300)
  })

  test('that says "finish", no further page is asked for', async () => {
    const { read, requests } = await relayWithWraps(100, { hints: 'nip67' })
    expect(await read()).toMatchObject({ complete: true })
    expect(requests()).toHaveLength(1)
  })

  test('that says "more" at ten a page, all pages are read', async () => {
    const { read } = await relayWithWraps(55, { hints: 'nip67', limit: 10 })
    const answer = await read()
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(55)
  })

  test('in any order, all pages are read', async () => {
    const { read } = await relayWithWraps(150, { limit: 60, faults: { shuffle: true, repeat: true } })
    const answer = await read()
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(150)
  })

  test('with events that are known, the pages behind them are read all the same', async () => {
    const { read, events } = await relayWithWraps(150, { limit: 60 })
    // The newest 140 are known, and the unknown ones are on the last page.
    const known = new Set(events.slice(10).map(({ id }) => id))
    const answer = await read({ skip: (id) => known.has(id) })
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(10)
  })

  test('that ignores until, reading stops and is not complete', async () => {
    const { read, requests } = await relayWithWraps(150, { limit: 60, faults: { ignoreUntil: true } })
    const answer = await read()
    expect(answer).toMatchObject({ complete: false, reason: 'partial' })
    expect(answer.text).toMatch(/ignores until/)
    expect(answer.events).toHaveLength(60)
    expect(requests()).toHaveLength(2)
  })

  test('with more events of one second than it sends at a time, the older ones are read and the gap is told', async () => {
    const { relay, read } = await relayWithWraps(80, { limit: 60 }, start - 1)
    const older = wraps.slice(0, 5).map(() => emptyWrapFor(alice, start - 60))
    const writer = connectAsAlice(relay.url)
    for (const event of older) await writer.publish(event, farDeadline())
    const answer = await read()
    expect(answer).toMatchObject({ complete: true, gap: start - 1 })
    expect(answer.events).toHaveLength(65)
  })

  test('with a boundary between pages in the middle of a second, nothing is lost', async () => {
    const relay = await startTestRelay({ auth: 'none', trust: true, limit: 60 })
    const writer = connectAsAlice(relay.url, { pace: { burst: 1_000, gapMs: 1 } })
    // Ten events a second: 60 to a page, shifted by five, so that every boundary splits a second.
    const events = Array.from({ length: 205 }, (_, n) => emptyWrapFor(alice, start + Math.floor((n + 5) / 10)))
    await Promise.all(events.map((event) => writer.publish(event, farDeadline())))
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, page: true, deadline: farDeadline() })
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(205)
  })

  test('that always has more and never sends it, reading stops', async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub, ['more']),
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, page: true, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'partial' })
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('that invents events without end, reading stops at so many pages', async () => {
    let stamp = start
    const relay = await startScriptedRelay({
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        stamp -= 1
        say('EVENT', sub, emptyWrapFor(alice, stamp))
        say('EOSE', sub, ['more'])
      },
    })
    const few = connectAsAlice(relay.url, { bounds: { events: 100, bytes: 1_000_000, pages: 5 } })
    const answer = await few.query({ filter: inboxFilter, page: true, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'partial', text: 'stopped after 5 pages' })
    expect(relay.heard('REQ')).toHaveLength(5)
  })

  test('that is lost between two pages, what came is kept', async () => {
    const { relay, read } = await relayWithWraps(150, { limit: 60 })
    relay.faults.closeAfter = 70
    const answer = await read()
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answer.events.length).toBeGreaterThanOrEqual(60)
  })

  test('live, the first page stays open and later ones are closed', async () => {
    const { relay, read } = await relayWithWraps(150, { limit: 60 })
    const arrived: string[] = []
    const answer = await read({ live: true, onEvent: (event) => arrived.push(event.id) })
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(150)
    const count = (verb: string) => relay.seen.filter(({ frame }) => frame[0] === verb).length
    expect(count('REQ')).toBeGreaterThan(2)
    await expect.poll(() => count('CLOSE')).toBe(count('REQ') - 1)
    const news = emptyWrapFor(alice, start - 9)
    await connectAsAlice(relay.url).publish(news, farDeadline())
    await expect.poll(() => arrived).toEqual([news.id])
  })

  test('live and cut off in the middle, the rest still comes', async () => {
    const { relay } = await relayWithWraps(150, { limit: 60, faults: { delay: 40 } })
    const arrived = new Set<string>()
    const connection = connectAsAlice(relay.url)
    const onEvent = ({ id }: { id: string }) => arrived.add(id)
    const cut = AbortSignal.timeout(60)
    const answer = await connection.query({
      filter: inboxFilter,
      page: true,
      live: true,
      deadline: farDeadline(),
      cut,
      onEvent,
    })
    expect(answer.complete).toBe(false)
    await expect.poll(() => arrived.size + answer.events.length).toBe(150)
  })

  test('without page, one REQ as it is', async () => {
    const { read, requests } = await relayWithWraps(100, { limit: 60 })
    const answer = await read({ page: false }, { ...inboxFilter, limit: 70 })
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(60)
    expect(requests()).toMatchObject([['REQ', expect.any(String), { limit: 70 }]])
  })

  test('other kinds page just as well', async () => {
    const relay = await startTestRelay({ auth: 'none', hints: 'nip67', limit: 2 })
    const connection = connectAsAlice(relay.url)
    for (const n of [1, 2, 3, 4, 5])
      await connection.publish(signedEvent(alice, { created_at: start + n }), farDeadline())
    const answer = await connection.query({ filter: { authors: [alice.pubkey] }, page: true, deadline: farDeadline() })
    expect(answer.complete).toBe(true)
    expect(answer.events).toHaveLength(5)
  })
})

describe('after a page', () => {
  const filled = (filter: Filter, stamps: number[], fresh = stamps.length) => {
    const page = newPage(filter)
    for (const [n, stamp] of stamps.entries()) countIn(page, String(n), stamp, n < fresh)
    return page
  }
  const fifty = Array.from({ length: 50 }, (_, n) => 100 + n)
  const ties = Array.from({ length: 50 }, () => 100)

  test('of 49 events the relay is taken to have no more, of 50 not', () => {
    expect(pageAfter(filled({}, fifty.slice(1)), undefined, 50)).toEqual({ type: 'done' })
    expect(pageAfter(filled({}, fifty), undefined, 50)).toEqual({ type: 'ask', filter: { until: 100 } })
  })

  test('with nothing new it is over', () => {
    expect(pageAfter(filled({ until: 200 }, fifty, 0), undefined, 50)).toEqual({ type: 'done' })
  })

  test.each([0, 50])(
    'of one second alone that second is read in another way, and then the one before (%i new)',
    (fresh) => {
      const next = pageAfter(filled({ until: 100, since: 9 }, ties, fresh), undefined, 50)
      expect(next).toEqual({ type: 'second', at: 100, below: { until: 99, since: 9 } })
    },
  )

  test('with ties, but fewer than the relay can send, it is over', () => {
    expect(pageAfter(filled({ until: 100 }, ties, 0), undefined, 51)).toEqual({ type: 'done' })
  })

  test('with ties at the very start of the window, there is nothing before', () => {
    const next = pageAfter(filled({ until: 100, since: 100 }, ties, 0), undefined, 50)
    expect(next).toEqual({ type: 'second', at: 100, below: undefined })
  })

  test('what comes is no longer counted', () => {
    const page = newPage({})
    countIn(page, 'a', 100, true)
    page.open = false
    countIn(page, 'b', 50, true)
    expect(page).toMatchObject({ fresh: 1, oldest: 100 })
    expect(page.ids.size).toBe(1)
  })

  test('an event counts once', () => {
    const page = newPage({})
    for (let n = 0; n < 60; n++) countIn(page, 'same', 100, true)
    expect(pageAfter(page, undefined, 1)).toEqual({ type: 'done' })
  })
})
