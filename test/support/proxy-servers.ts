// Proxies of a few lines: one that speaks CONNECT, one that speaks SOCKS5. Whatever name they are asked for, they lead to this
// machine, so that a name that nobody can resolve shows who resolved it.
import { createServer as createHttp } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenTcp } from './scripted-relay.ts'

export type TestProxy = {
  /** "127.0.0.1:<port>" */
  address: string
  /** What it was asked for, "host:port", with the kind of address behind it for SOCKS. */
  asked: string[]
  /** "name:password" of each client that gave one. */
  logins: string[]
  /** Clients that are connected now. */
  clients: Set<Socket>
  /** Bytes that went through, both ways together. */
  carried: () => number
}

/** RFC 9110, 9.3.6. `status`: the answer to every request. */
export async function startConnectProxy({ status = 200 } = {}): Promise<TestProxy> {
  const { proxy, carry, note } = start()
  const server = createHttp((_request, response) => response.writeHead(405).end())
  server.on('connection', note)
  server.on('connect', (request, client) => {
    proxy.asked.push(request.url ?? '')
    const login = /^Basic (.*)$/.exec(request.headers['proxy-authorization'] ?? '')?.[1]
    if (login !== undefined) proxy.logins.push(Buffer.from(login, 'base64').toString())
    client.write(`HTTP/1.1 ${status} As You Wish\r\nContent-Length: 0\r\n\r\n`)
    if (status === 200) carry(client, Number(/:(\d+)$/.exec(request.url ?? '')?.[1]))
    else client.end()
  })
  proxy.address = new URL(await listenTcp(server)).host
  return proxy
}

/** RFC 1928 and RFC 1929. `login`: it insists on a name and a password. `silent`: it accepts and says nothing. */
export async function startSocksProxy({ login = false, silent = false } = {}): Promise<TestProxy> {
  const { proxy, carry, note } = start()
  const server = createServer((client) => {
    note(client)
    const steps = [greet, ...(login ? [authenticate] : []), open]
    client.on('data', (data) => {
      if (!silent) steps.shift()?.(client, data)
    })
  })
  function greet(client: Socket, data: Buffer): void {
    const wanted = login ? 2 : 0
    client.write(Buffer.from([5, data.subarray(2).includes(wanted) ? wanted : 255]))
  }
  function authenticate(client: Socket, data: Buffer): void {
    const middle = 2 + (data[1] ?? 0)
    proxy.logins.push(`${data.subarray(2, middle)}:${data.subarray(middle + 1)}`)
    client.write(Buffer.from([1, 0]))
  }
  function open(client: Socket, data: Buffer): void {
    const kind = data[3] === 3 ? 'name' : data[3] === 1 ? 'IPv4' : 'IPv6'
    const host = kind === 'name' ? data.subarray(5, -2).toString() : [...data.subarray(4, -2)].join('.')
    const port = data.readUInt16BE(data.length - 2)
    proxy.asked.push(`${host}:${port} ${kind}`)
    client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
    carry(client, port)
  }
  proxy.address = new URL(await listenTcp(server)).host
  return proxy
}

function start() {
  let carried = 0
  const proxy: TestProxy = { address: '', asked: [], logins: [], clients: new Set(), carried: () => carried }
  return {
    proxy,
    note(client: Socket): void {
      proxy.clients.add(client)
      client.on('close', () => proxy.clients.delete(client))
      client.on('error', () => client.destroy())
    },
    carry(client: Duplex, port: number): void {
      const onward = connect(port, '127.0.0.1')
      for (const [from, to] of [
        [client, onward],
        [onward, client],
      ] as const) {
        from.removeAllListeners('data')
        from.on('data', (data) => {
          carried += data.length
          to.write(data)
        })
        from.on('close', () => to.destroy())
        from.on('error', () => to.destroy())
      }
    },
  }
}
