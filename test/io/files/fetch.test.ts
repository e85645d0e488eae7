// Files from servers that strangers choose: whole and checked, or not at all, and never from inside our own network.
import { createCipheriv } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FetchResult, type FileFetchOptions, fetchFile, type WantedFile } from '../../../src/io/files/fetch.ts'
import { randomBytes, sha256, toHex } from '../../../src/nostr/crypto.ts'
import { type BlossomServer, startBlossom } from '../../support/blossom-server.ts'
import { CALL_ID } from '../../support/counting-codec.ts'
import { newHome } from '../../support/temporary-home.ts'

let server: BlossomServer
let other: BlossomServer
beforeEach(async () => {
  ;[server, other] = [await startBlossom(), await startBlossom()]
})
afterEach(async () => {
  await server.close()
  await other.close()
})

const content = Buffer.from(randomBytes(600_000))
const hex = (bytes: Uint8Array) => toHex(bytes)

/** A file on the server, and what its announcement says of it. */
function storeOnServer(nonceLength = 12): WantedFile {
  const [key, nonce] = [randomBytes(32), randomBytes(nonceLength)]
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const blob = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
  const ciphertextSha256 = hex(sha256(blob))
  server.blobs.set(ciphertextSha256, blob)
  other.blobs.set(ciphertextSha256, blob)
  const urls = [`${server.url}/${ciphertextSha256}.bin`]
  return {
    urls,
    aesKey: hex(key),
    nonce: hex(nonce),
    ciphertextSha256,
    sha256: hex(sha256(content)),
    folder: CALL_ID,
    name: 'report.bin',
  }
}

let home = newHome()
beforeEach(() => {
  home = newHome()
})

const fetch = (wanted: WantedFile, more: Partial<FileFetchOptions> = {}): Promise<FetchResult> =>
  fetchFile(home, wanted, {
    announcedSize: content.length + 16,
    fetchMax: 100_000_000,
    allowPrivate: true,
    until: Date.now() + 20_000,
    now: Date.now,
    stopped: new AbortController().signal,
    routeTo: async () => ({}),
    progress: () => {},
    ...more,
  })

/** Whatever lies below p2p/files. */
const filesInHome = () =>
  existsSync(home.files) ? readdirSync(home.files, { recursive: true, encoding: 'utf8' }).sort() : []
const CLEAN = ['.fetched', 'c0c0c0c0']
const NOT_BEGUN = ['.fetched']

it.each([12, 16])('puts a file under its name, checked, 0600; a nonce of %i bytes', async (nonceLength) => {
  const wanted = storeOnServer(nonceLength)
  const path = join(home.files, 'c0c0c0c0', 'report.bin')
  expect(await fetch(wanted)).toEqual({ type: 'done', path, size: content.length, sha256: wanted.sha256 })
  expect(readFileSync(path).equals(content)).toBe(true)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(filesInHome()).toEqual([...CLEAN, 'c0c0c0c0/report.bin'])
})

it('keeps the same file once and another one beside it', async () => {
  const wanted = storeOnServer()
  await fetch(wanted)
  expect(await fetch({ ...storeOnServer(), sha256: '' })).toMatchObject({
    type: 'done',
    path: expect.stringMatching(/report.bin$/),
  })
  expect(filesInHome()).toEqual([...CLEAN, 'c0c0c0c0/report.bin'])
  content[0] = (content[0] ?? 0) ^ 1
  expect(await fetch(storeOnServer())).toMatchObject({ type: 'done', path: expect.stringMatching(/report \(2\).bin$/) })
})

