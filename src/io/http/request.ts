// Requests over HTTP. GET of one document: no redirect is followed, its size and time are bounded. PUT of a stream: of a known length, at the pace of the connection, and given up when nothing moves.
import { type ClientRequest, type IncomingMessage, request as plainly } from 'node:http'
import { request as securely } from 'node:https'
import { type Foreign, foreign, foreignLine } from '../../sanitize.ts'
import { abortAfter, deferred, errorCause, onAbort } from '../timers.ts'
import type { HttpRoute } from './agent.ts'

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
  let opened: HttpRoute | undefined
  try {
    opened = await route
    const response = await sendGet(address, { ...opened, ca, headers: { Accept: accept } }, stop.signal)
    const { statusCode = 0, headers } = response
    if (statusCode !== 200) {
      response.destroy()
      const redirect = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : ''
      return { ok: false, why: foreign`it answered ${statusCode}${redirect}` }
    }
    const text = await readText(response, maxBytes)
    if (text === undefined) return { ok: false, why: foreign`its answer is no text of at most ${maxBytes} bytes` }
    const serverTime = Date.parse(headers.date ?? '')
    return {
      ok: true,
      text,
      ...(Number.isNaN(serverTime) ? {} : { clockAhead: Math.round((Date.now() - serverTime) / 1000) }),
    }
  } catch (error) {
    return { ok: false, why: stop.signal.aborted ? foreign`no answer in time` : foreignLine(errorCause(error)) }
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

async function readText(response: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes = Buffer.from(part)
    size += bytes.length
    // Leaving the loop ends the connection.
    if (size > maxBytes) return undefined
    parts.push(bytes)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    return undefined
  }
}

/** No byte has moved for so long, in ms: the connection is dead. Once all is sent, a server may need longer to store it. */
const IDLE_MS = 30_000
const STORING_MS = 120_000

/** How long a server may take to say that it does not even want the body (RFC 9110, 10.1.1), in ms. */
const CONTINUE_MS = 1_000

/** Bytes of an answer that are read. */
const MAX_RESPONSE = 65_536

export type PutOptions = {
  length: number
  headers: Readonly<Record<string, string>>
  routeTo: (address: string) => Promise<HttpRoute>
  stopped: AbortSignal
  progress: (done: number, of: number) => void
  idleMs?: number
}

export type PutResult = { status: number; reason: string | string[] | undefined; body: string } | { broken: Foreign }

/** What the server answered, also when it did before all was sent; `broken` when the connection did not last. */
export async function put(url: URL, pieces: AsyncGenerator<Uint8Array>, options: PutOptions): Promise<PutResult> {
  const { length, headers, idleMs = IDLE_MS, stopped } = options
  const route = await options.routeTo(url.href)
  const asked = (url.protocol === 'https:' ? securely : plainly)(url, {
    method: 'PUT',
    headers: { ...headers, 'Content-Length': length, 'User-Agent': 'p2p-comm', Expect: '100-continue' },
    ...route,
    agent: route.agent ?? false,
  })
  const over = deferred<PutResult>()
  const end = (put: PutResult) => over.resolve(put)
  const timer = idleTimer(() => end({ broken: foreign`nothing has moved for ${Math.round(idleMs / 1000)} s` }))
  const stop = () => end({ broken: foreign`stopped` })
  stopped.addEventListener('abort', stop, { once: true })
  asked.on('error', (error) => end({ broken: foreignLine(errorCause(error)) }))
  asked.on('response', (answer) => void readResponse(answer).then(end))
  timer.set(idleMs)
  try {
    const sent = sendBody(asked, pieces, over.promise, (done) => {
      timer.set(done === length ? STORING_MS : idleMs)
      options.progress(done, length)
    })
    // What is wrong with the file is thrown, and is more than what the server makes of it.
    const [answer] = await Promise.all([over.promise, sent])
    return answer
  } finally {
    timer.clear()
    stopped.removeEventListener('abort', stop)
    asked.destroy()
    route.agent?.destroy()
  }
}

async function sendBody(
  asked: ClientRequest,
  pieces: AsyncGenerator<Uint8Array>,
  over: Promise<unknown>,
  moved: (done: number) => void,
): Promise<void> {
  let answered = false
  const answer = over.then(() => {
    answered = true
  })
  // A refusal must not be lost in a connection that is reset under the body, and a body that is not wanted not be sent.
  await Promise.race([answer, awaitContinue(asked)])
  let done = 0
  for await (const piece of pieces) {
    if (answered) return
    if (!asked.write(piece)) await Promise.race([answer, awaitDrain(asked)])
    done += piece.length
    moved(done)
  }
  asked.end()
}

function awaitContinue(asked: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CONTINUE_MS)
    const go = () => {
      clearTimeout(timer)
      resolve()
    }
    asked.once('continue', go)
    asked.once('close', go)
  })
}

function awaitDrain(asked: ClientRequest): Promise<void> {
  return new Promise((resolve) => asked.once('drain', resolve))
}

async function readResponse(answer: IncomingMessage): Promise<PutResult> {
  let body = ''
  try {
    for await (const part of answer.setEncoding('utf8')) {
      body += part
      if (body.length >= MAX_RESPONSE) break
    }
  } catch {
    // The number says enough; a descriptor that is cut off is none.
  }
  return { status: answer.statusCode ?? 0, reason: answer.headers['x-reason'], body }
}

function idleTimer(ring: () => void) {
  let timer: NodeJS.Timeout | undefined
  const clear = () => clearTimeout(timer)
  return {
    clear,
    set(ms: number) {
      clear()
      timer = setTimeout(ring, ms)
    },
  }
}
