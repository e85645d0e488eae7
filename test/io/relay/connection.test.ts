// One relay, as it should be and as it should not: what comes back, what is believed, and that nothing hangs.
import { createHash } from 'node:crypto'
import { createServer as createHttp } from 'node:http'
import { createServer } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { unsafeTextOf } from '../../../src/call/wording.ts'
import { randomKeys } from '../../../src/nostr/crypto.ts'
import type { Event } from '../../../src/nostr/event.ts'
import { emptyWrapFor, signedEvent } from '../../support/nostr-client.ts'
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
const ids = (events: Event[]) => events.map((event) => event.id).sort()

describe('a question', () => {
  test('is complete when the relay has said EOSE, and not before', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const wraps = [wrap(10), wrap(20)]
    const connection = connectAsAlice(relay.url)
    for (const event of wraps) await connection.publish(event, farDeadline())
    const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ relay: relay.url, complete: true, dropped: 0 })
    expect(answer).not.toHaveProperty('reason')
    expect(ids(answer.events)).toEqual(ids(wraps))
  })

  test('for kind 1059 together with others is a mistake of ours', async () => {
    const relay = await startTestRelay()
    expect(() => connectAsAlice(relay.url).query({ filter: { kinds: [1059, 1] }, deadline: farDeadline() })).toThrow(
      RangeError,
    )
  })

  test('without an EOSE is never complete, and keeps what came', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { noEose: true } })
    const connection = connectAsAlice(relay.url)
    const event = wrap()
    await connection.publish(event, farDeadline())
    const answer = await connection.query({ filter: inboxFilter, deadline: nearDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'slow', events: [{ id: event.id }] })
  })

  test('to a relay that says nothing ends at the deadline', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { silent: true } })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: nearDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'silent', text: 'no answer in time', events: [] })
  })

  test('to a relay that never upgrades the connection ends at the deadline', async () => {
    const relay = await startTestRelay({ faults: { mute: true } })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: nearDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'silent', text: 'no connection in time' })
  })

  test('to nobody ends at once', async () => {
    const connection = connectAsAlice(await unusedAddress())
    const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answer.text).toMatch(/ECONNREFUSED/)
    expect(connection.lost()).toMatchObject({ reason: 'unreachable' })
  })

  test('on a connection that is lost already ends at once', async () => {
    const connection = connectAsAlice(await unusedAddress())
    await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(await connection.query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      reason: 'unreachable',
    })
    expect(await connection.publish(wrap(), farDeadline())).toMatchObject({ accepted: false, reason: 'unreachable' })
    const ends: unknown[] = []
    await connection.query({
      filter: inboxFilter,
      deadline: farDeadline(),
      live: true,
      onEnd: (refusal) => ends.push(refusal),
    })
    await vi.waitFor(() => expect(ends).toMatchObject([{ reason: 'unreachable' }]))
  })

  test('to a web server ends with what it said', async () => {
    const http = createHttp((_, response) => response.writeHead(502).end())
    const answer = await connectAsAlice(await listenTcp(http)).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ reason: 'unreachable', text: 'Unexpected server response: 502' })
  })

  test('to something that is no relay address ends at once', async () => {
    expect(await connectAsAlice('ftp://x').query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      reason: 'unreachable',
    })
  })

  test('on a way that does not open ends at once', async () => {
    const route = Promise.reject(new Error('no such proxy'))
    const answer = await connectAsAlice('ws://127.0.0.1:9', { route }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ reason: 'unreachable', text: 'no such proxy' })
  })

  test('keeps what came before the connection was lost', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    for (const ago of [10, 20, 30]) await connectAsAlice(relay.url).publish(wrap(ago), farDeadline())
    relay.faults.closeAfter = 2
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answer.events).toHaveLength(2)
  })

  test('that is cut off ends before its deadline', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { silent: true } })
    const answer = await connectAsAlice(relay.url).query({
      filter: inboxFilter,
      deadline: farDeadline(),
      cut: AbortSignal.timeout(50),
    })
    expect(answer).toMatchObject({ complete: false, reason: 'silent' })
    await vi.waitFor(() => expect(relay.seen.map(({ frame }) => frame[0])).toEqual(['REQ', 'CLOSE']))
  })

  test("that is refused is not complete, and has the relay's reason", async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'restricted: not for you'),
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'restricted', text: 'restricted: not for you' })
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('is asked again when the relay wants us to slow down', async () => {
    let refusals = 2
    const relay = await startScriptedRelay({
      heard: (say, [verb, sub]) => {
        if (verb !== 'REQ') return
        refusals -= 1
        if (refusals >= 0) say('CLOSED', sub, 'rate-limited: slow down')
        else say('EOSE', sub)
      },
    })
    const answer = await connectAsAlice(relay.url, { backoffMs: 5 }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ complete: true })
    expect(relay.heard('REQ')).toHaveLength(3)
  })

  test('that is only ever put off ends as rate-limited', async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'rate-limited: slow down'),
    })
    const answer = await connectAsAlice(relay.url, { backoffMs: 5 }).query({
      filter: inboxFilter,
      deadline: nearDeadline(),
    })
    expect(answer).toMatchObject({ complete: false, reason: 'rate-limited' })
    // 5, 10, 20 … ms: each pause is twice the last.
    expect(relay.heard('REQ').length).toBeLessThan(9)
  })

  test('tells the relay when it needs no more', async () => {
    const relay = await startScriptedRelay({ heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub) })
    await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    await vi.waitFor(() => expect(relay.heard('CLOSE')).toEqual([['CLOSE', relay.heard('REQ')[0]?.[1]]]))
  })
})

