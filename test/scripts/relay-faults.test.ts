// The embedded relay's faults: each is off until set, does what it says, and can be taken back while the relay runs.
import { once } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, verifyEvent } from '../../src/nostr/event.ts'
import { reconcile } from '../../src/nostr/nip77.ts'
import { authEvent, type NostrClient, openNostrClient, signedEvent } from '../support/nostr-client.ts'

const alice = randomKeys()
const noon = 1_750_000_000

let relay: EmbeddedRelay

afterEach(() => relay.close())

async function openClient(options: RelayOptions = {}): Promise<NostrClient> {
  relay = await startRelay({ auth: 'none', now: () => noon, ...options })
  return openNostrClient(relay.url)
}

function note(n: number): Event {
  return signedEvent(alice, { created_at: noon - n, content: `note ${n}` })
}

async function publishNotes(client: NostrClient, count: number): Promise<Event[]> {
  const notes = Array.from({ length: count }, (_, n) => note(n))
  for (const event of notes) await client.publish(event)
  return notes
}

test('dropEvents: says that it took an event and did not', async () => {
  const client = await openClient({ faults: { dropEvents: 1 } })
  await client.ask('live', {})
  expect(await client.publish(note(1))).toEqual({ accepted: true, reason: '' })
  expect(relay.events()).toEqual([])
  relay.faults.dropEvents = (event) => event.content === 'note 2'
  for (const n of [2, 3]) expect((await client.publish(note(n))).accepted).toBe(true)
  expect(relay.events().map((event) => event.content)).toEqual(['note 3'])
  expect((await client.next('EVENT', 'live'))[2]).toMatchObject({ content: 'note 3' })
})

test('dropEvents: a share is dropped, the same ones for the same seed', async () => {
  const notes = Array.from({ length: 40 }, (_, n) => note(n))
  const kept: string[] = []
  for (const seed of [7, 7, 8]) {
    const client = await openClient({ trust: true, seed, faults: { dropEvents: 0.5 } })
    for (const event of notes) await client.publish(event)
    kept.push(
      relay
        .events()
        .map((event) => event.content)
        .join(),
    )
    if (kept.length < 3) await relay.close()
  }
  expect(kept[1]).toBe(kept[0])
  expect(kept[2]).not.toBe(kept[0])
  expect(relay.events().length).toBeGreaterThan(5)
  expect(relay.events().length).toBeLessThan(35)
})

test('refuse: with its reason, forever or so many times', async () => {
  const client = await openClient({ faults: { refuse: 'blocked: not you' } })
  for (const n of [1, 2, 3]) {
    expect(await client.publish(note(n))).toEqual({ accepted: false, reason: 'blocked: not you' })
  }
  relay.faults.refuse = 'rate-limited: slow down'
  relay.faults.refuseTimes = 2
  const answers = []
  for (const n of [1, 1, 1]) answers.push((await client.publish(note(n))).reason)
  expect(answers).toEqual(['rate-limited: slow down', 'rate-limited: slow down', ''])
  expect(relay.faults.refuse).toBeUndefined()
})

test('repeat: everything comes twice', async () => {
  const client = await openClient()
  const [event] = await publishNotes(client, 1)
  relay.faults.repeat = true
  expect((await client.ask('s', {})).events).toEqual([event, event])
})

test('shuffle: the same events in another order', async () => {
  const client = await openClient()
  const notes = await publishNotes(client, 20)
  relay.faults.shuffle = true
  const { events } = await client.ask('s', {})
  expect(events).not.toEqual(notes)
  expect(new Set(events.map((event) => event.id))).toEqual(new Set(notes.map((event) => event.id)))
  expect(events).toHaveLength(20)
})

test('delay: every frame is late, and in order', async () => {
  const client = await openClient()
  const notes = await publishNotes(client, 5)
  relay.faults.delay = 50
  const start = performance.now()
  expect(await client.ask('s', {})).toEqual({ events: notes, end: ['EOSE', 's'] })
  // Timers count whole milliseconds.
  expect(performance.now() - start).toBeGreaterThanOrEqual(49)
})

test('silent: listens, and neither acts nor speaks', async () => {
  const client = await openClient({ auth: 'dm', faults: { silent: true } })
  client.send('EVENT', note(1))
  client.send('REQ', 's', {})
  client.socket.send('nonsense')
  await expect.poll(() => relay.seen.length).toBe(3)
  expect(relay.events()).toEqual([])
  relay.faults.silent = false
  // Had it said something, that would have come before this.
  expect(await client.ask('t', {})).toEqual({ events: [], end: ['EOSE', 't'] })
  expect([client.waiting('AUTH'), client.waiting('OK'), client.waiting('EOSE'), client.waiting('NOTICE')]).toEqual([
    0, 0, 0, 0,
  ])
})

