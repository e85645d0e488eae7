// One HTTP request: all of this program's go out here, except CONNECT to a proxy (tunnel.ts) and the upgrade to a WebSocket (ws). Each has
// a connection of its own, through the proxy that its route names, and follows no redirect. How much of an answer is read is bounded; how
// long to wait is for the caller to say.
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
  /** Leaves out a name and a password that are in the address. */
  anonymous?: true
}

/** `response`: the head of the answer; rejects with Node's error. `end` ends the request and its connection, at any time. */
export type Exchange = { request: ClientRequest; response: Promise<IncomingMessage>; end(): void }

/** Begins a request. Its caller writes to it and ends it, and must await `response`. */
export function beginRequest(url: URL, options: RequestOptions): Exchange {
  const { method, headers, route, signal, ca, anonymous } = options
  const request = (url.protocol === 'https:' ? securely : plainly)(url, {
    ...{ method, headers, ...route, ca },
    ...(signal && { signal }),
    ...(anonymous && { auth: '' }),
    // `false`: a default agent would keep the connection open for a next request, which never comes.
    agent: route.agent ?? false,
  })
  // To destroy the request does not end a proxy that is still being dialed.
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

/** Whether a status is a redirect (3xx). */
export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** `text`: the first bytes of an answer, undefined where they are not UTF-8; `whole`: whether that is all; `broken`: why it broke off. */
export type ResponseStart = { text: string | undefined; whole: boolean; broken?: unknown }

/** Reads an answer up to `maxBytes`, or until the connection breaks, and ends the connection there. Never rejects. */
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

// A text that is cut off may end in the middle of a character.
function utf8(bytes: Uint8Array, whole: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole })
  } catch {
    return undefined
  }
}
