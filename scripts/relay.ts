// The embedded relay: a strict Nostr relay in memory, for the demo, the tests and trying things out, which misbehaves on demand.
// npm run relay -- --port 7777
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { WebSocketServer } from 'ws'
import type { Event } from '../src/nostr/event.ts'
import { otherSpelling } from '../src/nostr/relay-url.ts'
import { openEventStore } from './relay/event-store.ts'
import { noFaults, openRateLimiter, type RelayFaults, seededRandom } from './relay/faults.ts'
import type { RelayPolicy } from './relay/policy.ts'
import { maxFilters, maxIdLength, openSession, type Relay } from './relay/session.ts'

/** Bytes of the largest WebSocket message. */
const maxMessage = 131_072

export interface RelayOptions extends Partial<RelayPolicy> {
  /** 0, the default, takes any free port. */
  port?: number
  host?: string
  /** The path of its URL, by default "/". The same path with or without a slash at its end answers with a redirect. */
  path?: string
  /** Seconds by which the `Date` header of its HTTP answers is ahead of its clock, `now`. */
  clockOffset?: number
  /** Whether its answers have a `Date` header, by default true. */
  tellsTime?: boolean
  /** The seed of the random numbers for its faults. */
  seed?: number
  faults?: Partial<RelayFaults>
}

export interface EmbeddedRelay {
  readonly url: string
  readonly port: number
  /** The rules, and below the faults: both may be changed while it runs. */
  readonly policy: RelayPolicy
  readonly faults: RelayFaults
  /** The last 10,000 frames from clients, oldest first. Connections are counted from 1. */
  readonly seen: readonly { connection: number; frame: unknown[] }[]
  /** How many events it has sent. */
  readonly sent: { events: number }
  /** What it keeps and has not expired, newest first. */
  events(): Event[]
  /** How many clients are connected now, and how many have asked for a connection so far. */
  connections(): number
  connectionsSoFar(): number
  /** Cuts all connections and comes back on the same port. `empty`: without the events that it kept. */
  restart(how?: { empty?: boolean }): Promise<void>
  close(): Promise<void>
}

/** Starts a relay; resolves once it listens. Rejects where the port is taken. */
export async function startRelay(options: RelayOptions = {}): Promise<EmbeddedRelay> {
  const { port = 0, host = '127.0.0.1', path = '/', clockOffset = 0, tellsTime = true, ...more } = options
  const { seed = 1, faults = {}, ...policy } = more
  const relay: Relay = {
    policy: { ...defaultPolicy, ...policy },
    faults: { ...noFaults(), ...faults },
    random: seededRandom(seed),
    store: openEventStore(),
    clients: new Set(),
    mayDial: openRateLimiter(),
    mayWrite: openRateLimiter(),
    seen: [],
    sent: { events: 0 },
    connectionsSoFar: 0,
    url: '',
  }
  let asked = 0
  const onAsked = () => {
    asked += 1
  }
  let listener = await listen(relay, { host, port, path, clockOffset, tellsTime, onAsked })
  const taken = listener.port
  relay.url = `ws://${host}:${taken}${path === '/' ? '' : path}`
  return {
    url: relay.url,
    port: taken,
    policy: relay.policy,
    faults: relay.faults,
    seen: relay.seen,
    sent: relay.sent,
    events: () => relay.store.find(() => true, relay.policy.now()),
    connections: () => relay.clients.size,
    connectionsSoFar: () => asked,
    async restart({ empty = false } = {}) {
      await listener.stop()
      if (empty) relay.store.clear()
      listener = await listen(relay, { host, port: taken, path, clockOffset, tellsTime, onAsked })
    },
    close: () => listener.stop(),
  }
}

const defaultPolicy: RelayPolicy = {
  auth: 'dm',
  hints: 'none',
  negentropy: 'none',
  limit: 500,
  subscriptions: 20,
  maxBytes: 65_536,
  future: 900,
  oldest: Number.POSITIVE_INFINITY,
  trust: false,
  operator: undefined,
  serviceUrl: undefined,
  exactUrl: undefined,
  now: () => Math.floor(Date.now() / 1000),
  onDeed: undefined,
}

