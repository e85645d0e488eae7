// Uploads to a real server on loopback: what arrives, what is refused, what breaks off.
import { createDecipheriv } from 'node:crypto'
import { appendFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { authHeader } from '../../../src/io/files/blossom.ts'
import { type UploadOptions, upload } from '../../../src/io/files/upload.ts'
import { randomBytes, randomKeys, sha256, toHex } from '../../../src/nostr/crypto.ts'
import { type BlossomServer, startBlossom } from '../../support/blossom-server.ts'
import { newFolder, newHome } from '../../support/temporary-home.ts'

let server: BlossomServer
beforeEach(async () => {
  server = await startBlossom()
})
afterEach(() => server.close())

const keys = randomKeys()
/** More than the sockets between us and a server take by themselves. */
const large = Buffer.from(randomBytes(20_000_000))
const content = large.subarray(0, 1_000_000)

function newFile(bytes = content): string {
  const path = join(newFolder(), 'data.bin')
  writeOld(path, bytes)
  return path
}

function writeOld(path: string, bytes: Uint8Array): void {
  writeFileSync(path, bytes)
  utimesSync(path, 1_000_000_000, 1_000_000_000)
}

const send = (path: string, more: Partial<UploadOptions> = {}) =>
  upload(path, {
    home: newHome(),
    server: server.url,
    keys,
    now: Date.now,
    stopped: new AbortController().signal,
    routeTo: async () => ({}),
    progress: () => {},
    ...more,
  })

const failure = (code: string, exit: number, message: RegExp, theirs: unknown = expect.toSatisfy(() => true)) =>
  expect.objectContaining({
    ...{ code, exit, message: expect.stringMatching(message), hint: expect.stringMatching(/./), theirs },
  })

it('leaves the file encrypted on the server, under its hash', async () => {
  const moved: number[] = []
  const stored = await send(newFile(), { progress: (done) => moved.push(done) })
  expect(stored).toMatchObject({
    size: content.length,
    sha256: toHex(sha256(content)),
    url: `${server.url}/${stored.ciphertextSha256}.bin`,
  })
  const blob = server.blobs.get(stored.ciphertextSha256) ?? Buffer.alloc(0)
  expect(toHex(sha256(blob))).toBe(stored.ciphertextSha256)
  const cipher = createDecipheriv('aes-256-gcm', Buffer.from(stored.aesKey, 'hex'), Buffer.from(stored.nonce, 'hex'))
  cipher.setAuthTag(blob.subarray(-16))
  expect(Buffer.concat([cipher.update(blob.subarray(0, -16)), cipher.final()]).equals(content)).toBe(true)
  expect(blob.includes(content.subarray(0, 16))).toBe(false)
  expect(moved.at(-1)).toBe(content.length + 16)
  expect(server.seen).toHaveLength(1)
})

it('asks in letters that are the same in both alphabets of base64, without padding', () => {
  for (let size = 0; size < 2000; size += 37) {
    expect(authHeader(randomKeys(), { sha256: toHex(randomBytes(32)), size }, 1_700_000_000)).toMatch(
      /^Nostr [A-Za-z0-9]+$/,
    )
  }
})

it('tries once more when the connection breaks, under another key', async () => {
  Object.assign(server.faults, { breaks: 1, breakAfter: 200_000 })
  const stored = await send(newFile())
  expect(server.blobs.has(stored.ciphertextSha256)).toBe(true)
  expect(server.seen.map((s) => s.headers['x-sha-256'])).toEqual([
    expect.not.stringContaining(stored.ciphertextSha256),
    stored.ciphertextSha256,
  ])
})

it('does not try forever', async () => {
  Object.assign(server.faults, { breaks: 9, breakAfter: 200_000 })
  await expect(send(newFile())).rejects.toEqual(failure('UPLOAD_FAILED', 3, /could not be uploaded/))
  expect(server.seen).toHaveLength(2)
})

it.each([
  [401, 'who are you', 'UPLOAD_REFUSED', 4],
  [402, 'pay 21 sats', 'UPLOAD_REFUSED', 4],
  [413, 'at most 1 MB', 'UPLOAD_REFUSED', 4],
  [503, 'later', 'UPLOAD_FAILED', 3],
])('hears %i, %j before it has sent a thing', async (status, reason, code, exit) => {
  server.faults.refuse = [status, reason]
  await expect(send(newFile())).rejects.toEqual(failure(code, exit, new RegExp(`answered ${status}$`), reason))
  expect(server.seen).toMatchObject([{ bytes: 0 }])
})

it('sends no more once the server has said no', async () => {
  Object.assign(server.faults, { refuseAfter: 100_000 })
  let moved = 0
  const sent = send(newFile(large), {
    progress: (done) => {
      moved = done
    },
  })
  await expect(sent).rejects.toEqual(failure('UPLOAD_REFUSED', 4, /413/))
  expect(moved).toBeLessThan(large.length)
})

it.each([
  ['names another hash', { wrongHash: true }],
  ['keeps it at an address that is not https', { url: 'http://files.example/x' }],
  ['keeps it nowhere', { url: 'x' }],
])('does not believe a server that %s', async (_, faults) => {
  Object.assign(server.faults, faults)
  await expect(send(newFile())).rejects.toEqual(failure('UPLOAD_REFUSED', 4, /does not say where/))
})

it.each<[string, (path: string) => void]>([
  ['grows', (path) => appendFileSync(path, 'x')],
  ['is written to', (path) => writeFileSync(path, Buffer.alloc(content.length, 'x'))],
  ['vanishes', (path) => rmSync(path)],
  ['is written to and looks old', (path) => writeOld(path, Buffer.alloc(content.length, 'x'))],
])('gives up a file that %s between the readings', async (_, change) => {
  const path = newFile()
  const route = async () => {
    change(path)
    return {}
  }
  await expect(send(path, { routeTo: route })).rejects.toEqual(failure('FILE_CHANGED', 2, /while it was read/))
  expect(server.blobs.size).toBe(0)
})

it('gives up a server that takes nothing, and says so', async () => {
  const sockets = new Set<Socket>()
  const mute = createServer((socket) => void sockets.add(socket.pause())).listen(0, '127.0.0.1')
  await new Promise((resolve) => mute.once('listening', resolve))
  const address = mute.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  await expect(send(newFile(large), { server: url, idleMs: 300 })).rejects.toEqual(
    failure('UPLOAD_FAILED', 3, /broke/, 'nothing has moved for 0 s'),
  )
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => mute.close(resolve))
})

it('stops when it is told to', async () => {
  const stop = new AbortController()
  const sent = send(newFile(), { stopped: stop.signal, progress: () => stop.abort() })
  await expect(sent).rejects.toEqual(failure('UPLOAD_FAILED', 3, /broke/, 'stopped'))
  expect(server.seen).toHaveLength(1)
})
