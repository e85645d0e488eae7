// A Blossom server (BUD-01, BUD-02, BUD-11) on loopback that keeps what it is given in memory, and misbehaves on demand.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { verifyEvent } from 'nostr-tools'
import { parseEvent, tags } from '../../src/nostr/event.ts'

export type BlossomFaults = {
  /** Answers with this status and X-Reason, before the body. */
  refuse?: [status: number, reason: string] | undefined
  /** Says 413 once so many bytes of a body have come, and reads no further. */
  refuseAfter?: number
  /** Milliseconds between the pieces that it sends. */
  pause?: number
  /** Breaks connections off once so many bytes have come or gone, so many times. */
  breakAfter?: number
  breaks?: number
  /** Names another hash in its descriptor, or another address. */
  wrongHash?: boolean
  url?: string
  /** Sends other bytes, the first half, or bytes without end. */
  wrongBytes?: boolean
  truncate?: boolean
  endless?: boolean
  /** What it says that it sends. */
  type?: string | undefined
  /** Leads on to this address. */
  redirect?: string | undefined
  /** Sends nothing, or nothing more after so many bytes. */
  stall?: number
  /** Does not know Range. */
  whole?: boolean
}

export type BlossomServer = {
  readonly url: string
  readonly faults: BlossomFaults
  readonly blobs: Map<string, Buffer>
  /** What was asked of it: method, path, headers, and how many bytes of a body came. */
  readonly seen: { method: string; path: string; headers: IncomingMessage['headers']; bytes: number }[]
  /** How many bytes it has sent in answer to GET. */
  sent(): number
  close(): Promise<void>
}

/** `keep`: whether uploads are kept; else only their hash is taken, for files that are too large for this process. */
export async function startBlossom({ keep = true } = {}): Promise<BlossomServer> {
  const faults: BlossomFaults = {}
  const blobs = new Map<string, Buffer>()
  const seen: BlossomServer['seen'] = []
  let sent = 0
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  // A client that waits for a "go on" is told no before it has sent a thing.
  server.on('checkContinue', (request, response) => {
    if (faults.refuse === undefined) response.writeContinue()
    void answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const entry = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, bytes: 0 }
    seen.push(entry)
    if (faults.refuse !== undefined) return refuse(response, ...faults.refuse)
    if (faults.redirect !== undefined) return void response.writeHead(307, { Location: faults.redirect }).end()
    if (request.method === 'PUT' && request.url === '/upload') return await upload(request, response, entry)
    const blob = blobs.get(/^\/([0-9a-f]{64})(\.\w+)?$/.exec(request.url ?? '')?.[1] ?? '')
    if (blob === undefined) return refuse(response, 404, 'no such blob')
    await download(blob, request, response)
  }

  async function upload(request: IncomingMessage, response: ServerResponse, entry: { bytes: number }): Promise<void> {
    const hash = createHash('sha256')
    const parts: Buffer[] = []
    for await (const part of request) {
      entry.bytes += part.length
      if ((faults.breaks ?? 0) > 0 && entry.bytes > (faults.breakAfter ?? 0)) {
        faults.breaks = (faults.breaks ?? 0) - 1
        return void request.socket.destroy()
      }
      if (entry.bytes > (faults.refuseAfter ?? Number.POSITIVE_INFINITY)) {
        response.writeHead(413).end()
        return await new Promise((gone) => request.socket.once('close', gone))
      }
      hash.update(part)
      if (keep) parts.push(part)
    }
    const x = hash.digest('hex')
    const why = forbidden(request.headers, x, Math.floor(Date.now() / 1000))
    if (why !== undefined) return refuse(response, 401, why)
    if (request.headers['x-sha-256'] !== x) return refuse(response, 409, 'the hash does not match')
    if (Number(request.headers['content-length']) !== entry.bytes) return refuse(response, 400, 'wrong length')
    if (keep) blobs.set(x, Buffer.concat(parts))
    const descriptor = { url: faults.url ?? `${url}/${x}.bin`, sha256: faults.wrongHash ? '0'.repeat(64) : x }
    const more = { size: entry.bytes, type: 'application/octet-stream', uploaded: Math.floor(Date.now() / 1000) }
    response.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ...descriptor, ...more }))
  }

  async function download(blob: Buffer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = faults.whole ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (from >= blob.length) return void response.writeHead(416).end()
    const body = Buffer.from(blob.subarray(from))
    const closed = once(response, 'close')
    if (faults.wrongBytes) body[0] = (body[0] ?? 0) ^ 1
    const range = { 'Content-Range': `bytes ${from}-${blob.length - 1}/${blob.length}` }
    const kind = faults.type === undefined ? {} : { 'Content-Type': faults.type }
    const length = { ...kind, ...(faults.endless ? {} : { 'Content-Length': body.length }) }
    response.writeHead(from > 0 ? 206 : 200, { ...length, ...(from > 0 && range) })
    const until = Math.min(
      faults.truncate ? body.length / 2 : body.length,
      faults.stall ?? body.length,
      (faults.breaks ?? 0) > 0 ? (faults.breakAfter ?? 0) : body.length,
    )
    for (let at = 0; at < until || faults.endless; at += 65_536) {
      if (response.destroyed) return
      const piece = faults.endless ? Buffer.alloc(65_536) : body.subarray(at, Math.min(at + 65_536, until))
      sent += piece.length
      if (faults.pause !== undefined) await new Promise((resolve) => setTimeout(resolve, faults.pause))
      if (!response.write(piece))
        await Promise.race([new Promise((drained) => response.once('drain', drained)), closed])
    }
    if (faults.stall !== undefined) return
    if (until === body.length) return void response.end()
    faults.breaks = Math.max(0, (faults.breaks ?? 0) - 1)
    // What was written is on its way before the connection goes.
    response.write('', () => setTimeout(() => response.destroy(), 50))
  }

  return {
    url,
    faults,
    blobs,
    seen,
    sent: () => sent,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What BUD-11 has a server check. */
function forbidden({ authorization }: IncomingMessage['headers'], x: string, now: number): string | undefined {
  const [, token = ''] = /^Nostr ([A-Za-z0-9_-]+)$/.exec(authorization ?? '') ?? []
  if (token === '') return 'no token in base64url without padding'
  const event = parseEvent(JSON.parse(String(Buffer.from(token, 'base64url'))))
  const tag = (name: string) => (event === undefined ? [] : tags(event, name).map((t) => t[1]))
  if (event === undefined || !verifyEvent(event) || event.kind !== 24_242 || event.content === '')
    return 'no good token'
  if (event.created_at > now || !(Number(tag('expiration')[0]) > now)) return 'not now'
  if (tag('t').join() !== 'upload' || !tag('x').includes(x)) return 'not for this'
  return undefined
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'X-Reason': reason, Connection: 'close' }).end()
}