interface Listener {
  readonly port: number
  stop(): Promise<void>
}

type ListenOptions = {
  host: string
  port: number
  path: string
  clockOffset: number
  tellsTime: boolean
  onAsked: () => void
}

async function listen(
  relay: Relay,
  { host, port, path, clockOffset, tellsTime, onAsked }: ListenOptions,
): Promise<Listener> {
  const date = () => new Date((relay.policy.now() + clockOffset) * 1000).toUTCString()
  const sockets = new Set<Socket>()
  const http = createServer((request, response) => {
    response.sendDate = false
    if (tellsTime) response.setHeader('Date', date())
    if (!relay.faults.mute) sendRelayInfo(relay, request, response)
  })
  // NIP-01: "Relays MUST only accept connections to a single endpoint".
  const upgrades = new WebSocketServer({ noServer: true, path, maxPayload: maxMessage })
  if (tellsTime) upgrades.on('headers', (headers) => headers.push(`Date: ${date()}`))
  http.on('upgrade', (request, socket, head) => {
    onAsked()
    if (request.url !== path && request.url === otherSpelling(path)) return socket.end(redirect(path))
    if (relay.faults.tooMany !== undefined) return socket.end(refusal(relay.faults.tooMany))
    if (!relay.mayDial(relay.faults.dialLimit, relay.policy.now())) return socket.end(refusal({}))
    if (!relay.faults.mute) upgrades.handleUpgrade(request, socket, head, (client) => openSession(relay, client))
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // An error of a client's socket must not end the relay. ws and http listen for errors only on their own sockets.
    socket.on('error', () => socket.destroy())
  })
  http.listen(port, host)
  await once(http, 'listening')
  const address = http.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
      relay.clients.clear()
    },
  }
}

function redirect(path: string): string {
  return `HTTP/1.1 301 Moved Permanently\r\nLocation: ${path}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

function refusal(headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 429 Too Many Requests\r\n${lines.join('')}Connection: close\r\nContent-Length: 0\r\n\r\n`
}

/** Answers with the relay information document (NIP-11). */
function sendRelayInfo({ policy }: Relay, request: IncomingMessage, response: ServerResponse): void {
  // NIP-11: "Relays MUST accept CORS requests by sending" these three.
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Access-Control-Allow-Headers', '*')
  response.setHeader('Access-Control-Allow-Methods', 'GET, OPTIONS')
  if (!request.headers.accept?.includes('application/nostr+json')) {
    response.writeHead(request.method === 'OPTIONS' ? 204 : 426, { 'Content-Type': 'text/plain' })
    response.end(request.method === 'OPTIONS' ? '' : 'This is a Nostr relay; it speaks WebSocket.\n')
    return
  }
  response.setHeader('Content-Type', 'application/nostr+json')
  const nips = [
    1,
    9,
    11,
    40,
    42,
    59,
    ...(policy.hints === 'nip67' ? [67] : []),
    ...(policy.negentropy === 'none' ? [] : [77]),
  ]
  const limitation = {
    max_message_length: maxMessage,
    max_subscriptions: policy.subscriptions,
    max_filters: maxFilters,
    max_subid_length: maxIdLength,
    max_limit: policy.limit,
    default_limit: policy.limit,
    auth_required: policy.auth === 'all',
    created_at_upper_limit: policy.future,
    ...(Number.isFinite(policy.oldest) ? { created_at_lower_limit: policy.oldest } : {}),
  }
  const about = { name: 'p2p embedded relay', description: 'Keeps everything in memory and forgets it when it stops.' }
  const operator = policy.operator === undefined ? {} : { pubkey: policy.operator }
  response.end(JSON.stringify({ ...about, ...operator, supported_nips: nips, limitation }))
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const relay = await startRelay({ port: Number(values.port) })
  console.log(`${relay.url}  try: p2p --relay ${relay.url} status`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => relay.close())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    console.error(`relay: ${error instanceof Error ? error.message : error}`)
    console.error('hint: npm run relay -- --port 7777')
    process.exitCode = 1
  })
}
