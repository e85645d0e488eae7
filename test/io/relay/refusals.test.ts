// What relays do not take: they are left alone as long as they say, and a message that is too large holds up nothing else.
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPool, type Pool, type PoolOptions, type RelayQuery } from '../../../src/io/relay/pool.ts'
import { openRefusals } from '../../../src/io/relay/refusals.ts'
import type { Event } from '../../../src/nostr/event.ts'
import { foreignLine } from '../../../src/sanitize.ts'
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

function openTestPool(options: Partial<PoolOptions> = {}): Pool {
  const pool = openPool({ keys: alice, now: Date.now, backoffMs: 20, ...options })
  onTestFinished(() => pool.close())
  return pool
}

const asks = (...relays: string[]): RelayQuery[] =>
  relays.map((relay) => ({ relay, name: 'inbox', filter: inboxFilter, page: true }))
const small = () => emptyWrapFor(alice, nowSeconds() - 60)
const large = (bytes: number): Event =>
  signedEvent(alice, { kind: 1059, created_at: nowSeconds(), tags: [['p', alice.pubkey]], content: 'x'.repeat(bytes) })

describe('a relay that takes no large messages', () => {
  test('closes the connection on one: what else was under way goes out all the same, to it and to others', async () => {
    const strict = await startTestRelay({ auth: 'none', faults: { maxFrame: 16_384 } })
    const other = await startTestRelay({ auth: 'none' })
    const pool = openTestPool({ pace: { burst: 100, gapMs: 1 }, graceMs: 20_000 })
    for (const { url } of [strict, other]) await connectAsAlice(url).publish(small(), farDeadline())
    const events = [small(), large(50_000), small(), large(50_000), small(), large(20_000)]
    const relays = [strict.url, other.url]
    const jobs = events.map((event) => ({ event, relays }))
    const [receipts, answers] = await Promise.all([
      pool.publish(jobs, { deadline: farDeadline() }),
      pool.fetch(asks(...relays), { deadline: farDeadline() }),
    ])
    const taken = (relay: string) => receipts.filter((r) => r.relay === relay).map((r) => r.accepted)
    expect(taken(other.url)).toEqual([true, true, true, true, true, true])
    expect(taken(strict.url)).toEqual([true, false, true, false, true, false])
    const refused = receipts.filter((r) => !r.accepted)
    for (const { reason, text } of refused) {
      expect(reason).toBe('too-large')
      expect(text).toMatch(/too large for this relay: \d+ bytes, and it takes (32768|16384)/)
    }
    expect(answers.map(({ complete }) => complete)).toEqual([true, true])
    // Not one connection for each of them.
    expect(new Set(strict.seen.map(({ connection }) => connection)).size).toBeLessThanOrEqual(5)
    expect(pool.observed()).toMatchObject([{ frame: 16_384, reached: true }, { reached: true }])
  })

  test('is not sent them again by a run that knows', async () => {
    const strict = await startTestRelay({ auth: 'none', faults: { maxFrame: 16_384 } })
    const pool = openTestPool()
    pool.setKnownLimits(new Map([[strict.url, { frame: 16_384 }]]))
    const receipts = await pool.publish(
      [large(50_000), small()].map((event) => ({ event, relays: [strict.url] })),
      { deadline: farDeadline() },
    )
    expect(receipts).toMatchObject([{ accepted: false, reason: 'too-large' }, { accepted: true }])
    expect(new Set(strict.seen.map(({ connection }) => connection)).size).toBe(1)
  })

  test('and closes on everything is not asked forever', async () => {
    const strict = await startTestRelay({ auth: 'none', faults: { maxFrame: 10 } })
    const receipts = await openTestPool().publish([{ event: large(50_000), relays: [strict.url] }], {
      deadline: farDeadline(),
    })
    expect(receipts).toMatchObject([{ accepted: false }])
    expect(new Set(strict.seen.map(({ connection }) => connection)).size).toBeLessThan(12)
  })
})

