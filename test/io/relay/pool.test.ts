// Several relays as one: side by side, the first one sets the pace, and everything ends when it should.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openPool, type Pool, type PoolOptions, type RelayQuery } from '../../../src/io/relay/pool.ts'
import type { Event } from '../../../src/nostr/event.ts'
import { wrapFor } from '../../support/nostr-client.ts'
import {
  alice,
  dial,
  embedded,
  inbox,
  later,
  nobody,
  nowSeconds,
  scripted,
  soon,
  tcp,
} from '../../support/scripted-relay.ts'

const wrap = (ago = 60) => wrapFor(alice, nowSeconds() - ago)

function open(options: Partial<PoolOptions> = {}): Pool {
  const pool = openPool({ keys: alice, now: Date.now, retry: { firstMs: 10, longestMs: 100 }, ...options })
  onTestFinished(() => pool.close())
  return pool
}

function asks(relays: string[], more: Partial<RelayQuery> = {}): RelayQuery[] {
  return relays.map((relay) => ({ relay, name: 'inbox', filter: inbox, ...more }))
}

/** A relay that answers nothing. */
const silent = async () => (await embedded({ auth: 'none', faults: { silent: true } })).url
const good = async (event?: Event) => {
  const relay = await embedded({ auth: 'none' })
  if (event) await dial(relay.url).publish(event, later())
  return relay
}

