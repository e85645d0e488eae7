// How many questions are open at a time: as many as a relay takes, whether it has said so, shown it, or only grumbled; the others wait.
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { EmbeddedRelay, RelayOptions } from '../../../scripts/relay.ts'
import type { RelayClient } from '../../../src/io/relay/clients.ts'
import { openPool } from '../../../src/io/relay/pool.ts'
import type { QueryAnswer } from '../../../src/io/relay/query.ts'
import { tellsTooMany } from '../../../src/io/relay/turns.ts'
import type { Reason } from '../../../src/nostr/messages.ts'
import { parseRefusal } from '../../../src/nostr/messages.ts'
import { emptyWrapFor, signedEvent } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  nearDeadline,
  nowSeconds,
  startScriptedRelay,
  startTestRelay,
} from '../../support/scripted-relay.ts'

const NOTES = 7
const noteFilter = (n: number) => ({ kinds: [1], authors: [alice.pubkey], '#n': [`${n}`] })

/** A relay that has a note for each question. */
async function relayWithNotes(options: RelayOptions): Promise<EmbeddedRelay> {
  const relay = await startTestRelay({ auth: 'none', trust: true, ...options })
  const writer = connectAsAlice(relay.url, { pace: { burst: 100, gapMs: 1 } })
  for (let n = 0; n < NOTES; n++)
    await writer.publish(
      signedEvent(alice, { kind: 1, created_at: nowSeconds() - n, tags: [['n', `${n}`]] }),
      farDeadline(),
    )
  writer.close()
  return relay
}

/** All questions at once, and how many events each of them brought. */
async function askAll(connection: RelayClient, deadline = farDeadline()): Promise<QueryAnswer[]> {
  return await Promise.all(
    Array.from({ length: NOTES }, (_, n) => connection.query({ filter: noteFilter(n), page: true, deadline })),
  )
}

const expectAll = (answers: readonly QueryAnswer[]) =>
  expect(answers.map(({ complete, events, text }) => [complete, events.length, text])).toEqual(
    answers.map(() => [true, 1, undefined]),
  )

/** The most questions that a client had open at a time, as it saw it itself. */
function mostOpen(relay: EmbeddedRelay): number {
  let most = 0
  const open = new Set<unknown>()
  for (const { connection, frame } of relay.seen) {
    const id = `${connection} ${frame[1]}`
    if (frame[0] === 'REQ' || frame[0] === 'NEG-OPEN') open.add(id)
    if (frame[0] === 'CLOSE' || frame[0] === 'NEG-CLOSE') open.delete(id)
    most = Math.max(most, open.size)
  }
  return most
}

const asked = (relay: EmbeddedRelay) => relay.seen.filter(({ frame }) => frame[0] === 'REQ').length

describe.each([1, 2, 3])('a relay that takes %i at a time', (most) => {
  test.each<[string, { words?: string; notice?: boolean }]>([
    ['and says so to each one too many', {}],
    ['and names no number', { words: 'error: too many concurrent REQs' }],
    ['and takes it for haste', { words: 'rate-limited: too many REQs' }],
    ['and grumbles', { words: 'ERROR: too many concurrent REQs', notice: true }],
    ['and grumbles with a number', { words: `Too many subscriptions: at most ${most}`, notice: true }],
  ])('%s gets the others in turn', async (_, how) => {
    const relay = await relayWithNotes({ faults: { fewer: { most, ...how } } })
    const shown: number[] = []
    const connection = connectAsAlice(relay.url, { onFewer: (n) => shown.push(n) })
    expectAll(await askAll(connection))
    expect(shown.at(-1)).toBe(most)
    // From now on it is not asked for more.
    const before = asked(relay)
    expectAll(await askAll(connection))
    expect(asked(relay) - before).toBe(NOTES)
  })

  test('that is known from before is never asked for more', async () => {
    const relay = await relayWithNotes({ subscriptions: most })
    expectAll(await askAll(connectAsAlice(relay.url, { subscriptions: most })))
    expect(mostOpen(relay)).toBe(most)
    expect(asked(relay)).toBe(NOTES)
  })

  test.each([false, true])('where it wants AUTH first (in a NOTICE: %s)', async (notice) => {
    const relay = await relayWithNotes({ auth: 'none' })
    relay.policy.auth = 'all'
    relay.faults.fewer = { most, words: 'too many subscriptions', notice }
    expectAll(await askAll(connectAsAlice(relay.url)))
  })

  test.each([false, true])('a session of NIP-77 waits as well, and is had anew (in a NOTICE: %s)', async (notice) => {
    const relay = await relayWithNotes({
      negentropy: 'nip77',
      faults: { fewer: { most, words: 'too many subs', notice } },
    })
    const connection = connectAsAlice(relay.url)
    const wrap = emptyWrapFor(alice, nowSeconds())
    await connection.publish(wrap, farDeadline())
    const held: [string, number][] = [[emptyWrapFor(alice, nowSeconds()).id, nowSeconds()]]
    const compare = () => connection.query({ filter: inboxFilter, held, page: true, deadline: farDeadline() })
    const [first, second, answers] = await Promise.all([compare(), compare(), askAll(connection)])
    expectAll(answers)
    for (const one of [first, second]) expect(one).toMatchObject({ complete: true, reconciled: true, events: [wrap] })
  })
})