test('mute: takes the TCP connection and never upgrades it, nor answers HTTP', async () => {
  await openClient()
  relay.faults.mute = true
  const socket = new WebSocket(relay.url, { handshakeTimeout: 200 })
  const connected = vi.fn()
  socket.once('open', connected)
  const error = await new Promise((resolve) => socket.once('error', resolve))
  expect(String(error)).toMatch('handshake has timed out')
  expect(connected).not.toHaveBeenCalled()
  const document = fetch(relay.url.replace('ws:', 'http:'), { signal: AbortSignal.timeout(200) })
  await expect(document).rejects.toThrow('timeout')
  relay.faults.mute = false
  expect((await (await openNostrClient(relay.url)).ask('s', {})).end).toEqual(['EOSE', 's'])
})

test('noEose and noOk: does the work without saying so', async () => {
  const client = await openClient({ faults: { noEose: true, noOk: true } })
  const event = note(1)
  client.send('EVENT', event)
  client.send('REQ', 's', {})
  expect(await client.next('EVENT')).toEqual(['EVENT', 's', event])
  relay.faults.noEose = false
  await client.ask('t', {})
  expect([client.waiting('OK'), client.waiting('EOSE')]).toEqual([0, 0])
  expect(relay.events()).toEqual([event])
})

test('ignoreUntil, ignoreLimit and cap bend the filter', async () => {
  const client = await openClient({ hints: 'nip67' })
  const notes = await publishNotes(client, 4)
  const older = { until: noon - 2, limit: 1 }
  expect((await client.ask('a', older)).events).toEqual([notes[2]])
  relay.faults.ignoreUntil = true
  expect((await client.ask('b', older)).events).toEqual([notes[0]])
  relay.faults.ignoreLimit = true
  expect((await client.ask('c', older)).events).toEqual(notes)
  relay.faults.cap = 3
  expect(await client.ask('d', older)).toEqual({ events: notes.slice(0, 3), end: ['EOSE', 'd', ['more']] })
})

test('garbage: a broken frame before each good one, and the good ones all come', async () => {
  const client = await openClient({ faults: { garbage: true } })
  const texts: string[] = []
  client.socket.on('message', (data) => texts.push(String(data)))
  const notes = await publishNotes(client, 20)
  expect(await client.ask('s', {})).toEqual({ events: notes, end: ['EOSE', 's'] })
  expect(texts).toHaveLength(2 * (20 + 20 + 1))
  expect(client.rubbish.length).toBeGreaterThan(0)
})

test('foreign: up to three stored events that were not asked for', async () => {
  const client = await openClient()
  const notes = await publishNotes(client, 5)
  relay.faults.foreign = true
  const { events } = await client.ask('s', { ids: [notes[4]?.id] })
  expect(events).toEqual([notes[0], notes[1], notes[2], notes[4]])
})

test('closeAfter: the connection is cut after so many frames, all of which arrive', async () => {
  const client = await openClient({ trust: true })
  const large = { ...note(0), content: 'x'.repeat(60_000) }
  for (let n = 0; n < 100; n++) await client.publish({ ...large, id: `${n}`.padStart(64, '0') })
  // More than the sockets hold: the last of them is still on its way out when the next would be due.
  relay.faults.closeAfter = 90
  const other = await openNostrClient(relay.url)
  other.send('REQ', 's', {})
  await other.gone
  expect([other.waiting('EVENT'), other.waiting('EOSE')]).toEqual([90, 0])
  // Who has had that many already is cut at the next.
  client.send('REQ', 's', {})
  await client.gone
  expect(client.waiting('EVENT')).toBe(0)
  relay.faults.closeAfter = Number.POSITIVE_INFINITY
  expect((await (await openNostrClient(relay.url)).ask('s', {})).events).toHaveLength(100)
})

test('forge: another content under the old id and signature', async () => {
  const client = await openClient()
  const [event] = await publishNotes(client, 1)
  await client.publish(signedEvent(alice, { created_at: noon - 9, content: '' }))
  relay.faults.forge = true
  const { events } = await client.ask('s', {})
  expect(events[0]).toEqual({ ...event, content: 'Aote 0' })
  expect(events.map(verifyEvent)).toEqual([false, false])
  // What it keeps stays what it was.
  expect(relay.events().every(verifyEvent)).toBe(true)
})