describe('fetch', () => {
  test('gives one answer per ask, in their order, with their names, over one connection per relay', async () => {
    const relay = await good(wrap())
    const list = [...asks([relay.url]), ...asks([relay.url], { name: 'people', filter: { kinds: [30315] } })]
    const answers = await open().fetch(list, { deadline: later() })
    expect(answers).toMatchObject([
      { relay: relay.url, name: 'inbox', complete: true, events: [{ kind: 1059 }] },
      { relay: relay.url, name: 'people', complete: true, events: [] },
    ])
    expect(new Set(relay.seen.map(({ connection }) => connection)).size).toBe(2)
  })

  test('does not wait the whole budget for a silent relay once another has answered', async () => {
    const urls = [await silent(), (await good()).url, (await embedded({ faults: { mute: true } })).url]
    const started = Date.now()
    const answers = await open().fetch(asks(urls), { deadline: later() })
    expect(answers).toMatchObject([
      { complete: false, reason: 'silent', text: 'no answer in time' },
      { complete: true },
      { complete: false, reason: 'silent', text: 'no connection in time' },
    ])
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('counts a relay as first only when it has answered all that it was asked', async () => {
    const half = await scripted({
      heard(say, [verb, sub], socket) {
        if (verb !== 'REQ') return
        if (half.heard('REQ').length === 1) return say('EOSE', sub)
        setTimeout(() => socket.terminate(), 600)
      },
    })
    const slow = await embedded({ auth: 'none', faults: { delay: 450 } })
    const list = [...asks([half.url]), ...asks([half.url], { name: 'b' }), ...asks([slow.url])]
    const answers = await open({ grace: 100 }).fetch(list, { deadline: later() })
    expect(answers.map(({ complete }) => complete)).toEqual([true, false, true])
  })

  test('lets a slow relay finish that is still sending, and cuts it when it stops', async () => {
    const events = Array.from({ length: 12 }, (_, n) => wrap(n))
    const drip = (count: number) =>
      scripted({
        heard(say, [verb, sub]) {
          if (verb !== 'REQ') return
          for (const [n, event] of events.slice(0, count).entries()) setTimeout(() => say('EVENT', sub, event), 80 * n)
          if (count === events.length) setTimeout(() => say('EOSE', sub), 80 * count)
        },
      })
    const [slow, stuck] = [await drip(12), await drip(6)]
    const started = Date.now()
    const answers = await open({ grace: 500 }).fetch(asks([slow.url, stuck.url, (await good()).url]), {
      deadline: later(),
    })
    expect(answers).toMatchObject([{ complete: true }, { complete: false, reason: 'slow' }, { complete: true }])
    expect(answers.map(({ events }) => events.length)).toEqual([12, 6, 0])
    expect(Date.now() - started).toBeLessThan(10_000)
  })

  test('is patient with a relay for which it is asked to be', async () => {
    const slow = await embedded({ auth: 'none', faults: { delay: 400 } })
    const fast = await good()
    const patient = (url: string) => (url === slow.url ? 10_000 : 0)
    const hasty = await open({ grace: 50 }).fetch(asks([slow.url, fast.url]), { deadline: later() })
    expect(hasty).toMatchObject([{ complete: false }, { complete: true }])
    const waited = await open({ grace: 50 }).fetch(asks([slow.url, fast.url]), { deadline: later(), patient })
    expect(waited).toMatchObject([{ complete: true }, { complete: true }])
  })

  test('ends at the deadline when nobody answers', async () => {
    const urls = [await silent(), (await embedded({ faults: { mute: true } })).url]
    const answers = await open().fetch(asks(urls), { deadline: soon(300) })
    expect(answers).toMatchObject([{ reason: 'silent' }, { reason: 'silent' }])
  })

  test('a refused connection neither costs time nor starts the grace', async () => {
    const slow = await embedded({ auth: 'none', faults: { delay: 300 } })
    const answers = await open({ grace: 30 }).fetch(asks([await nobody(), slow.url]), { deadline: later() })
    expect(answers).toMatchObject([{ complete: false, reason: 'unreachable' }, { complete: true }])
  })

  test('with no relay that is there ends at once', async () => {
    const started = Date.now()
    const answers = await open().fetch(asks([await nobody(), await nobody()]), { deadline: later() })
    expect(answers).toMatchObject([{ reason: 'unreachable' }, { reason: 'unreachable' }])
    expect(Date.now() - started).toBeLessThan(5_000)
    expect(await open().fetch([], { deadline: later() })).toEqual([])
  })

  test('skips what is known', async () => {
    const event = wrap()
    const relay = await good(event)
    const skip = (id: string) => id === event.id
    expect(await open().fetch(asks([relay.url]), { deadline: later(), skip })).toMatchObject([{ events: [] }])
  })

  test('connects to twelve relays at most', async () => {
    const urls = await Promise.all(Array.from({ length: 13 }, async () => (await good()).url))
    const answers = await open({ grace: 10_000 }).fetch(asks(urls), { deadline: later() })
    expect(answers.filter(({ complete }) => complete)).toHaveLength(12)
    expect(answers[12]).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answers[12]?.text).toMatch(/12 relays/)
  })

  test('connects again to a relay that was lost since', async () => {
    const relay = await good()
    const pool = open()
    await pool.fetch(asks([relay.url]), { deadline: later() })
    await relay.restart()
    await vi.waitFor(() => expect(pool.relays()).toMatchObject([{ ok: false }]))
    expect(await pool.fetch(asks([relay.url]), { deadline: later() })).toMatchObject([{ complete: true }])
    expect(pool.relays()).toMatchObject([{ ok: true }])
  })
})

describe('publish', () => {
  test('gives one receipt per event and relay', async () => {
    const [one, two] = [await good(), await embedded({ auth: 'none', faults: { refuse: 'blocked: no' } })]
    const dead = await nobody()
    const events = [wrap(), wrap()]
    const jobs = events.map((event) => ({ event, relays: [one.url, two.url, dead, one.url] }))
    const receipts = await open().publish(jobs, { deadline: later() })
    expect(receipts.map(({ event, relay }) => [event, relay])).toEqual(
      events.flatMap(({ id }) => [one.url, two.url, dead].map((relay) => [id, relay])),
    )
    for (const event of events) {
      expect(receipts.filter((receipt) => receipt.event === event.id)).toMatchObject([
        { accepted: true },
        { accepted: false, reason: 'blocked' },
        { accepted: false, reason: 'unreachable' },
      ])
    }
  })

  test('does not wait for the others of a job once one relay took it, but for every job', async () => {
    const [fast, slow] = [await good(), await embedded({ auth: 'none', faults: { delay: 500 } })]
    const jobs = [
      { event: wrap(), relays: [fast.url, await silent()] },
      { event: wrap(), relays: [slow.url] },
    ]
    const started = Date.now()
    const receipts = await open({ grace: 50 }).publish(jobs, { deadline: later() })
    expect(receipts).toMatchObject([{ accepted: true }, { accepted: false, reason: 'silent' }, { accepted: true }])
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('a refusal does not end the others', async () => {
    const slow = await embedded({ auth: 'none', faults: { delay: 300 } })
    const refuses = await embedded({ auth: 'none', faults: { refuse: 'blocked: no' } })
    const jobs = [{ event: wrap(), relays: [refuses.url, slow.url] }]
    const receipts = await open({ grace: 30 }).publish(jobs, { deadline: later() })
    expect(receipts).toMatchObject([{ reason: 'blocked' }, { accepted: true }])
  })

  test('shares connections and AUTH with fetch', async () => {
    const relay = await embedded({ auth: 'all' })
    const pool = open()
    pool.warm([relay.url])
    const event = wrap()
    const [receipts] = await Promise.all([
      pool.publish([{ event, relays: [relay.url] }], { deadline: later() }),
      pool.fetch(asks([relay.url]), { deadline: later() }),
    ])
    expect(receipts).toMatchObject([{ accepted: true }])
    expect(new Set(relay.seen.map(({ connection }) => connection)).size).toBe(1)
    expect(relay.seen.filter(({ frame }) => frame[0] === 'AUTH')).toHaveLength(1)
  })
})

describe('next', () => {
  test('gives what comes live, with the relay that it came from, and what came between two calls', async () => {
    const relay = await good()
    const pool = open()
    await pool.fetch(asks([relay.url], { live: true, page: true }), { deadline: later() })
    const events = [wrap(1), wrap(2)]
    const writer = dial(relay.url)
    for (const event of events) {
      await writer.publish(event, later())
      expect(await pool.next(later())).toEqual([{ event, relay: relay.url }])
    }
    expect(await pool.next(soon(50))).toEqual([])
    for (const ago of [3, 4]) await writer.publish(wrap(ago), later())
    await expect.poll(() => relay.events().length).toBe(4)
    const rest = await pool.next(later())
    if (rest.length < 2) rest.push(...(await pool.next(later())))
    expect(rest).toHaveLength(2)
  })

  test('gives an event once, whichever relays bring it and however it came', async () => {
    const [one, two] = [await good(), await good()]
    const pool = open()
    const before = wrap(1)
    await dial(one.url).publish(before, later())
    await pool.fetch(asks([one.url, two.url], { live: true }), { deadline: later() })
    await dial(two.url).publish(before, later())
    const event = wrap(2)
    for (const relay of [one, two]) await dial(relay.url).publish(event, later())
    expect(await pool.next(later())).toMatchObject([{ event: { id: event.id } }])
    expect(await pool.next(soon(200))).toEqual([])
  })

  test('a copy with a spoilt signature does not keep the good one out', async () => {
    const event = wrap()
    const [one, two] = [await scripted({}), await scripted({})]
    const pool = open()
    const waiting = pool.fetch(asks([one.url, two.url], { live: true }), { deadline: soon() })
    await waiting
    const tell = (relay: typeof one, told: Event) => {
      for (const socket of relay.sockets) socket.send(JSON.stringify(['EVENT', relay.heard('REQ')[0]?.[1], told]))
    }
    tell(one, { ...event, sig: '0'.repeat(128) })
    expect(await pool.next(later())).toHaveLength(1)
    tell(two, event)
    expect(await pool.next(later())).toEqual([{ event, relay: two.url }])
  })

  test('gives what a relay that was cut off sends later', async () => {
    const event = wrap()
    const slow = await embedded({ auth: 'none', faults: { delay: 500 } })
    await dial(slow.url).publish(event, later())
    const pool = open({ grace: 20 })
    const answers = await pool.fetch(asks([slow.url, (await good()).url], { live: true }), { deadline: later() })
    expect(answers).toMatchObject([{ complete: false, events: [] }, { complete: true }])
    expect(await pool.next(later())).toEqual([{ event, relay: slow.url }])
  })

  test('connects again after a loss and brings what was missed, known events left out', async () => {
    const old = wrap(5)
    const relay = await good(old)
    const pool = open()
    await pool.fetch(asks([relay.url], { live: true, page: true }), { deadline: later() })
    const missed = wrap(10)
    await relay.restart()
    await dial(relay.url).publish(missed, later())
    expect(await pool.next(later())).toEqual([{ event: missed, relay: relay.url }])
    await relay.restart()
    await vi.waitFor(() => expect(relay.connections()).toBeGreaterThan(0))
    const live = wrap(20)
    await dial(relay.url).publish(live, later())
    expect(await pool.next(later())).toEqual([{ event: live, relay: relay.url }])
  })

  test('finds a relay that was not there at first', async () => {
    const relay = await good()
    const { port } = relay
    await relay.close()
    const pool = open()
    const answers = await pool.fetch(asks([`ws://127.0.0.1:${port}`], { live: true }), { deadline: later() })
    expect(answers).toMatchObject([{ reason: 'unreachable' }])
    const late = await embedded({ auth: 'none', port })
    const event = wrap()
    await dial(late.url).publish(event, later())
    expect(await pool.next(later())).toMatchObject([{ event: { id: event.id } }])
  })

  test('asks again where only the subscription was ended, but not where the no is final', async () => {
    const refusing = (text: string) =>
      scripted({ heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, text) })
    const [idle, banned] = [
      await refusing('error: shutting down idle subscription'),
      await refusing('blocked: go away'),
    ]
    await open().fetch(asks([idle.url, banned.url], { live: true }), { deadline: later() })
    await vi.waitFor(() => expect(idle.heard('REQ').length).toBeGreaterThan(2))
    expect(banned.heard('REQ')).toHaveLength(1)
    expect(idle.connections()).toBe(1)
  })

  test('tries less and less often', async () => {
    let attempts = 0
    const relay = await tcp(
      createServer((socket) => {
        attempts += 1
        socket.destroy()
      }),
    )
    const pool = open({ retry: { firstMs: 20, longestMs: 100_000 } })
    await pool.fetch(asks([relay], { live: true }), { deadline: later() })
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(2))
    await pool.next(soon(400))
    // 20, 40, 80, 160, 320 ms and their dice; without a pause it would be hundreds.
    expect(attempts).toBeLessThan(9)
  })

  test('ends when the pool is closed', async () => {
    const pool = open()
    const waiting = pool.next(later())
    pool.close()
    expect(await waiting).toEqual([])
  })
})

describe('relays', () => {
  test('tells how each one did, also afterwards', async () => {
    const [relay, dead, quiet] = [await embedded({ auth: 'none', clockOffset: -100 }), await nobody(), await silent()]
    const pool = open()
    await pool.fetch(asks([relay.url, dead, quiet]), { deadline: later() })
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
    const wayTo = async (url: string) => {
      asked.push(url)
      throw new Error('the proxy is down')
    }
    const answers = await open({ wayTo }).fetch(asks(['ws://127.0.0.1:9']), { deadline: later() })
    expect(answers).toMatchObject([{ reason: 'unreachable', text: 'the proxy is down' }])
    expect(asked).toEqual(['ws://127.0.0.1:9'])
  })
})

test('a closed pool connects to nobody', async () => {
  const relay = await good()
  const pool = open()
  pool.close()
  const answers = await pool.fetch(asks([relay.url]), { deadline: later() })
  expect(answers).toMatchObject([{ complete: false, reason: 'unreachable', text: 'closed by us' }])
  expect(relay.seen).toEqual([])
})

test('a process ends by itself once the pool is closed, whatever the relays do', async () => {
  const relays = [
    (await embedded({ auth: 'dm' })).url,
    await nobody(),
    await silent(),
    (await embedded({ faults: { mute: true } })).url,
    (await scripted({ heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'rate-limited: later') })).url,
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
