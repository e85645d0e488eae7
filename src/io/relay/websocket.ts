// One WebSocket to a relay: text in, text out, what can be measured on the way, and an end at once when that is wanted.
import type WebSocket from 'isomorphic-ws'
import { MAX_FRAME } from '../../nostr/messages.ts'
import type { HttpRoute } from '../http/agent.ts'
import { errorCause } from '../timers.ts'

export type Socket = {
  /** Sends a frame. Does nothing before `onOpen` and after `onLost`. */
  send(text: string): void
  /** Reads nothing until `resume`, so that the relay waits. Only between `onOpen` and `onLost`. */
  pause(): void
  resume(): void
  /** Ends the connection now, without the close handshake. `onLost` is not called. */
  terminate(): void
}

export type SocketOptions = {
  url: string
  route?: HttpRoute | Promise<HttpRoute> | undefined
  /** Most milliseconds from dialing to the 101. */
  handshakeMs: number
  /** Ms between two pings; a relay that has sent nothing between them is lost. */
  pingMs: number
  /** Unix time in milliseconds. */
  now: () => number
  onOpen(measured: SocketTiming): void
  onText(text: string): void
  onLost(why: string, loss: SocketLoss): void
}

/** `code`: of the close frame; `status`: of an answer other than 101; `retryAfter`: the `Retry-After` of that answer. */
export type SocketLoss = { code?: number; status?: number; retryAfter?: string | undefined }

/** `latencyMs`: dialing to open. `clockAhead`: our clock minus the relay's, in seconds, when it told its time. */
export type SocketTiming = { latencyMs: number; clockAhead?: number }

/** Dials a relay. Never throws: what goes wrong comes to `onLost`, once. */
export function openSocket(dialing: SocketOptions): Socket {
  const wire: SocketState = { ws: undefined, route: undefined, over: false }
  void connectSocket(dialing, wire)
  return {
    send(text) {
      if (wire.ws?.readyState === wire.ws?.OPEN) wire.ws?.send(text)
    },
    pause: () => wire.ws?.pause(),
    resume: () => wire.ws?.resume(),
    terminate() {
      terminate(wire)
    },
  }
}

type SocketState = { ws: WebSocket | undefined; route: HttpRoute | undefined; over: boolean }

async function connectSocket(dialing: SocketOptions, wire: SocketState): Promise<void> {
  try {
    // ws is the slowest import of the program: commands that ask no relay do not load it.
    const [{ default: Client }, route] = await Promise.all([import('isomorphic-ws'), dialing.route])
    if (wire.over) return
    wire.route = route
    const options: WebSocket.ClientOptions & { closeTimeout: number } = {
      ...route,
      handshakeTimeout: dialing.handshakeMs,
      maxPayload: MAX_FRAME,
      perMessageDeflate: false,
      // ws waits up to 30 s for a relay that has sent a close frame to hang up, and it would count as there for so long.
      closeTimeout: 1_000,
    }
    wire.ws = new Client(dialing.url, options)
    listenTo(wire.ws, wire, dialing)
  } catch (error) {
    reportLoss(wire, dialing, error)
  }
}

// Called in the tick that made the socket: a relay may send AUTH in the same segment as its 101.
function listenTo(ws: WebSocket, wire: SocketState, dialing: SocketOptions): void {
  const measure = startTiming(dialing.now)
  let date: string | undefined
  let heartbeat: NodeJS.Timeout | undefined
  let alive = true
  const beat = () => {
    if (!alive) return reportLoss(wire, dialing, 'the relay stopped answering pings')
    alive = false
    ws.ping()
  }
  ws.on('upgrade', (response) => {
    date = response.headers.date
  })
  ws.on('open', () => {
    heartbeat = setInterval(beat, dialing.pingMs)
    dialing.onOpen(measure(date))
  })
  ws.on('pong', () => {
    alive = true
  })
  ws.on('message', (data, isBinary) => {
    alive = true
    if (!wire.over && !isBinary) dialing.onText(String(data))
  })
  // Without a listener ws reports the same, but drops the headers.
  ws.on('unexpected-response', (_, { statusCode = 0, headers }) => {
    const loss = { status: statusCode, retryAfter: headers['retry-after'] }
    reportLoss(wire, dialing, `Unexpected server response: ${statusCode}`, loss)
  })
  ws.on('error', (error) => reportLoss(wire, dialing, error))
  ws.on('close', (code, reason) => {
    clearInterval(heartbeat)
    const words = String(reason).trim()
    reportLoss(wire, dialing, `the relay closed the connection (${code}${words === '' ? '' : `: ${words}`})`, { code })
  })
}

// After an error ws would wait up to 30 s for the other side to finish the close handshake.
function reportLoss(wire: SocketState, dialing: SocketOptions, cause: unknown, loss: SocketLoss = {}): void {
  if (wire.over) return
  terminate(wire)
  dialing.onLost(errorCause(cause), loss)
}

// ws cannot end a dial of its agent.
function terminate(wire: SocketState): void {
  wire.over = true
  wire.ws?.terminate()
  wire.route?.agent?.destroy()
}

function startTiming(now: () => number): (date: string | undefined) => SocketTiming {
  const start = now()
  return (date) => {
    const relayTime = Date.parse(date ?? '')
    const latencyMs = Math.max(0, now() - start)
    return Number.isNaN(relayTime) ? { latencyMs } : { latencyMs, clockAhead: Math.round((now() - relayTime) / 1000) }
  }
}