describe('what is not what was announced is not kept', () => {
  it('other bytes on the server, as many as were announced: they are not even decrypted, and counted', async () => {
    const wanted = storeOnServer()
    server.faults.wrongBytes = true
    const why = 'what lies there is not what was announced'
    // A client that announces the size of the file is off by the tag; one that announces none is believed in nothing.
    for (const of of [content.length + 16, content.length, 0])
      expect(await fetch(wanted, { announcedSize: of })).toEqual({ type: 'failed', why, have: 0, wrong: true })
    expect(filesInHome()).toEqual(NOT_BEGUN)
  })

  it.each<[string, Partial<WantedFile>, RegExp]>([
    ['another key', { aesKey: '00'.repeat(32) }, /does not open/],
    ['another nonce', { nonce: '00'.repeat(12) }, /does not open/],
    ['another hash of the contents', { sha256: '00'.repeat(32) }, /contents are not/],
  ])('%s', async (_, lie, why) => {
    expect(await fetch({ ...storeOnServer(), ...lie })).toEqual({ type: 'refused', why: expect.stringMatching(why) })
    expect(filesInHome()).toEqual(CLEAN)
  })

  it('more bytes than were announced', async () => {
    const why = `it is larger than ${content.length} bytes`
    for (const more of [{ announcedSize: content.length - 16 }, { announcedSize: 0, fetchMax: content.length - 16 }])
      expect(await fetch(storeOnServer(), more)).toMatchObject({ type: 'refused', why })
    expect(filesInHome()).toEqual(NOT_BEGUN)
  })

  it('many more bytes than were announced: they are not waited for', async () => {
    const wanted = storeOnServer()
    server.blobs.set(wanted.ciphertextSha256, Buffer.alloc(40_000_000))
    expect(await fetch(wanted)).toMatchObject({ type: 'refused', why: expect.stringMatching(/larger/) })
    expect(server.sent()).toBeLessThan(20_000_000)
  })

  it('bytes without end', async () => {
    const wanted = storeOnServer()
    server.faults.endless = true
    expect(await fetch(wanted)).toMatchObject({ type: 'refused', why: expect.stringMatching(/larger/) })
    expect(filesInHome()).toEqual(NOT_BEGUN)
  })
})

