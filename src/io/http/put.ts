// PUT of a stream: of a known length, at the pace of the connection, and given up when nothing moves.
import type { ClientRequest } from 'node:http'
import { type Foreign, foreign, foreignLine } from '../../sanitize.ts'
import { deferred, errorCause } from '../timers.ts'
import type { HttpRoute } from './agent.ts'
import { beginRequest, readStart } from './request.ts'

/** Ms without a byte after which the connection counts as dead. Once all is sent, a server may need longer to store it. */
const IDLE_MS = 30_000
const STORING_MS = 120_000

/** Ms that a server has to say that it does not want the body (RFC 9110, 10.1.1). */
const CONTINUE_MS = 1_000

/** Most bytes of an answer that are read. */
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

/**
 * PUTs the pieces. Gives what the server answered, perhaps before all was sent; `broken` where the connection broke, or was stopped. Throws
 * what `pieces` throws.
 */
export async function put(url: URL, pieces: AsyncGenerator<Uint8Array>, options: PutOptions): Promise<PutResult> {
  const { length, headers, idleMs = IDLE_MS, stopped } = options
  const {
    request,
    response,
    end: endRequest,
  } = beginRequest(url, {
    method: 'PUT',
    headers: { ...headers, 'Content-Length': length, 'User-Agent': 'p2p-comm', Expect: '100-continue' },
    route: await options.routeTo(url.href),
  })
  const over = deferred<PutResult>()
  const end = (put: PutResult) => over.resolve(put)
  const timer = idleTimer(() => end({ broken: foreign`nothing has moved for ${Math.round(idleMs / 1000)} s` }))
  const stop = () => end({ broken: foreign`stopped` })
  stopped.addEventListener('abort', stop, { once: true })
  void response.then(
    async (answer) => {
      // The status says enough where the body is cut off.
      const { text: body = '' } = await readStart(answer, MAX_RESPONSE)
      end({ status: answer.statusCode ?? 0, reason: answer.headers['x-reason'], body })
    },
    (error: unknown) => end({ broken: foreignLine(errorCause(error)) }),
  )
  timer.set(idleMs)
  try {
    const sent = sendBody(request, pieces, over.promise, (done) => {
      timer.set(done === length ? STORING_MS : idleMs)
      options.progress(done, length)
    })
    // What is wrong with the file is thrown, whatever the server has answered.
    const [answer] = await Promise.all([over.promise, sent])
    return answer
  } finally {
    timer.clear()
    stopped.removeEventListener('abort', stop)
    endRequest()
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
  // Waits for the server to want the body: a refusal could be lost when the connection is reset while the body is sent.
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
