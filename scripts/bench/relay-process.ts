// The relays of the bench, in a process of their own: their work must not count as that of what is measured.
import { once } from 'node:events'
import WebSocket from 'ws'
import type { Event } from '../../src/nostr/event.ts'
import { type EmbeddedRelay, startRelay } from '../relay.ts'
import { type LatencyProxy, startLatencyProxy } from './latency-proxy.ts'

/** What the bench asks for. Every answer is a text; `delay` is in ms each way. */
export type RelayRequest =
  | { type: 'relay'; auth: 'none' | 'dm'; negentropy?: 'nip77'; limit?: number }
  | { type: 'load'; url: string; events: Event[] }
  | { type: 'front'; url: string; delay: number; tls?: { key: string; cert: string } }
  | { type: 'trips'; url: string }
  | { type: 'silence'; url: string }

/** Most events for one filter, so that libraries that do not page get everything. */
const LIMIT = 20_000

/** How many events are sent before their OKs are waited for, while a relay is loaded. */
const WINDOW = 500

const relays = new Map<string, EmbeddedRelay>()
const fronts = new Map<string, LatencyProxy>()

process.on('message', ({ id, wish }: { id: number; wish: RelayRequest }) => {
  handleRequest(wish).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  )
})

async function handleRequest(wish: RelayRequest): Promise<string> {
  if (wish.type === 'relay') {
    const relay = await startRelay({
      auth: wish.auth,
      negentropy: wish.negentropy ?? 'none',
      limit: wish.limit ?? LIMIT,
    })
    relays.set(relay.url, relay)
    return relay.url
  }
  if (wish.type === 'trips') return String(fronts.get(wish.url)?.trips())
  const relay = relays.get(wish.url)
  if (relay === undefined) throw new Error(`there is no relay at ${wish.url}`)
  if (wish.type === 'front') {
    const front = await startLatencyProxy(wish.url, wish.delay, wish.tls)
    fronts.set(front.url, front)
    // NIP-42: an AUTH names the address that the client knows.
    relay.policy.serviceUrl = front.url
    return front.url
  }
  if (wish.type === 'silence') relay.faults.silent = true
  else await loadEvents(relay, wish.events)
  return ''
}

// The relay does not verify these signatures: we have just made them.
async function loadEvents(relay: EmbeddedRelay, events: readonly Event[]): Promise<void> {
  relay.policy.trust = true
  const socket = new WebSocket(relay.url)
  await once(socket, 'open')
  for (let from = 0; from < events.length; from += WINDOW) {
    const some = events.slice(from, from + WINDOW)
    let answers = 0
    const taken = new Promise<void>((resolve, reject) => {
      socket.on('message', (data) => {
        const [verb, , accepted, reason] = JSON.parse(String(data))
        if (verb === 'OK' && !accepted) reject(new Error(`the relay does not take what it is loaded with: ${reason}`))
        if (verb === 'OK' && ++answers === some.length) resolve()
      })
    })
    for (const event of some) socket.send(JSON.stringify(['EVENT', event]))
    await taken
    socket.removeAllListeners('message')
  }
  socket.terminate()
  relay.policy.trust = false
}