describe('a relay that wants to be left alone', () => {
  test.each<[string, (faults: Awaited<ReturnType<typeof startTestRelay>>['faults']) => void, number | undefined]>([
    ['with 429 and a time', (faults) => Object.assign(faults, { tooMany: { 'Retry-After': '40' } }), 40],
    ['with 429', (faults) => Object.assign(faults, { tooMany: {} }), undefined],
    ['by closing at once', (faults) => Object.assign(faults, { hangsUp: true }), undefined],
  ])('%s: the run notes it, and does not come back', async (_, misbehave, seconds) => {
    const relay = await startTestRelay({ auth: 'none' })
    misbehave(relay.faults)
    const pool = openTestPool()
    const [answer] = await pool.fetch(asks(relay.url), { deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
    const [observed] = pool.observed()
    expect(observed?.rebuff?.seconds).toBe(seconds)
    expect(observed?.rebuff?.why).not.toBe('')
    Object.assign(relay.faults, { tooMany: undefined, hangsUp: false })
    const receipts = await pool.publish([{ event: small(), relays: [relay.url] }], { deadline: farDeadline() })
    expect(receipts).toMatchObject([{ accepted: false, reason: 'rate-limited' }])
    expect(receipts[0]?.text).toMatch(/^left alone for \d+ s more: /)
  })

  test('and is known to costs no time and no connection while others are there', async () => {
    const [rests, other] = [await startTestRelay({ auth: 'none' }), await startTestRelay({ auth: 'none' })]
    const pool = openTestPool({ graceMs: 60_000 })
    const backoff = { until: Date.now() + 40_000, why: foreignLine('slow down'), firm: false }
    pool.setKnownLimits(new Map([[rests.url, { backoff }]]))
    await pool.warm([rests.url, other.url])
    const began = Date.now()
    const answers = await pool.fetch(asks(rests.url, other.url), { deadline: farDeadline() })
    expect(answers).toMatchObject([
      { complete: false, reason: 'rate-limited', text: 'left alone for 40 s more: slow down' },
      { complete: true },
    ])
    expect(Date.now() - began).toBeLessThan(2_000)
    expect(rests.seen).toEqual([])
    expect(pool.relays()).toMatchObject([
      { url: other.url, ok: true },
      { url: rests.url, ok: false },
    ])
  })

  test.each([
    [true, 'not tried', false],
    [false, 'tried', true],
  ])('and is the only one: where it is to be left alone all the same (%s) it is %s', async (firm, _, complete) => {
    const relay = await startTestRelay({ auth: 'none' })
    const pool = openTestPool()
    pool.setKnownLimits(
      new Map([[relay.url, { backoff: { until: Date.now() + 40_000, why: foreignLine('slow down'), firm } }]]),
    )
    expect(await pool.fetch(asks(relay.url), { deadline: farDeadline() })).toMatchObject([{ complete }])
    const jobs = [{ event: small(), relays: [relay.url] }]
    expect(await pool.publish(jobs, { deadline: farDeadline() })).toMatchObject([{ accepted: complete }])
  })

  test('with what we publish is asked all the same', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { refuse: 'rate-limited: try again in 2 minutes' } })
    const other = await startTestRelay({ auth: 'none' })
    const pool = openTestPool()
    const jobs = [{ event: small(), relays: [relay.url, other.url] }]
    await pool.publish(jobs, { deadline: farDeadline() })
    expect(pool.observed()[0]?.rebuff).toMatchObject({ only: 'write', seconds: 120 })
    const answers = await pool.fetch(asks(relay.url, other.url), { deadline: farDeadline() })
    expect(answers.map(({ complete }) => complete)).toEqual([true, true])
  })

  test('is waited for by whoever stays', async () => {
    const relay = await startScriptedRelay({ heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub) })
    const pool = openTestPool({ retry: { firstMs: 20, longestMs: 50 } })
    pool.setKnownLimits(
      new Map([[relay.url, { backoff: { until: Date.now() + 300, why: foreignLine('slow down'), firm: true } }]]),
    )
    await pool.fetch(
      asks(relay.url).map((one) => ({ ...one, live: true })),
      { deadline: farDeadline() },
    )
    expect(relay.heard('REQ')).toEqual([])
    await expect.poll(() => relay.heard('REQ').length, { timeout: 5_000 }).toBe(1)
  })
})

test('limits are found in a few steps, and not below what was taken', () => {
  const refusals = openRefusals(() => 0)
  refusals.recordAccepted('r', 20_000)
  refusals.recordClosedOn('r', 60_000)
  expect(refusals.found('r').frame).toBe(32_768)
  refusals.recordClosedOn('r', 30_000)
  expect(refusals.found('r').frame).toBe(20_000)
  expect(refusals.tooLarge('r', 20_000)).toBeUndefined()
  expect(refusals.tooLarge('r', 20_001)).toMatchObject({ reason: 'too-large' })
})