describe('a question that stays open', () => {
  test.each([false, true])('makes room where there is none, and misses nothing (in a NOTICE: %s)', async (notice) => {
    const relay = await relayWithNotes({ faults: { fewer: { most: 1, words: 'too many subscriptions', notice } } })
    const connection = connectAsAlice(relay.url)
    const came: string[] = []
    const [first, missed, later] = [3, 2, 1].map((n) => emptyWrapFor(alice, nowSeconds() - n))
    if (!first || !missed || !later) throw new Error('no wraps')
    await connection.publish(first, farDeadline())
    const live = await connection.query({
      ...{ filter: inboxFilter, page: true, live: true, deadline: farDeadline() },
      onEvent: ({ id }) => came.push(id),
    })
    expect(live).toMatchObject({ complete: true, events: [{ id: first.id }] })
    const others = askAll(connection)
    await connectAsAlice(relay.url).publish(missed, farDeadline())
    expectAll(await others)
    await vi.waitFor(() => expect(came).toEqual([missed.id]))
    await connectAsAlice(relay.url).publish(later, farDeadline())
    await vi.waitFor(() => expect(came).toEqual([missed.id, later.id]))
  })

  test('where all of them do, is answered all the same, and none is asked over and over', async () => {
    const relay = await relayWithNotes({ faults: { fewer: { most: 1 } } })
    const connection = connectAsAlice(relay.url)
    const answers = Array.from({ length: NOTES }, (_, n) =>
      connection.query({ filter: noteFilter(n), page: true, live: true, deadline: farDeadline() }),
    )
    expectAll(await Promise.all(answers))
    expect(asked(relay)).toBeLessThanOrEqual(3 * NOTES)
  })
})

