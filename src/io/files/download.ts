// One GET into a file on disk, from an address that somebody else has chosen, with bounds for where it may lead, how much it may bring and
// how long it may take. What is on disk already is not asked for again.

import { open, rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { isLoopback, isPrivateHost } from '../../nostr/relay-url.ts'
import type { HttpRoute } from '../http/agent.ts'
import { beginRequest } from '../http/request.ts'
import { errno, withDiskErrorsLater } from '../store/disk-errors.ts'
import { abortAfter } from '../timers.ts'

export type DownloadOptions = {
  /** Most bytes of the file on disk. */
  maxBytes: number
  /** Whether the address may lie on this machine or in its private networks. */
  allowPrivate: boolean
  /** Unix ms at which it pauses, to go on another time. */
  until: number
  now: () => number
  stopped: AbortSignal
  /** How to get to an address that is not ours: without `allowPrivate` never into a private network. */
  routeTo: (address: string) => Promise<HttpRoute>
  progress: (done: number) => void
  idleMs?: number
}

/**
 * `refused` is final, so it stands only for what will be the same tomorrow. What a captive portal, a server's bad hour or a name that leads
 * elsewhere today cause is `failed`. After `failed` and `paused` the same call goes on where it was.
 */
export type DownloadResult = { type: 'whole' } | { type: 'paused' } | { type: 'refused' | 'failed'; why: string }

/** Ms without a byte after which a download has failed. */
const IDLE_MS = 30_000

const MAX_REDIRECTS = 3

/** Average bytes per millisecond that must come once `after` ms have passed. */
const MIN_SPEED = { rate: 8, after: 5_000 }

/**
 * Downloads to a file, or goes on after the bytes that the file has. Rejects only with what is wrong with the disk. Nobody else may write
 * `to` meanwhile.
 */
export async function download(address: string, to: string, options: DownloadOptions): Promise<DownloadResult> {
  const stop = abortAfter(options.until - options.now(), options.stopped)
  const bytesBefore = await sizeOf(to)
  const cut = new AbortController()
  const idle = setTimeout(() => cut.abort(), options.idleMs ?? IDLE_MS)
  const asking = { ...options, from: bytesBefore, signal: AbortSignal.any([stop.signal, cut.signal]), idle }
  try {
    const answer = await followRedirects(address, asking, MAX_REDIRECTS)
    const got = 'type' in answer ? answer : await writeBody(answer, to, asking)
    if (got.type !== 'failed' || !asking.signal.aborted) return got
    if (options.stopped.aborted) return { type: 'paused' }
    if (cut.signal.aborted) return { type: 'failed', why: 'it stopped coming' }
    // Time is up. A server that has sent something goes on next time; one that has not is tried again as after any failure.
    if ((await sizeOf(to)) <= bytesBefore) return { type: 'failed', why: 'no answer in time' }
    if (bytesBefore > 0 && !('type' in answer) && answer.statusCode === 200)
      return { type: 'failed', why: 'the server does not resume where it stopped' }
    return { type: 'paused' }
  } finally {
    clearTimeout(idle)
    stop.clear()
  }
}

/** Bytes of a file, 0 where there is none. Throws what the disk says of one that cannot be looked at. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await withDiskErrorsLater(path, () => stat(path))).size
  } catch (error) {
    if (errno(error) === 'ENOENT') return 0
    throw error
  }
}

type DownloadRequest = DownloadOptions & { from: number; signal: AbortSignal; idle: NodeJS.Timeout }

async function followRedirects(
  address: string,
  asking: DownloadRequest,
  hops: number,
): Promise<IncomingMessage | DownloadResult> {
  const no = whyForbidden(address, asking.allowPrivate)
  if (no !== undefined && hops === MAX_REDIRECTS) return { type: 'refused', why: no }
  // A captive portal leads every address to its own page.
  if (no !== undefined) return { type: 'failed', why: `it redirects to where we do not ask: ${no}` }
  const answer = await requestRange(new URL(address), asking)
  if ('type' in answer || ![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0)) return answer
  answer.destroy()
  const next = answer.headers.location ?? ''
  if (!URL.canParse(next, address)) return { type: 'failed', why: 'it redirects to no address' }
  if (hops === 0) return { type: 'failed', why: 'it redirects without end' }
  return await followRedirects(new URL(next, address).href, asking, hops - 1)
}

// The attack: a peer that names http://169.254.169.254/, or a server that leads on to it, has us ask services of our own
// network. Names are judged once more by what they resolve to, see `publicOnly`.
function whyForbidden(address: string, allowPrivate: boolean): string | undefined {
  const { protocol, hostname } = new URL(URL.canParse(address) ? address : 'about:blank')
  if (protocol !== 'https:' && protocol !== 'http:') return 'its address is not https'
  if (!allowPrivate && isPrivateHost(hostname)) return PRIVATE
  return protocol === 'https:' || isLoopback(hostname) ? undefined : 'its address is not https'
}

// It names no command: it is kept, and may be read when the program lies elsewhere.
const PRIVATE = 'it lies in a private network, which file.allowPrivate allows'

async function requestRange(
  url: URL,
  { from, signal, routeTo }: DownloadRequest,
): Promise<IncomingMessage | DownloadResult> {
  const { request, response } = beginRequest(url, {
    method: 'GET',
    headers: {
      'User-Agent': 'p2p-comm',
      'Accept-Encoding': 'identity',
      ...(from > 0 && { Range: `bytes=${from}-` }),
    },
    route: await routeTo(url.href),
    signal,
    // A name and a password in the address are not sent.
    anonymous: true,
  })
  request.end()
  try {
    return await response
  } catch (error) {
    // Not final: behind a captive portal every name leads into a private network.
    return { type: 'failed', why: errno(error) === 'EPRIVATE' ? PRIVATE : requestError(error) }
  }
}

async function writeBody(answer: IncomingMessage, to: string, asking: DownloadRequest): Promise<DownloadResult> {
  const { maxBytes, from, progress, idle, now } = asking
  const resumed = answer.statusCode === 206 && from > 0
  if (answer.statusCode !== 200 && !resumed) {
    answer.destroy()
    // The server has no more than is here already: a run was killed before it could look at it.
    if (answer.statusCode === 416 && from > 0) return { type: 'whole' }
    return {
      type: 'failed',
      why: `the server answered ${answer.statusCode}`,
    }
  }
  if (resumed && !answer.headers['content-range']?.startsWith(`bytes ${from}-`)) {
    answer.destroy()
    await withDiskErrorsLater(to, () => rm(to, { force: true }))
    return { type: 'failed', why: 'the server sent another part than was asked for' }
  }
  let have = resumed ? from : 0
  const start = { have, at: now() }
  // A page in place of a file comes from a captive portal or a broken server, and is not final.
  const isPage = /^(text\/|application\/json)/i.test(answer.headers['content-type'] ?? '')
  const tooLarge: DownloadResult = { type: isPage ? 'failed' : 'refused', why: `it is larger than ${maxBytes} bytes` }
  // The attack: an answer without an end. Its announced length is judged at once, and the bytes as they come.
  if (have + Number(answer.headers['content-length'] ?? 0) > maxBytes) {
    answer.destroy()
    return tooLarge
  }
  const file = await withDiskErrorsLater(to, () => open(to, resumed ? 'a' : 'w', 0o600))
  try {
    for await (const piece of answer) {
      if (!Buffer.isBuffer(piece)) continue
      have += piece.length
      if (have > maxBytes) return tooLarge
      await file.appendFile(piece)
      // The attack: a byte now and then keeps a command busy for as long as it has.
      const took = now() - start.at
      if (took > MIN_SPEED.after && (have - start.have) / took < MIN_SPEED.rate)
        return { type: 'failed', why: 'it comes too slowly' }
      idle.refresh()
      progress(have)
    }
    return answer.complete ? { type: 'whole' } : { type: 'failed', why: 'it broke off' }
  } catch (error) {
    if (errno(error) === 'ENOSPC' || errno(error) === 'EDQUOT') return { type: 'failed', why: 'the disk is full' }
    return { type: 'failed', why: `it broke off (${requestError(error)})` }
  } finally {
    answer.destroy()
    await file.close()
  }
}

// The error's code and not its message: a peer's server can write parts of that, for one in its certificate.
function requestError(error: unknown): string {
  return errno(error) || 'the connection failed'
}
