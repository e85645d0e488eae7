// A relay that does exactly what a test tells it, and the wire to it: for what no well-meaning relay would do.
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { openRelayClient, type RelayClient } from '../../src/io/relay/clients.ts'
import { alice } from './people.ts'

export const inboxFilter = { kinds: [1059], '#p': [alice.pubkey] }
/** Unix seconds by this machine's clock. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1000)
/** A deadline past every test's own: who waits for it has failed. */
export const farDeadline = (): number => Date.now() + 600_000
/** A deadline that passes within the test, Unix ms. */
export const nearDeadline = (ms = 250): number => Date.now() + ms

export type SendFrame = (...frame: unknown[]) => void

export type ScriptedRelay = {
  url: string
  /** All that clients sent, in order. */
  frames: unknown[][]
  /** Those of one verb. */
  heard(verb: string): unknown[][]
  sockets: Set<WebSocket>
  connections(): number
}

export type RelayScript = {
  opened?: (say: SendFrame, socket: WebSocket) => void
  heard?: (say: SendFrame, frame: unknown[], socket: WebSocket) => void
  autoPong?: boolean
}

/** Starts a relay that does what the script says and nothing else; it ends with the test. */
export async function startScriptedRelay({ opened, heard, autoPong = true }: RelayScript): Promise<ScriptedRelay> {
  const frames: unknown[][] = []
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong })
  let connections = 0
  server.on('connection', (socket) => {
    connections += 1
    const say: SendFrame = (...frame) => socket.send(JSON.stringify(frame))
    socket.on('message', (data) => {
      const frame: unknown = JSON.parse(String(data))
      if (!Array.isArray(frame)) throw new Error('a client sent no frame')
      frames.push(frame)
      heard?.(say, frame, socket)
    })
    socket.on('error', () => socket.terminate())
    opened?.(say, socket)
  })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  const url = `ws://127.0.0.1:${portOf(server)}`
  const verb = (name: string) => frames.filter((frame) => frame[0] === name)
  return { url, frames, heard: verb, sockets: server.clients, connections: () => connections }
}

/** The embedded relay, which ends with the test. */
export async function startTestRelay(options: RelayOptions = {}): Promise<EmbeddedRelay> {
  const relay = await startRelay(options)
  onTestFinished(() => relay.close())
  return relay
}

/** A server of bare TCP, which ends with the test. */
export async function listenTcp(server: Server): Promise<string> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `ws://127.0.0.1:${portOf(server)}`
}

/** An address where nobody listens. */
export async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `ws://127.0.0.1:${portOf(server)}`
  server.close()
  await once(server, 'close')
  return url
}

/** Our own connection as alice, closed with the test. */
export function connectAsAlice(url: string, options: Partial<Parameters<typeof openRelayClient>[1]> = {}): RelayClient {
  const connection = openRelayClient(url, { keys: alice, now: Date.now, ...options })
  onTestFinished(() => connection.close())
  return connection
}

function portOf(server: { address(): unknown }): number {
  const address = server.address()
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port)
  throw new Error('the server has no port')
}