describe('events', () => {
  test('that were not asked for, or are forged, are dropped and counted', async () => {
    const bob = randomKeys()
    const good = wrap()
    const other = { ...wrap(), content: 'changed under the old id' }
    const relay = await startScriptedRelay({
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        for (const event of [
          emptyWrapFor(bob, 5),
          signedEvent(bob, { created_at: 5 }),
          other,
          { ...wrap(), sig: 'x' },
        ]) {
          say('EVENT', sub, event)
        }
        say('EVENT', 'another', wrap())
        say('EVENT', sub, good)
        say('EOSE', sub)
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, dropped: 4, events: [{ id: good.id }] })
  })

  test('with junk under a known id do not keep the genuine one out', async () => {
    const good = wrap()
    const relay = await startScriptedRelay({
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        say('EVENT', sub, { ...good, content: 'junk' })
        say('EVENT', sub, good)
        say('EOSE', sub)
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ dropped: 1, events: [good] })
  })

  test.each([{ repeat: true }, { shuffle: true }, { garbage: true }, { foreign: true }])(
    'survive %j',
    async (faults) => {
      const relay = await startTestRelay({ auth: 'none', faults })
      const connection = connectAsAlice(relay.url)
      const wraps = [10, 20, 30].map((ago) => wrap(ago))
      await connection.publish(signedEvent(alice, { created_at: nowSeconds() }), farDeadline())
      for (const event of wraps) await connection.publish(event, farDeadline())
      const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
      expect(answer).toMatchObject({ complete: true, dropped: 'foreign' in faults ? 1 : 0 })
      expect(ids(answer.events)).toEqual(ids(wraps))
    },
  )

  test('that a relay forges are all dropped', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { forge: true } })
    const connection = connectAsAlice(relay.url)
    await connection.publish(wrap(), farDeadline())
    const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, dropped: 1, events: [] })
  })

  test('that are known already are skipped unseen', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const connection = connectAsAlice(relay.url)
    const [known, fresh] = [wrap(10), wrap(20)]
    for (const event of [known, fresh]) await connection.publish(event, farDeadline())
    const answer = await connection.query({
      filter: inboxFilter,
      deadline: farDeadline(),
      skip: (id) => id === known.id,
    })
    expect(answer).toMatchObject({ complete: true, dropped: 0, events: [{ id: fresh.id }] })
  })

  test('that are known and have no time of their own do not lead anywhere', async () => {
    const { id } = wrap()
    const relay = await startScriptedRelay({
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        say('EVENT', sub, { id })
        say('EOSE', sub, ['more'])
      },
    })
    const answer = await connectAsAlice(relay.url).query({
      filter: inboxFilter,
      page: true,
      deadline: farDeadline(),
      skip: () => true,
    })
    expect(answer).toMatchObject({ complete: false, reason: 'partial', dropped: 1 })
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('larger than any that a relay should send end the connection, not the process', async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb]) => verb === 'REQ' && say('NOTICE', 'x'.repeat(2 * 1_048_576)),
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
  })

  test('beyond our bounds end the answer, which is then not complete', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const connection = connectAsAlice(relay.url)
    for (const ago of [10, 20, 30]) await connection.publish(wrap(ago), farDeadline())
    const few = connectAsAlice(relay.url, { bounds: { events: 2, bytes: 1_000_000, pages: 9 } })
    const byCount = await few.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(byCount).toMatchObject({ complete: false, reason: 'partial', text: 'stopped after 2 events' })
    expect(byCount.events).toHaveLength(2)
    const small = connectAsAlice(relay.url, { bounds: { events: 9, bytes: 900, pages: 9 } })
    const bySize = await small.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(bySize).toMatchObject({ complete: false, reason: 'partial', text: 'stopped after 900 bytes' })
    expect(bySize.events.length).toBeLessThan(3)
  })
})

