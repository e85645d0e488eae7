// The embedded relay with clients that others wrote: if they take it for a relay, it is one.
import sdk from '@rust-nostr/nostr-sdk'
import { wrapEvent } from 'nostr-tools/nip59'
import { SimplePool, useWebSocketImplementation as usePoolWebSocket } from 'nostr-tools/pool'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay'
import { afterEach, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { type EmbeddedRelay, startRelay } from '../../scripts/relay.ts'

let relay: EmbeddedRelay

beforeAll(() => {
  useWebSocketImplementation(WebSocket)
  usePoolWebSocket(WebSocket)
  sdk.loadWasmSync()
})

afterEach(() => relay.close())

const now = () => Math.floor(Date.now() / 1000)

test('nostr-tools publishes, asks and listens', async () => {
  relay = await startRelay()
  const secret = generateSecretKey()
  const pool = new SimplePool()
  const live: string[] = []
  const subscription = pool.subscribe(
    [relay.url],
    { kinds: [1], '#t': ['p2p'] },
    { onevent: ({ id }) => live.push(id) },
  )
  const at = now()
  const notes = ['p2p', 'other'].map((t, n) =>
    finalizeEvent({ kind: 1, created_at: at - n, tags: [['t', t]], content: '' }, secret),
  )
  for (const event of notes) await Promise.all(pool.publish([relay.url], event))
  const found = await pool.querySync([relay.url], { authors: [getPublicKey(secret)] })
  expect(found.map(({ id }) => id)).toEqual(notes.map(({ id }) => id))
  await expect.poll(() => live).toEqual([notes[0]?.id])
  subscription.close()
  pool.destroy()
})

test('nostr-tools authenticates and is served its wraps', async () => {
  relay = await startRelay()
  const [alice, bob] = [generateSecretKey(), generateSecretKey()]
  const peer = await Relay.connect(relay.url)
  const wrap = wrapEvent({ kind: 14, content: 'hello', tags: [] }, alice, getPublicKey(bob))
  await peer.publish(wrap)

  const ask = () =>
    new Promise<string[]>((resolve) => {
      const ids: string[] = []
      const filter = { kinds: [1059], '#p': [getPublicKey(bob)] }
      peer.subscribe([filter], {
        onevent: ({ id }) => ids.push(id),
        oneose: () => resolve(ids),
        onclose: (why) => resolve([why]),
      })
    })
  expect((await ask())[0]).toMatch(/^auth-required: /)
  await peer.auth(async (template) => finalizeEvent(template, bob))
  expect(await ask()).toEqual([wrap.id])
  peer.close()
})

// rust-nostr attaches its listener after the upgrade and loses a challenge that comes with it; so the relay challenges late.
test('rust-nostr publishes, authenticates by itself and fetches its wraps', async () => {
  relay = await startRelay({ auth: 'late' })
  const [alice, bob] = [sdk.Keys.generate(), sdk.Keys.generate()]
  const bobsKey = bob.publicKey
  const [writer, reader] = [alice, bob].map((keys) => new sdk.Client(sdk.NostrSigner.keys(keys)))
  if (writer === undefined || reader === undefined) throw new Error('two clients were made')
  for (const client of [writer, reader]) {
    await client.addRelay(relay.url)
    await client.tryConnect(sdk.Duration.fromSecs(5))
  }
  const sent = await writer.sendPrivateMsg(bobsKey, 'hello from rust')
  expect(sent.success).toHaveLength(1)
  expect(relay.events().map(({ kind }) => kind)).toEqual([1059])

  const filter = new sdk.Filter().kind(new sdk.Kind(1059)).pubkey(bobsKey)
  const [wrap] = (await reader.fetchEvents(filter, sdk.Duration.fromSecs(5))).toVec()
  if (wrap === undefined) throw new Error('rust-nostr was served nothing')
  const unwrapped = await reader.unwrapGiftWrap(wrap)
  expect(unwrapped.rumor.content).toBe('hello from rust')
  expect(relay.seen.some(({ frame }) => frame[0] === 'AUTH')).toBe(true)
  for (const client of [writer, reader]) await client.shutdown()
})