test('bytesPerSecond: a slow line, on which frames stay in order', async () => {
  const client = await openClient()
  const notes = await publishNotes(client, 5)
  relay.faults.bytesPerSecond = 10_000
  const start = performance.now()
  expect(await client.ask('s', {})).toEqual({ events: notes, end: ['EOSE', 's'] })
  const bytes = 5 * JSON.stringify(notes[0]).length
  expect(performance.now() - start).toBeGreaterThan(bytes / 10 - 20)
  expect(relay.sent.events).toBe(5)
})

test('eoseFirst: says that this was all before it sends what it has', async () => {
  const client = await openClient()
  await publishNotes(client, 1)
  relay.faults.eoseFirst = true
  const texts: string[] = []
  client.socket.on('message', (data) => texts.push(String(data)))
  client.send('REQ', 's', {})
  await client.next('EVENT', 's')
  expect(texts.map((text) => JSON.parse(text)[0])).toEqual(['EOSE', 'EVENT'])
})

test('noAuthOk: takes an AUTH without an OK', async () => {
  const client = await openClient({ auth: 'dm', faults: { noAuthOk: true } })
  const [, challenge] = await client.next('AUTH')
  client.send('AUTH', authEvent(alice, relay.url, challenge, noon))
  expect((await client.ask('s', { kinds: [1059], '#p': [alice.pubkey] })).end).toEqual(['EOSE', 's'])
  expect(client.waiting('OK')).toBe(0)
})

test('greeting: says something to whoever connects', async () => {
  const client = await openClient({ faults: { greeting: 'hello' } })
  expect(await client.next('NOTICE')).toEqual(['NOTICE', 'hello'])
})

test('closesLimit: closes a REQ that asks for more than its limit', async () => {
  const client = await openClient({ limit: 2, faults: { closesLimit: 'invalid: too much' } })
  await publishNotes(client, 3)
  expect((await client.ask('a', { limit: 3 })).end).toEqual(['CLOSED', 'a', 'invalid: too much'])
  expect((await client.ask('b', { limit: 2 })).events).toHaveLength(2)
  expect((await client.ask('c', {})).events).toHaveLength(2)
})

test('eventLimit: takes so many events and then one now and then, and refuses the others', async () => {
  let now = noon
  const client = await openClient({ now: () => now, faults: { eventLimit: { seconds: 60, burst: 2 } } })
  const published = async (n: number) => (await client.publish(note(n))).accepted
  expect([await published(1), await published(2), await published(3)]).toEqual([true, true, false])
  expect(await client.publish(note(4))).toEqual({ accepted: false, reason: 'rate-limited: slow down, please' })
  now += 60
  expect([await published(3), await published(4)]).toEqual([true, false])
  expect(relay.events()).toHaveLength(3)
})

test('fewer: lets fewer questions be open than it states, and says so to the one or to nobody', async () => {
  const client = await openClient({ negentropy: 'nip77', faults: { fewer: { most: 2 } } })
  await publishNotes(client, 1)
  for (const id of ['a', 'b']) expect((await client.ask(id, {})).events).toHaveLength(1)
  expect((await client.ask('c', {})).end).toEqual(['CLOSED', 'c', 'error: more than 2 subscriptions'])
  client.send('NEG-OPEN', 'n', {}, reconcile([]).first)
  expect(await client.next('NEG-ERR')).toEqual(['NEG-ERR', 'n', 'error: more than 2 subscriptions'])
  relay.faults.fewer = { most: 2, words: 'ERROR: too many concurrent REQs', notice: true }
  client.send('REQ', 'd', {})
  expect(await client.next('NOTICE')).toEqual(['NOTICE', 'ERROR: too many concurrent REQs'])
  client.send('CLOSE', 'a')
  client.send('NEG-OPEN', 'n', {}, reconcile([]).first)
  await client.next('NEG-MSG', 'n')
  client.send('REQ', 'd', {})
  await client.next('NOTICE')
  client.send('NEG-CLOSE', 'n')
  expect((await client.ask('d', {})).events).toHaveLength(1)
})

test('maxFrame: cuts a connection on which a larger frame comes in', async () => {
  const client = await openClient({ faults: { maxFrame: 500 } })
  await client.publish(note(1))
  const code = new Promise((resolve) => client.socket.once('close', resolve))
  client.send('EVENT', signedEvent(alice, { created_at: noon, content: 'x'.repeat(500) }))
  expect(await code).toBe(1009)
  expect(relay.events()).toHaveLength(1)
})

test('tooMany: answers the upgrade with 429 and headers', async () => {
  await openClient()
  relay.faults.tooMany = { 'Retry-After': '30' }
  const socket = new WebSocket(relay.url)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '30'])
  socket.terminate()
})

test('hangsUp: closes every connection as soon as it is open', async () => {
  await openClient()
  relay.faults.hangsUp = true
  await (await openNostrClient(relay.url)).gone
})
