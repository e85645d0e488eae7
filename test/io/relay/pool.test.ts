// Several relays as one: side by side, the first one sets the pace, and everything ends when it should.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openPool, type Pool, type PoolOptions, type RelayQuery } from '../../../src/io/relay/pool.ts'
import type { Event } from '../../../src/nostr/event.ts'
import { foreignLine } from '../../../src/sanitize.ts'
import { emptyWrapFor } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  listenTcp,
  nearDeadline,
  nowSeconds,
  startScriptedRelay,
  startTestRelay,
  unusedAddress,
} from '../../support/scripted-relay.ts'

const wrap = (ago = 60) => emptyWrapFor(alice, nowSeconds() - ago)

function openTestPool(options: Partial<PoolOptions> = {}): Pool {
  const pool = openPool({ keys: alice, now: Date.now, retry: { firstMs: 10, longestMs: 100 }, ...options })
  onTestFinished(() => pool.close())
  return pool
}

function queriesFor(relays: string[], more: Partial<RelayQuery> = {}): RelayQuery[] {
  return relays.map((relay) => ({ relay, name: 'inbox', filter: inboxFilter, ...more }))
}

/** A relay that answers nothing. */
const startSilentRelay = async () => (await startTestRelay({ auth: 'none', faults: { silent: true } })).url
const startGoodRelay = async (event?: Event) => {
  const relay = await startTestRelay({ auth: 'none' })
  if (event) await connectAsAlice(relay.url).publish(event, farDeadline())
  return relay
}