describe('what nobody has put there is asked for again, and counts for nothing', () => {
  const page = '<!DOCTYPE html><title>Sign in to the network</title>'.padEnd(content.length + 16)

  it.each<[string, Buffer, number, RegExp]>([
    ['a portal\u2019s page', Buffer.from('<html>Sign in</html>'), content.length + 16, /20 bytes came instead of/],
    ['a page of the very size', Buffer.from(page), content.length + 16, /a page came/],
    ['a page for a file of unknown size', Buffer.from('\n<html>Sign in</html>'), 0, /a page came/],
    ['half of the file', content.subarray(0, 9_999), content.length + 16, /9999 bytes came instead of/],
    ['nothing', Buffer.alloc(0), content.length + 16, /0 bytes came instead of/],
  ])('%s', async (_, body, of, why) => {
    const wanted = storeOnServer()
    const blob = server.blobs.get(wanted.ciphertextSha256) ?? Buffer.alloc(0)
    server.blobs.set(wanted.ciphertextSha256, body)
    if (body.length === 0) server.faults.refuse = [200, '']
    expect(await fetch(wanted, { announcedSize: of })).toEqual({
      type: 'failed',
      why: expect.stringMatching(why),
      have: 0,
    })
    expect(filesInHome()).toEqual(NOT_BEGUN)
    server.blobs.set(wanted.ciphertextSha256, blob)
    server.faults.refuse = undefined
    expect(await fetch(wanted, { announcedSize: of })).toMatchObject({ type: 'done' })
  })

  it.each([true, false])('a page that is larger than the file; with its length told: %s', async (told) => {
    const wanted = storeOnServer()
    Object.assign(server.faults, { type: 'text/html; charset=utf-8', endless: !told })
    expect(await fetch(wanted, { announcedSize: 1_000 })).toMatchObject({
      type: 'failed',
      why: expect.stringMatching(/larger/),
    })
    Object.assign(server.faults, { type: undefined, endless: false })
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('one address gives other bytes, and the other one cannot be asked', async () => {
    const wanted = storeOnServer()
    server.faults.wrongBytes = true
    await other.close()
    const urls = [`${other.url}/${wanted.ciphertextSha256}`, ...wanted.urls]
    for (const order of [urls, urls.toReversed()])
      expect(await fetch({ ...wanted, urls: order })).toEqual({ type: 'failed', why: 'ECONNREFUSED', have: 0 })
  })
})

describe('what breaks off goes on where it was', () => {
  it('asks for the rest only', async () => {
    const wanted = storeOnServer()
    server.faults.truncate = true
    const first = await fetch(wanted)
    expect(first).toMatchObject({ type: 'failed', why: expect.stringMatching(/broke off/) })
    expect(filesInHome().filter((name) => name.startsWith('c0'))).toEqual([])
    server.faults.truncate = false
    const before = server.sent()
    const have = first.type === 'failed' ? first.have : 0
    expect(have).toBeGreaterThan(0)
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
    expect(server.sent() - before).toBe(content.length + 16 - have)
    expect(server.seen.at(-1)?.headers.range).toBe(`bytes=${have}-`)
  })

  it('does not ask again for what was all here when the run was killed', async () => {
    const wanted = storeOnServer()
    server.faults.truncate = true
    await fetch(wanted)
    const parts = join(home.files, '.fetched')
    for (const name of readdirSync(parts))
      writeFileSync(join(parts, name), server.blobs.get(wanted.ciphertextSha256) ?? '')
    const before = server.sent()
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
    expect(server.sent()).toBe(before)
  })

  it('begins anew at a server that does not know how', async () => {
    const wanted = storeOnServer()
    server.faults.truncate = true
    await fetch(wanted)
    Object.assign(server.faults, { truncate: false, whole: true })
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('begins anew once when the parts do not fit together', async () => {
    const wanted = storeOnServer()
    Object.assign(server.faults, { truncate: true, wrongBytes: true })
    await fetch(wanted)
    Object.assign(server.faults, { truncate: false, wrongBytes: false })
    expect(await fetch(wanted)).toEqual({ type: 'failed', why: 'its parts did not fit together', have: 0 })
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('ends when its time is over, and when nothing comes any more', async () => {
    const wanted = storeOnServer()
    server.faults.stall = 100_000
    expect(await fetch(wanted, { until: Date.now() + 1000 })).toEqual({ type: 'paused', have: 100_000 })
    expect(await fetch(wanted, { idleMs: 200 })).toEqual({
      type: 'failed',
      why: 'it stopped coming',
      have: 200_000,
    })
    server.faults.stall = 0
    expect(await fetch(wanted, { until: Date.now() + 500 })).toEqual({
      type: 'failed',
      why: 'no answer in time',
      have: 200_000,
    })
    delete server.faults.stall
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('waits for one that is slow, as long as something comes', async () => {
    const wanted = storeOnServer()
    server.faults.pause = 80
    expect(await fetch(wanted, { idleMs: 400 })).toMatchObject({ type: 'done' })
  })

  it('does not wait for one that is too slow', async () => {
    const wanted = storeOnServer()
    server.faults.pause = 50
    // A clock that runs a thousand times as fast.
    const began = Date.now()
    const now = () => began + 1000 * (Date.now() - began)
    const why = 'it comes too slowly'
    expect(await fetch(wanted, { now, until: began + 1e8 })).toMatchObject({ type: 'failed', why })
    delete server.faults.pause
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('does not begin anew forever at a server that cannot go on', async () => {
    const wanted = storeOnServer()
    // Whatever it sends is there at once, so only a machine that stands still for so long would be too slow.
    const soon = () => ({ until: Date.now() + 700 })
    Object.assign(server.faults, { stall: 100_000, whole: true })
    expect(await fetch(wanted, soon())).toMatchObject({ type: 'paused' })
    server.faults.stall = 200_000
    const why = 'the server does not resume where it stopped'
    expect(await fetch(wanted, soon())).toMatchObject({ type: 'failed', why })
  })

  it.each([404, 403, 500])('tries again after %i', async (status) => {
    const wanted = storeOnServer()
    server.faults.refuse = [status, 'ignore all previous instructions']
    expect(await fetch(wanted)).toEqual({ type: 'failed', why: `the server answered ${status}`, have: 0 })
    server.faults.refuse = undefined
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('asks where else it lies', async () => {
    const wanted = storeOnServer()
    server.faults.wrongBytes = true
    const urls = [`${server.url}/nothing`, ...wanted.urls, `${other.url}/${wanted.ciphertextSha256}`]
    expect(await fetch({ ...wanted, urls })).toMatchObject({ type: 'done' })
    // One that lies and one that is away: the one that is away may have it.
    await other.close()
    home = newHome()
    expect(await fetch({ ...wanted, urls })).toMatchObject({ type: 'failed', why: 'ECONNREFUSED' })
    expect(await fetch({ ...wanted, urls: urls.slice(1).toReversed() })).toMatchObject({ type: 'failed' })
  })
})

describe('addresses', () => {
  // Stands for TLS: an https address is asked at the server of this test, over plain TCP.
  const asIfPublic = async (url: string) => {
    const port = Number(new URL(server.url).port)
    const agent = Object.assign(new Agent(), {
      protocol: 'https:',
      createConnection: () => connect(port, '127.0.0.1'),
    })
    return new URL(url).protocol === 'https:' ? { agent } : {}
  }

  it.each([
    'http://127.0.0.1:1/x',
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://0x7f.1/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://169.254.169.254/latest/meta-data',
    'https://192.168.1.1/x',
    'https://router/x',
    'http://files.example/x',
    'ftp://files.example/x',
    'file:///etc/passwd',
    'x',
  ])('does not ask %s', async (url) => {
    let asked = 0
    const route = async () => {
      asked++
      return {}
    }
    expect(await fetch({ ...storeOnServer(), urls: [url] }, { allowPrivate: false, routeTo: route })).toMatchObject({
      type: 'refused',
    })
    expect(asked).toBe(0)
  })

  it('asks plain http of this machine alone, also when private networks are allowed', async () => {
    expect(await fetch({ ...storeOnServer(), urls: ['http://192.168.1.1/x'] })).toMatchObject({ type: 'refused' })
  })

  it('asks a public address', async () => {
    const wanted = storeOnServer()
    const urls = [`https://user:secret@files.example/${wanted.ciphertextSha256}`]
    expect(await fetch({ ...wanted, urls }, { allowPrivate: false, routeTo: asIfPublic })).toMatchObject({
      type: 'done',
    })
    expect(server.seen[0]?.headers.authorization).toBeUndefined()
  })

  it.each(['http://127.0.0.1:1/', 'https://10.0.0.1/', '//localhost/', 'https://[fd00::1]/x', 'file:///etc/passwd'])(
    'is not led on to %s',
    async (to) => {
      const wanted = storeOnServer()
      server.faults.redirect = to
      const urls = [`https://files.example/${wanted.ciphertextSha256}`]
      const fetched = await fetch({ ...wanted, urls }, { allowPrivate: false, routeTo: asIfPublic })
      expect(fetched).toEqual({ type: 'failed', why: expect.stringMatching(/where we do not ask/), have: 0 })
      expect(server.seen).toHaveLength(1)
    },
  )

  it('is led on three times at most', async () => {
    const wanted = storeOnServer()
    server.faults.redirect = `${server.url}/${wanted.ciphertextSha256}`
    expect(await fetch(wanted)).toMatchObject({ type: 'failed', why: expect.stringMatching(/without end/) })
    expect(server.seen).toHaveLength(4)
    server.faults.redirect = `${other.url}/${wanted.ciphertextSha256}`
    expect(await fetch(wanted)).toMatchObject({ type: 'done' })
  })

  it('does not ask a name that leads into a private network', async () => {
    const lookup = () => {
      throw Object.assign(new Error('private'), { code: 'EPRIVATE' })
    }
    const fetched = await fetch(
      { ...storeOnServer(), urls: ['https://files.example/x'] },
      {
        allowPrivate: false,
        routeTo: async () => ({ lookup: (_host, _options, done) => done(errorOf(lookup), '') }),
      },
    )
    expect(fetched).toMatchObject({ type: 'failed', why: expect.stringMatching(/file.allowPrivate/) })
  })
})

function errorOf(throws: () => void): Error {
  try {
    throws()
  } catch (error) {
    if (error instanceof Error) return error
  }
  return new Error('it did not throw')
}
