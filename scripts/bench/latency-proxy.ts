// A proxy in front of a relay on loopback that makes it far away: every byte is delayed by the same time, each way. Also with TLS.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** `trips`: how many round trips the last connection took, with that of TCP's handshake. */
export type LatencyProxy = { url: string; trips(): number }

/** Puts a proxy in front of the relay at `url`. `delay`: ms each way; `tls`: speak wss, with this certificate. */
export async function startLatencyProxy(
  url: string,
  delay: number,
  tls?: { key: string; cert: string },
): Promise<LatencyProxy> {
  let trips = 0
  const { port } = new URL(url)
  const inner = await listenAnywhere(createServer((client) => pipeThrough(client, Number(port))))
  // The TCP connection itself is delayed, so that the round trips of TLS are too.
  const secured =
    tls === undefined
      ? inner
      : await listenAnywhere(createTlsServer({ ...tls, noDelay: true }, (client) => pipeThrough(client, inner)))
  const counted = (client: Socket) => {
    trips = 1
    pipeThrough(client, secured, delay, () => trips++)
  }
  const outer = await listenAnywhere(createServer(counted))
  return { url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${outer}`, trips: () => trips }
}

async function listenAnywhere(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function pipeThrough(client: Socket, port: number, delay = 0, answered = () => {}): void {
  const server = connect({ port, host: '127.0.0.1', noDelay: true })
  // TCP's handshake costs a round trip, but cannot be delayed here: the first bytes are delayed instead.
  const opened = Date.now() + 2 * delay
  client.setNoDelay(true)
  // What was sent, and the first answer after it, make one round trip.
  let asked = false
  client.on('data', () => {
    asked = true
  })
  server.on('data', () => {
    if (asked) answered()
    asked = false
  })
  pass(client, server, delay, opened)
  pass(server, client, delay, 0)
}

function pass(from: Socket, to: Socket, delay: number, notBefore: number): void {
  const later = (act: () => void) => {
    const wait = Math.max(delay, notBefore + delay - Date.now())
    if (wait <= 0) act()
    else setTimeout(act, wait)
  }
  from.on('data', (part) => later(() => to.write(part)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => to.destroy())
  from.on('close', () => later(() => to.destroy()))
}