describe('fetch', () => {
  test('gives one answer per ask, in their order, with their names, over one connection per relay', async () => {
    const relay = await startGoodRelay(wrap())
    const list = [
      ...queriesFor([relay.url]),
      ...queriesFor([relay.url], { name: 'people', filter: { kinds: [30315] } }),
    ]
    const answers = await openTestPool().fetch(list, { deadline: farDeadline() })
    expect(answers).toMatchObject([
      { relay: relay.url, name: 'inbox', complete: true, events: [{ kind: 1059 }] },
      { relay: relay.url, name: 'people', complete: true, events: [] },
    ])
    expect(new Set(relay.seen.map(({ connection }) => connection)).size).toBe(2)
  })

  test('does not wait the whole budget for a silent relay once another has answered', async () => {
    const urls = [
      await startSilentRelay(),
      (await startGoodRelay()).url,
      (await startTestRelay({ faults: { mute: true } })).url,
    ]
    const started = Date.now()
    const answers = await openTestPool().fetch(queriesFor(urls), { deadline: farDeadline() })
    expect(answers).toMatchObject([
      { complete: false, reason: 'silent', text: 'no answer in time' },
      { complete: true },
      { complete: false, reason: 'silent', text: 'no connection in time' },
    ])
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('counts a relay as first only when it has answered all that it was asked', async () => {
    const half = await startScriptedRelay({
      heard(say, [verb, sub], socket) {
        if (verb !== 'REQ') return
        if (half.heard('REQ').length === 1) return say('EOSE', sub)
        setTimeout(() => socket.terminate(), 600)
      },
    })
    const slow = await startTestRelay({ auth: 'none', faults: { delay: 450 } })
    const list = [...queriesFor([half.url]), ...queriesFor([half.url], { name: 'b' }), ...queriesFor([slow.url])]
    const answers = await openTestPool({ graceMs: 100 }).fetch(list, { deadline: farDeadline() })
    expect(answers.map(({ complete }) => complete)).toEqual([true, false, true])
  })

  test('lets a slow relay finish that is still sending, and cuts it when it stops', async () => {
    const events = Array.from({ length: 12 }, (_, n) => wrap(n))
    const drip = (count: number) =>
      startScriptedRelay({
        heard(say, [verb, sub]) {
          if (verb !== 'REQ') return
          for (const [n, event] of events.slice(0, count).entries()) setTimeout(() => say('EVENT', sub, event), 80 * n)
          if (count === events.length) setTimeout(() => say('EOSE', sub), 80 * count)
        },
      })
    const [slow, stuck] = [await drip(12), await drip(6)]
    const started = Date.now()
    const answers = await openTestPool({ graceMs: 500 }).fetch(
      queriesFor([slow.url, stuck.url, (await startGoodRelay()).url]),
      {
        deadline: farDeadline(),
      },
    )
    expect(answers).toMatchObject([{ complete: true }, { complete: false, reason: 'slow' }, { complete: true }])
    expect(answers.map(({ events }) => events.length)).toEqual([12, 6, 0])
    expect(Date.now() - started).toBeLessThan(10_000)
  })

  test('is patient with a relay for which it is asked to be', async () => {
    const slow = await startTestRelay({ auth: 'none', faults: { delay: 400 } })
    const fast = await startGoodRelay()
    const patient = (url: string) => (url === slow.url ? 10_000 : 0)
    const hasty = await openTestPool({ graceMs: 50 }).fetch(queriesFor([slow.url, fast.url]), {
      deadline: farDeadline(),
    })
    expect(hasty).toMatchObject([{ complete: false }, { complete: true }])
    const waited = await openTestPool({ graceMs: 50 }).fetch(queriesFor([slow.url, fast.url]), {
      deadline: farDeadline(),
      patient,
    })
    expect(waited).toMatchObject([{ complete: true }, { complete: true }])
  })

  test('ends at the deadline when nobody answers', async () => {
    const urls = [await startSilentRelay(), (await startTestRelay({ faults: { mute: true } })).url]
    const answers = await openTestPool().fetch(queriesFor(urls), { deadline: nearDeadline(300) })
    expect(answers).toMatchObject([{ reason: 'silent' }, { reason: 'silent' }])
  })

  test('a refused connection neither costs time nor starts the grace', async () => {
    const slow = await startTestRelay({ auth: 'none', faults: { delay: 300 } })
    const answers = await openTestPool({ graceMs: 30 }).fetch(queriesFor([await unusedAddress(), slow.url]), {
      deadline: farDeadline(),
    })
    expect(answers).toMatchObject([{ complete: false, reason: 'unreachable' }, { complete: true }])
  })

  test('with no relay that is there ends at once', async () => {
    const started = Date.now()
    const answers = await openTestPool().fetch(queriesFor([await unusedAddress(), await unusedAddress()]), {
      deadline: farDeadline(),
    })
    expect(answers).toMatchObject([{ reason: 'unreachable' }, { reason: 'unreachable' }])
    expect(Date.now() - started).toBeLessThan(5_000)
    expect(await openTestPool().fetch([], { deadline: farDeadline() })).toEqual([])
  })

  test('skips what is known', async () => {
    const event = wrap()
    const relay = await startGoodRelay(event)
    const skip = (id: string) => id === event.id
    expect(await openTestPool().fetch(queriesFor([relay.url]), { deadline: farDeadline(), skip })).toMatchObject([
      { events: [] },
    ])
  })

  test('connects to twelve relays at most', async () => {
    const urls = await Promise.all(Array.from({ length: 13 }, async () => (await startGoodRelay()).url))
    const answers = await openTestPool({ graceMs: 10_000 }).fetch(queriesFor(urls), { deadline: farDeadline() })
    expect(answers.filter(({ complete }) => complete)).toHaveLength(12)
    expect(answers[12]).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answers[12]?.text).toMatch(/12 relays/)
  })

  test('connects again to a relay that was lost since', async () => {
    const relay = await startGoodRelay()
    const pool = openTestPool()
    await pool.fetch(queriesFor([relay.url]), { deadline: farDeadline() })
    await relay.restart()
    await vi.waitFor(() => expect(pool.relays()).toMatchObject([{ ok: false }]))
    expect(await pool.fetch(queriesFor([relay.url]), { deadline: farDeadline() })).toMatchObject([{ complete: true }])
    expect(pool.relays()).toMatchObject([{ ok: true }])
  })
})

describe('publish', () => {
  test('gives one answer per event and relay', async () => {
    const [one, two] = [
      await startGoodRelay(),
      await startTestRelay({ auth: 'none', faults: { refuse: 'blocked: no' } }),
    ]
    const dead = await unusedAddress()
    const events = [wrap(), wrap()]
    const jobs = events.map((event) => ({ event, relays: [one.url, two.url, dead, one.url] }))
    const answers = await openTestPool().publish(jobs, { deadline: farDeadline() })
    expect(answers.map(({ event, relay }) => [event, relay])).toEqual(
      events.flatMap(({ id }) => [one.url, two.url, dead].map((relay) => [id, relay])),
    )
    for (const event of events) {
      expect(answers.filter((answer) => answer.event === event.id)).toMatchObject([
        { accepted: true },
        { accepted: false, reason: 'blocked' },
        { accepted: false, reason: 'unreachable' },
      ])
    }
  })

  test('does not wait for the others of a job once one relay took it, but for every job', async () => {
    const [fast, slow] = [await startGoodRelay(), await startTestRelay({ auth: 'none', faults: { delay: 500 } })]
    const jobs = [
      { event: wrap(), relays: [fast.url, await startSilentRelay()] },
      { event: wrap(), relays: [slow.url] },
    ]
    const started = Date.now()
    const answers = await openTestPool({ graceMs: 50 }).publish(jobs, { deadline: farDeadline() })
    expect(answers).toMatchObject([{ accepted: true }, { accepted: false, reason: 'silent' }, { accepted: true }])
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  describe('to fallback relays', () => {
    test('goes what none of the first takes: soon, and at once where all say no', async () => {
      const dead = [(await startTestRelay({ auth: 'none', faults: { silent: true } })).url, await unusedAddress()]
      const [live, unused] = [await startGoodRelay(), await startGoodRelay()]
      const started = Date.now()
      const slowly = await openTestPool().publish([{ event: wrap(), relays: dead, fallback: [live.url] }], {
        deadline: farDeadline(),
      })
      expect(slowly.map(({ accepted }) => accepted)).toEqual([false, false, true])
      expect(Date.now() - started).toBeLessThan(4_000)
      const [no] = [await unusedAddress()]
      const refused = await openTestPool().publish([{ event: wrap(), relays: [no], fallback: [live.url, no] }], {
        deadline: farDeadline(),
      })
      expect(refused.map(({ relay, accepted }) => [relay, accepted])).toEqual([
        [no, false],
        [live.url, true],
      ])
      const accepted = await openTestPool().publish([{ event: wrap(), relays: [live.url], fallback: [unused.url] }], {
        deadline: farDeadline(),
      })
      expect(accepted).toHaveLength(1)
      expect(unused.connectionsSoFar()).toBe(0)
    })
  })

  describe('where some are doubted', () => {
    test('their OK does not cut the others short, which have a moment more', async () => {
      const leaky = await startTestRelay({ auth: 'none', faults: { dropEvents: 1 } })
      const limited = await startTestRelay({
        auth: 'none',
        faults: { refuse: 'rate-limited: slow down', refuseTimes: 2 },
      })
      const relays = [leaky.url, limited.url]
      const pool = openTestPool({ graceMs: 20, backoffMs: 100 })
      const believed = await pool.publish([{ event: wrap(), relays }], { deadline: farDeadline() })
      expect(believed.map(({ accepted }) => accepted)).toEqual([true, false])
      Object.assign(limited.faults, { refuse: 'rate-limited: slow down', refuseTimes: 2 })
      // What rests is tried all the same where nobody else is believed.
      const another = openTestPool({ graceMs: 20, backoffMs: 100 })
      const backoff = { until: Date.now() + 40_000, why: foreignLine('slow down'), firm: false, only: 'write' as const }
      another.setKnownLimits(new Map([[limited.url, { backoff }]]))
      const doubted = await another.publish([{ event: wrap(), relays, doubted: [leaky.url] }], {
        deadline: farDeadline(),
      })
      expect(doubted.map(({ accepted }) => accepted)).toEqual([true, true])
    })

    test('nobody is waited for much longer all the same', async () => {
      const leaky = await startTestRelay({ auth: 'none', faults: { dropEvents: 1 } })
      const silent = await startTestRelay({ auth: 'none', faults: { silent: true } })
      const began = Date.now()
      const jobs = [{ event: wrap(), relays: [leaky.url, silent.url], doubted: [leaky.url] }]
      const answers = await openTestPool({ graceMs: 20 }).publish(jobs, { deadline: farDeadline() })
      expect(answers.map(({ accepted }) => accepted)).toEqual([true, false])
      expect(Date.now() - began).toBeGreaterThan(1_400)
      expect(Date.now() - began).toBeLessThan(10_000)
    })
  })

  describe('aside', () => {
    test('waits for nobody longer than the grace, and takes no turn that it cannot use', async () => {
      const relay = await startGoodRelay()
      const silent = await startTestRelay({ auth: 'none', faults: { silent: true } })
      const pool = openTestPool({ pace: { burst: 2, gapMs: 1_000 } })
      await pool.fetch(queriesFor([relay.url]), { deadline: farDeadline() })
      const started = Date.now()
      const jobs = Array.from({ length: 5 }, () => ({
        event: wrap(),
        relays: [relay.url, silent.url],
        background: true,
      }))
      const answers = await pool.publish(jobs, { deadline: farDeadline() })
      expect(Date.now() - started).toBeLessThan(3_000)
      expect(answers.filter(({ accepted }) => accepted)).toHaveLength(2)
      expect(answers.find(({ accepted, relay: url }) => !accepted && url === relay.url)?.text).toMatch(/not sent yet/)
      // The next turn is the third, not the sixth.
      const [next] = await pool.publish([{ event: wrap(), relays: [relay.url] }], { deadline: Date.now() + 1_900 })
      expect(next).toMatchObject({ accepted: true })
    })
  })

  test('beyond the deadline waits for whoever answers, and for nobody who was silent all the time', async () => {
    const [good, silent] = [await startGoodRelay(), await startSilentRelay()]
    const pool = openTestPool()
    const deadline = Date.now() + 200
    await pool.fetch(queriesFor([silent]), { deadline })
    const began = Date.now()
    const answers = await pool.publish(
      [silent, good.url].map((url) => ({ event: wrap(), relays: [url] })),
      { deadline, atLeastMs: 30_000 },
    )
    expect(answers.map(({ accepted }) => accepted)).toEqual([false, true])
    expect(Date.now() - began).toBeLessThan(10_000)
  })

  test('a refusal does not end the others', async () => {
    const slow = await startTestRelay({ auth: 'none', faults: { delay: 300 } })
    const refuses = await startTestRelay({ auth: 'none', faults: { refuse: 'blocked: no' } })
    const jobs = [{ event: wrap(), relays: [refuses.url, slow.url] }]
    const answers = await openTestPool({ graceMs: 30 }).publish(jobs, { deadline: farDeadline() })
    expect(answers).toMatchObject([{ reason: 'blocked' }, { accepted: true }])
  })

  test('shares connections and AUTH with fetch', async () => {
    const relay = await startTestRelay({ auth: 'all' })
    const pool = openTestPool()
    pool.warm([relay.url])
    const event = wrap()
    const [answers] = await Promise.all([
      pool.publish([{ event, relays: [relay.url] }], { deadline: farDeadline() }),
      pool.fetch(queriesFor([relay.url]), { deadline: farDeadline() }),
    ])
    expect(answers).toMatchObject([{ accepted: true }])
    expect(new Set(relay.seen.map(({ connection }) => connection)).size).toBe(1)
    expect(relay.seen.filter(({ frame }) => frame[0] === 'AUTH')).toHaveLength(1)
  })
})

describe('next', () => {
  test('gives what comes live, with the relay that it came from, and what came between two calls', async () => {
    const relay = await startGoodRelay()
    const pool = openTestPool()
    await pool.fetch(queriesFor([relay.url], { live: true, page: true }), { deadline: farDeadline() })
    const events = [wrap(1), wrap(2)]
    const writer = connectAsAlice(relay.url)
    for (const event of events) {
      await writer.publish(event, farDeadline())
      expect(await pool.next(farDeadline())).toEqual([{ event, relay: relay.url }])
    }
    expect(await pool.next(nearDeadline(50))).toEqual([])
    for (const ago of [3, 4]) await writer.publish(wrap(ago), farDeadline())
    await expect.poll(() => relay.events().length).toBe(4)
    const rest = await pool.next(farDeadline())
    if (rest.length < 2) rest.push(...(await pool.next(farDeadline())))
    expect(rest).toHaveLength(2)
  })

  test('gives an event once, whichever relays bring it and however it came', async () => {
    const [one, two] = [await startGoodRelay(), await startGoodRelay()]
    const pool = openTestPool()
    const before = wrap(1)
    await connectAsAlice(one.url).publish(before, farDeadline())
    await pool.fetch(queriesFor([one.url, two.url], { live: true }), { deadline: farDeadline() })
    await connectAsAlice(two.url).publish(before, farDeadline())
    const event = wrap(2)
    for (const relay of [one, two]) await connectAsAlice(relay.url).publish(event, farDeadline())
    expect(await pool.next(farDeadline())).toMatchObject([{ event: { id: event.id } }])
    expect(await pool.next(nearDeadline(200))).toEqual([])
  })

  test('a copy with a spoilt signature does not keep the good one out', async () => {
    const event = wrap()
    const [one, two] = [await startScriptedRelay({}), await startScriptedRelay({})]
    const pool = openTestPool()
    const waiting = pool.fetch(queriesFor([one.url, two.url], { live: true }), { deadline: nearDeadline() })
    await waiting
    const tell = (relay: typeof one, told: Event) => {
      for (const socket of relay.sockets) socket.send(JSON.stringify(['EVENT', relay.heard('REQ')[0]?.[1], told]))
    }
    tell(one, { ...event, sig: '0'.repeat(128) })
    expect(await pool.next(farDeadline())).toHaveLength(1)
    tell(two, event)
    expect(await pool.next(farDeadline())).toEqual([{ event, relay: two.url }])
  })

  test('gives what a relay that was cut off sends later', async () => {
    const event = wrap()
    const slow = await startTestRelay({ auth: 'none', faults: { delay: 500 } })
    await connectAsAlice(slow.url).publish(event, farDeadline())
    const pool = openTestPool({ graceMs: 20 })
    const answers = await pool.fetch(queriesFor([slow.url, (await startGoodRelay()).url], { live: true }), {
      deadline: farDeadline(),
    })
    expect(answers).toMatchObject([{ complete: false, events: [] }, { complete: true }])
    expect(await pool.next(farDeadline())).toEqual([{ event, relay: slow.url }])
  })

  test('connects again after a loss and brings what was missed, known events left out', async () => {
    const old = wrap(5)
    const relay = await startGoodRelay(old)
    const pool = openTestPool()
    await pool.fetch(queriesFor([relay.url], { live: true, page: true }), { deadline: farDeadline() })
    const missed = wrap(10)
    await relay.restart()
    await connectAsAlice(relay.url).publish(missed, farDeadline())
    expect(await pool.next(farDeadline())).toEqual([{ event: missed, relay: relay.url }])
    await relay.restart()
    await vi.waitFor(() => expect(relay.connections()).toBeGreaterThan(0))
    const live = wrap(20)
    await connectAsAlice(relay.url).publish(live, farDeadline())
    expect(await pool.next(farDeadline())).toEqual([{ event: live, relay: relay.url }])
  })

  test('finds a relay that was not there at first', async () => {
    const relay = await startGoodRelay()
    const { port } = relay
    await relay.close()
    const pool = openTestPool()
    const answers = await pool.fetch(queriesFor([`ws://127.0.0.1:${port}`], { live: true }), {
      deadline: farDeadline(),
    })
    expect(answers).toMatchObject([{ reason: 'unreachable' }])
    const late = await startTestRelay({ auth: 'none', port })
    const event = wrap()
    await connectAsAlice(late.url).publish(event, farDeadline())
    expect(await pool.next(farDeadline())).toMatchObject([{ event: { id: event.id } }])
  })

  test('asks again where only the subscription was ended, but not where the no is final', async () => {
    const refusing = (text: string) =>
      startScriptedRelay({ heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, text) })
    const [idle, banned] = [
      await refusing('error: shutting down idle subscription'),
      await refusing('blocked: go away'),
    ]
    await openTestPool().fetch(queriesFor([idle.url, banned.url], { live: true }), { deadline: farDeadline() })
    await vi.waitFor(() => expect(idle.heard('REQ').length).toBeGreaterThan(2))
    expect(banned.heard('REQ')).toHaveLength(1)
    expect(idle.connections()).toBe(1)
  })

  test('tries less and less often', async () => {
    let attempts = 0
    const relay = await listenTcp(
      createServer((socket) => {
        attempts += 1
        socket.destroy()
      }),
    )
    const pool = openTestPool({ retry: { firstMs: 20, longestMs: 100_000 } })
    await pool.fetch(queriesFor([relay], { live: true }), { deadline: farDeadline() })
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(2))
    await pool.next(nearDeadline(400))
    // 20, 40, 80, 160, 320 ms and their dice; without a pause it would be hundreds.
    expect(attempts).toBeLessThan(9)
  })

  test('ends when the pool is closed', async () => {
    const pool = openTestPool()
    const waiting = pool.next(farDeadline())
    pool.close()
    expect(await waiting).toEqual([])
  })
})

describe('relays', () => {
  test('tells how each one did, also afterwards', async () => {
    const [relay, dead, quiet] = [
      await startTestRelay({ auth: 'none', clockOffset: -100 }),
      await unusedAddress(),
      await startSilentRelay(),
    ]
    const pool = openTestPool()
    await pool.fetch(queriesFor([relay.url, dead, quiet]), { deadline: farDeadline() })
    const told = pool.relays()
    expect(told).toMatchObject([
      { url: relay.url, ok: true, latencyMs: expect.any(Number) },
      { url: dead, ok: false, error: expect.stringMatching(/^unreachable: .*ECONNREFUSED/) },
      { url: quiet, ok: false, error: 'silent: no answer in time' },
    ])
    expect(Math.abs((told[0]?.clockAhead ?? 0) - 100)).toBeLessThan(10)
    pool.close()
    expect(pool.relays()).toEqual(told)
  })

  test('goes the way that it is given', async () => {
    const asked: string[] = []
    const routeTo = async (url: string) => {
      asked.push(url)
      throw new Error('the proxy is down')
    }
    const answers = await openTestPool({ routeTo }).fetch(queriesFor(['ws://127.0.0.1:9']), { deadline: farDeadline() })
    expect(answers).toMatchObject([{ reason: 'unreachable', text: 'the proxy is down' }])
    expect(asked).toEqual(['ws://127.0.0.1:9'])
  })
})

test('a closed pool connects to nobody', async () => {
  const relay = await startGoodRelay()
  const pool = openTestPool()
  pool.close()
  const answers = await pool.fetch(queriesFor([relay.url]), { deadline: farDeadline() })
  expect(answers).toMatchObject([{ complete: false, reason: 'unreachable', text: 'closed by us' }])
  expect(relay.seen).toEqual([])
})

test('a process ends by itself once the pool is closed, whatever the relays do', async () => {
  const relays = [
    (await startTestRelay({ auth: 'dm' })).url,
    await unusedAddress(),
    await startSilentRelay(),
    (await startTestRelay({ faults: { mute: true } })).url,
    (
      await startScriptedRelay({
        heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'rate-limited: later'),
      })
    ).url,
  ]
  const script = fileURLToPath(new URL('pool-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--trace-warnings', script, ...relays])
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  const exitedAt = Date.now()
  expect(err).toBe('')
  expect(code).toBe(0)
  const { closedAt, ...result } = JSON.parse(out)
  expect(result).toEqual({ complete: [true, false, false, false, false], accepted: [true, false, false, false, false] })
  expect(exitedAt - closedAt).toBeLessThan(3_000)
})