describe('a live question', () => {
  test('brings what comes later, once, until the connection is lost', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { repeat: true } })
    const connection = connectAsAlice(relay.url)
    const arrived: string[] = []
    const ends: unknown[] = []
    const stored = wrap(10)
    await connection.publish(stored, farDeadline())
    const answer = await connection.query({
      filter: inboxFilter,
      deadline: farDeadline(),
      live: true,
      onEvent: (event) => arrived.push(event.id),
      onEnd: (refusal) => ends.push(refusal),
    })
    expect(answer).toMatchObject({ complete: true, events: [{ id: stored.id }] })
    const news = [wrap(20), wrap(30)]
    for (const event of news) await connection.publish(event, farDeadline())
    await vi.waitFor(() => expect(arrived).toEqual(news.map((event) => event.id)))
    expect(ends).toEqual([])
    await relay.restart()
    await vi.waitFor(() => expect(ends).toMatchObject([{ reason: 'unreachable' }]))
  })

  test('that is cut off still brings what comes', async () => {
    const relay = await startScriptedRelay({})
    const arrived: string[] = []
    const connection = connectAsAlice(relay.url)
    const onEvent = (event: Event) => arrived.push(event.id)
    const answer = await connection.query({ filter: inboxFilter, deadline: nearDeadline(), live: true, onEvent })
    expect(answer).toMatchObject({ complete: false, reason: 'silent', events: [] })
    const sub = relay.heard('REQ')[0]?.[1]
    const event = wrap()
    for (const socket of relay.sockets) socket.send(JSON.stringify(['EVENT', sub, event]))
    await vi.waitFor(() => expect(arrived).toEqual([event.id]))
  })

  test('that is cut off is still within bounds until its EOSE, and goes on after', async () => {
    const relay = await startScriptedRelay({})
    const arrived: string[] = []
    const connection = connectAsAlice(relay.url, { bounds: { events: 2, bytes: 1_000_000, pages: 9 } })
    const onEvent = (event: Event) => arrived.push(event.id)
    await connection.query({ filter: inboxFilter, deadline: nearDeadline(), live: true, onEvent })
    const sub = relay.heard('REQ')[0]?.[1]
    const events = [wrap(1), wrap(2), wrap(3), wrap(4)]
    const tell = (event: Event | undefined) => {
      for (const socket of relay.sockets) socket.send(JSON.stringify(['EVENT', sub, event]))
    }
    events.slice(0, 3).forEach(tell)
    const firstTwo = events.slice(0, 2).map(({ id }) => id)
    await vi.waitFor(() => expect(arrived).toEqual(firstTwo))
    // The third one ended what is taken for the relay's store. The fourth is news.
    await vi.waitFor(() => {
      tell(events[3])
      expect(arrived).toEqual([...firstTwo, events[3]?.id])
    })
  })

  test('says when the relay ends it', async () => {
    const relay = await startScriptedRelay({
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        say('EOSE', sub)
        say('CLOSED', sub, 'error: shutting down idle subscription')
      },
    })
    const ends: unknown[] = []
    const onEnd = (refusal: unknown) => ends.push(refusal)
    const answer = await connectAsAlice(relay.url).query({
      filter: inboxFilter,
      deadline: farDeadline(),
      live: true,
      onEnd,
    })
    expect(answer).toMatchObject({ complete: true })
    await vi.waitFor(() => expect(ends).toMatchObject([{ reason: 'error' }]))
  })
})