describe('time that is up', () => {
  test('before its turn is told as that', async () => {
    const relay = await startScriptedRelay({})
    const [, waiting] = await askAll(connectAsAlice(relay.url, { subscriptions: 1 }), nearDeadline(1_000))
    const text = 'not asked yet when time was up: this relay answers 1 question at a time'
    expect(waiting).toMatchObject({ complete: false, reason: 'slow', text })
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('for one that has its turn lets the next one go', async () => {
    const relay = await startScriptedRelay({
      heard(say, [verb, sub, filter]) {
        if (verb === 'REQ' && isDeepStrictEqual(filter, noteFilter(2))) say('EOSE', sub)
      },
    })
    const connection = connectAsAlice(relay.url, { subscriptions: 1 })
    const ask = (n: number, deadline: number) => connection.query({ filter: noteFilter(n), deadline })
    const [first, second] = await Promise.all([ask(1, nearDeadline(100)), ask(2, farDeadline())])
    expect([first.complete, second.complete]).toEqual([false, true])
  })
})

test('a NOTICE that comes when the others are over is about the one that is left', async () => {
  const relay = await startScriptedRelay({
    heard(say, [verb, sub]) {
      if (verb === 'REQ' && relay.heard('REQ').length === 2) say('NOTICE', 'ERROR: too many concurrent REQs')
      else if (verb === 'REQ') say('EOSE', sub)
    },
  })
  const connection = connectAsAlice(relay.url)
  const ask = () => connection.query({ filter: inboxFilter, deadline: farDeadline() })
  const answers = await Promise.all([ask(), ask()])
  expect(answers.map(({ complete }) => complete)).toEqual([true, true])
  expect(relay.heard('REQ')).toHaveLength(3)
})

test('a relay that takes none at all is tried a few times, and its words are told', async () => {
  const relay = await startScriptedRelay({
    heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'error: too many subscriptions'),
  })
  const connection = connectAsAlice(relay.url, { backoffMs: 300 })
  const answer = await connection.query({ filter: inboxFilter, page: true, deadline: farDeadline() })
  expect(answer).toMatchObject({ complete: false, reason: 'error', text: 'error: too many subscriptions' })
  expect(relay.heard('REQ')).toHaveLength(3)
})

test('a relay that grumbles at everything costs no more questions than there are, three times', async () => {
  const relay = await startScriptedRelay({
    heard(say, [verb, sub]) {
      if (verb !== 'REQ') return
      for (let n = 0; n < 50; n++) say('NOTICE', 'too many concurrent REQs')
      say('EOSE', sub)
    },
  })
  const connection = connectAsAlice(relay.url)
  const answers = await askAll(connection)
  expect(answers.every(({ complete }) => complete)).toBe(true)
  expect(relay.heard('REQ').length).toBeLessThanOrEqual(3 * NOTES)
})

test('what a relay has shown is found by the run, and kept to on the next connection', async () => {
  const relay = await relayWithNotes({ faults: { fewer: { most: 2 } } })
  const pool = openPool({ keys: alice, now: Date.now })
  onTestFinished(() => pool.close())
  const asks = Array.from({ length: NOTES }, (_, n) => ({ relay: relay.url, name: `${n}`, filter: noteFilter(n) }))
  const ask = () => pool.fetch(asks, { deadline: farDeadline() })
  expect((await ask()).every(({ complete }) => complete)).toBe(true)
  expect(pool.observed()).toMatchObject([{ subscriptions: 2 }])
  await relay.restart()
  relay.policy.subscriptions = 2
  const before = relay.seen.length
  await vi.waitFor(async () => expect((await ask()).every(({ complete }) => complete)).toBe(true))
  expect(relay.seen.slice(before).filter(({ frame }) => frame[0] === 'REQ').length).toBeLessThanOrEqual(2 * NOTES)
  const next = openPool({ keys: alice, now: Date.now })
  onTestFinished(() => next.close())
  next.setKnownLimits(new Map([[relay.url, { subscriptions: 2 }]]))
  const last = asked(relay)
  await next.fetch(asks, { deadline: farDeadline() })
  expect(asked(relay) - last).toBe(NOTES)
  expect(next.observed()[0]?.subscriptions).toBeUndefined()
})

describe('the words', () => {
  test.each([
    'ERROR: too many concurrent REQs',
    'ERROR: too many concurrent NEG requests',
    'error: Maximum concurrent subscription count reached',
    'rate-limited: too many REQs',
    'Too many subscriptions: Number of subscriptions must be less than or equal to 10',
    'error: more than 20 subscriptions',
    'blocked: subscription limit exceeded',
  ])('"%s" mean that there are too many', (words) => expect(tellsTooMany(parseRefusal(words))).toBe(true))

  test.each([
    'rate-limited: too many requests',
    'rate-limited: max 20 REQs per minute',
    'rate-limited: at most 5 subscriptions/s',
    'blocked: subscription ID exceeds max length 250',
    'invalid: too many filters in the subscription',
    'Too many filters: Number of filters per subscription must be less than or equal to 10',
    'invalid: limit must be at most 100',
    'restricted: your subscription has ended, at most 5 events for you',
    'error: could not parse REQ',
    '',
  ])('"%s" do not', (words) => expect(tellsTooMany(parseRefusal(words))).toBe(false))

  test.each<Reason>(['auth-required', 'pow', 'unreachable'])('never do after %s', (reason) =>
    expect(tellsTooMany({ reason, text: parseRefusal('too many subscriptions').text })).toBe(false),
  )
})
