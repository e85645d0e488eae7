// GET of one document: no redirect is followed, its size and time are bounded.
import type { IncomingMessage } from 'node:http'
import { type Foreign, foreign, foreignLine } from '../../sanitize.ts'
import { abortAfter, errorCause } from '../timers.ts'
import type { HttpRoute } from './agent.ts'
import { beginRequest, isRedirect, readStart } from './request.ts'

export type GetOptions = {
  accept: string
  route: HttpRoute | Promise<HttpRoute>
  /** Milliseconds until the last byte. */
  ms: number
  /** Most bytes. */
  maxBytes: number
  /** The certificate to trust in place of the known authorities', in PEM. */
  ca?: string | undefined
}

/** `clockAhead`: our clock minus the server's, in seconds, when it told its time. */
export type GetResult = { ok: true; text: string; clockAhead?: number } | { ok: false; why: Foreign }

/** GETs an https or http address. Never rejects. */
export async function get(address: string, { accept, route, ms, maxBytes, ca }: GetOptions): Promise<GetResult> {
  const stop = abortAfter(ms)
  try {
    const options = { headers: { Accept: accept }, route: await route, ca, signal: stop.signal }
    const { request, response, end } = beginRequest(new URL(address), { method: 'GET', ...options })
    try {
      request.end()
      return await readDocument(await response, maxBytes)
    } finally {
      end()
    }
  } catch (error) {
    return { ok: false, why: stop.signal.aborted ? foreign`no answer in time` : foreignLine(errorCause(error)) }
  } finally {
    stop.clear()
  }
}

async function readDocument(response: IncomingMessage, maxBytes: number): Promise<GetResult> {
  const { statusCode = 0, headers } = response
  if (statusCode !== 200) {
    const redirect = isRedirect(statusCode) ? ', a redirect, which is not followed' : ''
    return { ok: false, why: foreign`it answered ${statusCode}${redirect}` }
  }
  const { text, whole, broken } = await readStart(response, maxBytes)
  if (broken !== undefined) throw broken
  if (!whole || text === undefined)
    return { ok: false, why: foreign`its answer is no text of at most ${maxBytes} bytes` }
  const serverTime = Date.parse(headers.date ?? '')
  return {
    ok: true,
    text,
    ...(Number.isNaN(serverTime) ? {} : { clockAhead: Math.round((Date.now() - serverTime) / 1000) }),
  }
}