describe('a connection', () => {
  test("is measured: how long it took, and how far our clock is from the relay's", async () => {
    const relay = await startTestRelay({ auth: 'none', clockOffset: -300 })
    const connection = connectAsAlice(relay.url)
    await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    const health = connection.health()
    expect(health).toMatchObject({ url: relay.url, ok: true })
    expect(health.latencyMs).toBeGreaterThanOrEqual(0)
    expect(health.latencyMs).toBeLessThan(10_000)
    expect(health.clockAhead).toBeGreaterThan(290)
    expect(health.clockAhead).toBeLessThan(310)
  })

  test('to a relay that does not tell the time is not compared', async () => {
    const relay = await startScriptedRelay({ heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub) })
    const connection = connectAsAlice(relay.url)
    await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(connection.health()).not.toHaveProperty('clockAhead')
  })

  test('that no longer answers pings is lost', async () => {
    const relay = await startScriptedRelay({ autoPong: false })
    const answer = await connectAsAlice(relay.url, { pingMs: 40 }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ reason: 'unreachable', text: 'the relay stopped answering pings' })
  })

  test('that answers pings is kept', async () => {
    const relay = await startScriptedRelay({})
    // As long as a busy machine may do nothing at all between a ping and its pong.
    const answer = await connectAsAlice(relay.url, { pingMs: 250 }).query({
      filter: inboxFilter,
      deadline: nearDeadline(1_000),
    })
    expect(answer).toMatchObject({ reason: 'silent' })
  })

  test('that the relay says goodbye to is lost, also when the relay then stays', async () => {
    const key = (head: string) => /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? ''
    const relay = createServer({ allowHalfOpen: true }, (socket) =>
      socket.once('data', (head) => {
        socket.write(upgrade(key(String(head))))
        // A close frame with code 1001, and nothing after it: the socket stays open.
        socket.write(Buffer.of(0x88, 2, 1001 >> 8, 1001 & 255))
      }),
    )
    const answer = await connectAsAlice(await listenTcp(relay)).query({
      filter: inboxFilter,
      deadline: Date.now() + 10_000,
    })
    expect(answer).toMatchObject({ reason: 'unreachable', text: 'the relay closed the connection (1001)' })
  })

  test('answers everything at once when it is closed', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { silent: true } })
    const connection = connectAsAlice(relay.url)
    const open = [
      connection.query({ filter: inboxFilter, deadline: farDeadline() }),
      connection.query({ filter: inboxFilter, deadline: farDeadline(), live: true }),
      connection.publish(wrap(), farDeadline()),
    ]
    connection.close()
    expect(await Promise.all(open)).toMatchObject(open.map(() => ({ reason: 'unreachable', text: 'closed by us' })))
    await vi.waitFor(() => expect(relay.connections()).toBe(0))
  })

  test('that is closed before it stands never stands', async () => {
    const relay = await startScriptedRelay({ heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub) })
    connectAsAlice(relay.url).close()
    await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(relay.connections()).toBe(1)
  })

  test('traces every step in a line of text', async () => {
    const relay = await startTestRelay({ auth: 'all' })
    const lines: string[] = []
    await connectAsAlice(relay.url, { trace: (line) => lines.push(unsafeTextOf(line)) }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    const verbs = lines.map((line) => line.replace(`${relay.url} `, '').split(' ').slice(0, 2).join(' '))
    expect(verbs).toEqual(['open after', '<- AUTH', '-> AUTH', '-> REQ', '<- OK', '<- EOSE', '-> CLOSE'])
  })

  test('reads a challenge that comes in the same segment as the 101, and asks once, after the AUTH', async () => {
    const heard: string[] = []
    const key = (head: string) => /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? ''
    const relay = createServer((socket) => {
      socket.once('data', (head) => {
        const challenge = JSON.stringify(['AUTH', 'first'])
        socket.write(
          Buffer.concat([upgrade(key(String(head))), Buffer.of(0x81, challenge.length), Buffer.from(challenge)]),
        )
        socket.on('data', (data) => heard.push(...unmask(data)))
      })
    })
    void connectAsAlice(await listenTcp(relay)).query({ filter: inboxFilter, deadline: farDeadline() })
    await vi.waitFor(() => expect(heard.map((text) => JSON.parse(text)[0])).toEqual(['AUTH', 'REQ']))
  })
})

function upgrade(key: string): Buffer {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return Buffer.from([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'))
}

// The texts of whole client frames of 126 to 65,535 bytes (RFC 6455, 5.2), or shorter ones.
function unmask(data: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < data.length; ) {
    const short = (data[at + 1] ?? 0) & 127
    const start = at + (short === 126 ? 4 : 2)
    const length = short === 126 ? data.readUInt16BE(at + 2) : short
    const mask = data.subarray(start, start + 4)
    const body = data.subarray(start + 4, start + 4 + length)
    texts.push(String(Buffer.from(body.map((byte, n) => byte ^ (mask[n % 4] ?? 0)))))
    at = start + 4 + length
  }
  return texts
}
