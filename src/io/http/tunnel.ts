// Connections through a proxy, for whatever takes an http.Agent: WebSockets, requests. The libraries that offer such agents cannot be
// cancelled while they dial, so a silent proxy would keep a command alive for half a minute. CONNECT goes out here and not through
// request.ts, which needs such an agent itself.
import { lookup as resolve } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect, isIP, isIPv6, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as encrypt } from 'node:tls'
import { abortAfter, errorCause } from '../timers.ts'
import { type ProxySetting, proxyName } from './proxy-env.ts'

/** Most milliseconds from dialing the proxy until it has opened the way. */
const TUNNEL_TIMEOUT = 10_000

type TunnelTarget = { host: string; port: number; lookup: LookupFunction }

/** An agent for one connection, with or without TLS to the target: see agentFor in agent.ts. */
export function agentThrough(proxy: ProxySetting, secure: boolean): HttpAgent {
  const closed = new AbortController()
  const agent = secure ? new HttpsAgent() : new HttpAgent()
  const destroySockets = agent.destroy.bind(agent)
  return Object.assign(agent, {
    createConnection(options: ConnectionOptions, done?: (error: Error | null, stream?: Duplex) => void) {
      void openTunnel(proxy, targetOf(options), closed.signal).then((socket) => {
        if (socket instanceof Error) done?.(socket)
        else done?.(null, secure ? withTls(options, socket) : socket)
      })
      return undefined
    },
    destroy() {
      closed.abort()
      destroySockets()
    },
  })
}

/** The open connection to the target, or an error that names the proxy and says why there is none. */
async function openTunnel(proxy: ProxySetting, target: TunnelTarget, closed: AbortSignal): Promise<Socket | Error> {
  const stop = abortAfter(TUNNEL_TIMEOUT, closed)
  try {
    if (proxy.url === undefined) throw new Error('its value is no http, https, socks5 or socks5h address')
    const way = proxy.url.protocol.startsWith('socks') ? throughSocks : throughHttp
    const socket = await way(proxy.url, target, stop.signal)
    if (!stop.signal.aborted) return socket
    socket.destroy()
    throw new Error('closed by us')
  } catch (error) {
    const why = stop.signal.aborted && !closed.aborted ? 'no answer in time' : errorCause(error)
    return new Error(`proxy ${proxyName(proxy)}: ${why}`)
  } finally {
    stop.clear()
  }
}

// RFC 9110, 9.3.6: CONNECT "requests that the recipient establish a tunnel to the destination".
function throughHttp(proxy: URL, { host, port }: TunnelTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = proxy.protocol === 'https:'
    const path = `${isIPv6(host) ? `[${host}]` : host}:${port}`
    const login = `${decodedLogin(proxy.username)}:${decodedLogin(proxy.password)}`
    const basic = { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` }
    const request = (secure ? httpsRequest : httpRequest)({
      method: 'CONNECT',
      ...{ host: withoutBrackets(proxy.hostname), port: Number(proxy.port) || (secure ? 443 : 80), path },
      headers: { Host: path, ...(login === ':' ? {} : basic) },
      agent: false,
      signal,
    })
    request.on('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head)
        return resolve(socket)
      }
      socket.destroy()
      reject(new Error(`it answered ${statusCode}${statusCode === 407 ? ', it wants a name and a password' : ''}`))
    })
    request.on('error', reject)
    request.end()
  })
}

async function throughSocks(proxy: URL, target: TunnelTarget, signal: AbortSignal): Promise<Socket> {
  const { SocksClient } = await import('socks')
  const { host, port } = target
  const dialed = await dial(withoutBrackets(proxy.hostname), Number(proxy.port) || 1080, signal)
  // With socks5 we look names up, with socks5h the proxy does: with Tor nobody else must learn whom we look for.
  const destination = proxy.protocol === 'socks5:' ? await addressOf(target) : host
  const login = { userId: decodedLogin(proxy.username), password: decodedLogin(proxy.password) }
  const { socket } = await SocksClient.createConnection({
    proxy: { host: withoutBrackets(proxy.hostname), port: 1080, type: 5, ...(login.userId === '' ? {} : login) },
    command: 'connect',
    destination: { host: destination, port },
    existing_socket: dialed,
    timeout: TUNNEL_TIMEOUT,
  })
  return socket
}

function dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

function addressOf({ host, lookup }: TunnelTarget): Promise<string> {
  if (isIP(host) !== 0) return Promise.resolve(host)
  return new Promise((resolve, reject) => {
    lookup(host, { all: false }, (error, found) => {
      const address = typeof found === 'string' ? found : found?.[0]?.address
      if (error !== null || address === undefined) reject(error ?? new Error(`${host} has no address`))
      else resolve(address)
    })
  })
}

function withTls(options: ConnectionOptions, socket: Socket): Duplex {
  const { path: _, ...rest } = options
  // As Node does for its own connections: a WebSocket needs HTTP/1.1.
  const secure = encrypt({ ALPNProtocols: ['http/1.1'], ...rest, socket })
  socket.on('error', (error) => secure.destroy(error))
  return secure
}

function targetOf({ host = '', port, lookup = resolve }: ConnectionOptions): TunnelTarget {
  return { host: withoutBrackets(host), port: Number(port), lookup }
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

// A user name or password as it was meant: many people do not write "%" as "%25".
function decodedLogin(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
