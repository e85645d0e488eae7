// One request over HTTP, of whatever kind: all that this program asks goes out here, save for what it asks a proxy (tunnel.ts). Each has
// a connection of its own, through the proxy that its route names, and follows no redirect. How much of an answer is read is bounded;
// how long is waited, whoever asks says.
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as plainly } from 'node:http'
import { request as securely } from 'node:https'
import { onAbort } from '../timers.ts'
import type { HttpRoute } from './agent.ts'

export type RequestOptions = {
  method: 'GET' | 'PUT' | 'POST'
  headers: OutgoingHttpHeaders
  route: HttpRoute
  /** Ends it, with the connection. */
  signal?: AbortSignal
  /** The certificate to trust in place of the known authorities', in PEM. */
  ca?: string | undefined
  /** Leaves out a name and a password that stand in the address. */
  anonymous?: true
}

/** `response`: its head, or why there is none, as Node's error. `end` ends it and the connection, at any time. */
export type Exchange = { request: ClientRequest; response: Promise<IncomingMessage>; end(): void }

/** Begins a request; what is written to it and its end are its caller's. `response` must be awaited. */
export function beginRequest(url: URL, options: RequestOptions): Exchange {
  const { method, headers, route, signal, ca, anonymous } = options
  const request = (url.protocol === 'https:' ? securely : plainly)(url, {
    ...{ method, headers, ...route, ca },
    ...(signal && { signal }),
    ...(anonymous && { auth: '' }),
    // Without an agent of its own a connection would be kept for the next request, which never comes.
    agent: route.agent ?? false,
  })
  // A proxy that is still being dialed is not ended by the end of the request.
  const end = () => {
    request.destroy()
    route.agent?.destroy()
  }
  request.on('close', () => route.agent?.destroy())
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
    onAbort(signal, () => {
      reject(new Error('no answer in time'))
      end()
    })
  })
  return { request, response, end }
}

/** Whether a status leads somewhere else. */
export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** The first bytes of an answer as text, undefined where they are not UTF-8; whether that is all of it, and what it broke off with. */
export type ResponseStart = { text: string | undefined; whole: boolean; broken?: unknown }

/** Reads an answer up to `maxBytes`, or to where the connection breaks, and ends it there. Never rejects. */
export async function readStart(response: IncomingMessage, maxBytes: number): Promise<ResponseStart> {
  const parts: Buffer[] = []
  let size = 0
  let broken: unknown
  try {
    for await (const part of response) {
      const bytes = Buffer.from(part)
      parts.push(bytes.subarray(0, maxBytes - size))
      size += bytes.length
      // Leaving the loop ends the connection.
      if (size > maxBytes) break
    }
  } catch (error) {
    broken = error
  }
  const whole = broken === undefined && size <= maxBytes
  return { text: utf8(Buffer.concat(parts), whole), whole, broken }
}

// What is cut off may end in the middle of a letter.
function utf8(bytes: Uint8Array, whole: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole })
  } catch {
    return undefined
  }
}
