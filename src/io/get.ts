// One document over HTTP: no redirect is followed, and its size and time are bounded.
import type { IncomingMessage } from 'node:http'
import { errorCause } from './cause.ts'
import { onAbort, abortAfter } from './wait.ts'
import type { HttpRoute } from './way.ts'

export type GetOptions = {
  accept: string
  way: HttpRoute | Promise<HttpRoute>
  /** Milliseconds until the last byte. */
  ms: number
  /** Most bytes. */
  most: number
  /** The certificate to trust in place of the known authorities', in PEM. */
  ca?: string | undefined
}

/** `clockAhead`: our clock minus the server's, in seconds, when it told its time. */
export type GetResult = { ok: true; text: string; clockAhead?: number } | { ok: false; why: string }

/** GETs an https or http address. Never rejects. */
export async function get(address: string, { accept, way, ms, most, ca }: GetOptions): Promise<GetResult> {
  const stop = abortAfter(ms)
  let opened: HttpRoute | undefined
  try {
    opened = await way
    const response = await sendGet(address, { ...opened, ca, headers: { Accept: accept } }, stop.signal)
    const { statusCode = 0, headers } = response
    if (statusCode !== 200) {
      response.destroy()
      const redirect = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : ''
      return { ok: false, why: `it answered ${statusCode}${redirect}` }
    }
    const text = await readText(response, most)
    if (text === undefined) return { ok: false, why: `its answer is no text of at most ${most} bytes` }
    const told = Date.parse(headers.date ?? '')
    return { ok: true, text, ...(Number.isNaN(told) ? {} : { clockAhead: Math.round((Date.now() - told) / 1000) }) }
  } catch (error) {
    return { ok: false, why: stop.signal.aborted ? 'no answer in time' : errorCause(error) }
  } finally {
    stop.clear()
    opened?.agent?.destroy()
  }
}

type Asking = HttpRoute & { ca: string | undefined; headers: Record<string, string> }

async function sendGet(address: string, { agent = undefined, ...asking }: Asking, signal: AbortSignal) {
  const { request } = address.startsWith('https:') ? await import('node:https') : await import('node:http')
  return await new Promise<IncomingMessage>((resolve, reject) => {
    // Without an agent of its own a connection would be kept for the next request, which never comes.
    const sent = request(address, { ...asking, agent: agent ?? false, signal }, resolve)
    sent.on('error', reject)
    // A proxy that is still being dialed is not ended by the end of the request.
    onAbort(signal, () => reject(new Error('no answer in time')))
    sent.end()
  })
}

async function readText(response: IncomingMessage, most: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes = Buffer.from(part)
    size += bytes.length
    // Leaving the loop ends the connection.
    if (size > most) return undefined
    parts.push(bytes)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    return undefined
  }
}
