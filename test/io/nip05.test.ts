// A NIP-05 name asked of a real HTTPS server on this machine: what is believed, and all that ends the question.
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcp } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openRoutes } from '../../src/io/http/agent.ts'
import { lookUpNip05, type Nip05Inquiry } from '../../src/io/nip05.ts'
import { type Certificate, certificateFor, startTlsInFront } from '../support/certificate.ts'
import { alice } from '../support/people.ts'
import { startConnectProxy, startSocksProxy } from '../support/proxy-servers.ts'
import { listenTcp } from '../support/scripted-relay.ts'

const relay = 'wss://relay.example.com'
const GOOD_DOCUMENT = JSON.stringify({ names: { bob: alice.pubkey }, relays: { [alice.pubkey]: [relay] } })
const FOUND = { pubkey: alice.pubkey, relays: [relay] }

let certificate: Certificate | undefined
beforeAll(() => {
  certificate = certificateFor('localhost', 'name.invalid')
})

const routesBy = (env: Record<string, string>, allowPrivate: boolean) => openRoutes(env, () => allowPrivate)

/** An HTTPS server that answers as told; gives its port and the paths that were asked for. */
async function startDomain(answer: RequestListener): Promise<{ port: number; asked: string[] }> {
  if (certificate === undefined) throw new Error('there is no certificate')
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`)
    answer(request, response)
  })
  return { port: await startTlsInFront(Number(new URL(await listenTcp(server)).port), certificate), asked }
}

async function askDomain(host: string, how: Partial<Nip05Inquiry> = {}) {
  const { allowPrivate = true } = how
  const inquiry = { routeTo: routesBy({}, allowPrivate), allowPrivate, ms: 5_000, ca: certificate?.cert, ...how }
  return await lookUpNip05({ name: 'bob', domain: host }, inquiry)
}

describe('a name', () => {
  test('is asked of its domain', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    const { port, asked } = await startDomain((_, response) => response.end(GOOD_DOCUMENT))
    expect(await askDomain(`localhost:${port}`)).toEqual(FOUND)
    expect(asked).toEqual([`GET /.well-known/nostr.json?name=bob localhost:${port}`])
  })

  test('is asked of nobody inside our own network, unless that is allowed', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    const { port, asked } = await startDomain((_, response) => response.end(GOOD_DOCUMENT))
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '169.254.169.254', 'metadata.google.internal']) {
      expect(await askDomain(host, { allowPrivate: false })).toEqual({ why: `${host} lies in a private network` })
    }
    expect(asked).toEqual([])
  })

  test('in a domain that only looks public is not asked either', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    const { port, asked } = await startDomain((_, response) => response.end(GOOD_DOCUMENT))
    // The guard of the connection alone: as if "localhost" were a name out in the world.
    const answer = await askDomain(`localhost:${port}`, { routeTo: routesBy({}, false) })
    expect(answer).toEqual({ why: `localhost:${port}: localhost leads into a private network` })
    expect(asked).toEqual([])
  })

  test.each(['http', 'socks5h'])('is asked through a proxy: %s', async (scheme) => {
    if (certificate === undefined) return console.warn('skipped: there is no openssl')
    const proxy = await (scheme === 'http' ? startConnectProxy() : startSocksProxy())
    const { port } = await startDomain((_, response) => response.end(GOOD_DOCUMENT))
    const routeTo = routesBy({ HTTPS_PROXY: `${scheme}://${proxy.address}` }, false)
    // A public name as far as we can tell; what is behind it is the proxy's business.
    expect(await askDomain(`name.invalid:${port}`, { routeTo, allowPrivate: true })).toEqual(FOUND)
    expect(proxy.asked[0]).toContain(`name.invalid:${port}`)
  })
})

describe('nobody knows', () => {
  const answers: [string, RequestListener, RegExp][] = [
    [
      'a redirect',
      (_, r) => r.writeHead(302, { Location: '/elsewhere' }).end(),
      /it answered 302, a redirect, which is not/,
    ],
    ['an error', (_, r) => r.writeHead(404).end(GOOD_DOCUMENT), /it answered 404$/],
    ['another name', (_, r) => r.end(JSON.stringify({ names: { eve: alice.pubkey } })), /knows nobody called 'bob'/],
    ['a page', (_, r) => r.end('<html></html>'), /knows nobody called 'bob'/],
    ['too much', (_, r) => r.end(GOOD_DOCUMENT + ' '.repeat(65_536)), /no text of at most 65536 bytes/],
    ['no UTF-8', (_, r) => r.end(Buffer.from([0x7b, 0xff, 0x7d])), /no text/],
    [
      'a cut answer',
      (_, r) => r.writeHead(200, { 'Content-Length': 999 }).write(GOOD_DOCUMENT, () => r.destroy()),
      /./,
    ],
  ]
  test.each(answers)('after %s', async (_, listener, why) => {
    if (certificate === undefined) return console.warn('skipped: there is no openssl')
    const { port, asked } = await startDomain(listener)
    expect(await askDomain(`localhost:${port}`)).toEqual({ why: expect.stringMatching(why) })
    expect(asked).toHaveLength(1)
  })

  test('when an answer without end comes', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    let sent = 0
    const { port } = await startDomain((_, response) => {
      const more = () => {
        sent += 1
        if (!response.destroyed) response.write('x'.repeat(16_384), () => setImmediate(more))
      }
      more()
    })
    expect(await askDomain(`localhost:${port}`)).toEqual({ why: expect.stringMatching(/at most 65536 bytes/) })
    expect(sent).toBeLessThan(1_000)
  })

  test('when the answer trickles in until time is up', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    const { port } = await startDomain((_, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      onTestFinished(() => clearInterval(timer))
    })
    expect(await askDomain(`localhost:${port}`, { ms: 200 })).toEqual({ why: `localhost:${port}: no answer in time` })
  })

  test('when nothing is said at all', async () => {
    const silent = new URL(await listenTcp(createTcp(() => {}))).host
    expect(await askDomain(silent, { ms: 200 })).toEqual({ why: `${silent}: no answer in time` })
    const proxy = await startSocksProxy({ silent: true })
    const routeTo = routesBy({ ALL_PROXY: `socks5h://${proxy.address}` }, true)
    expect(await askDomain('name.invalid', { ms: 200, routeTo })).toEqual({ why: 'name.invalid: no answer in time' })
  })

  test('when the certificate is not for that domain, or from nobody we know', async ({ skip }) => {
    skip(certificate === undefined, 'there is no openssl')
    const { port, asked } = await startDomain((_, response) => response.end(GOOD_DOCUMENT))
    expect(await askDomain(`127.0.0.1:${port}`)).toEqual({ why: expect.stringMatching(/altnames/) })
    expect(await askDomain(`localhost:${port}`, { ca: undefined })).toEqual({
      why: expect.stringMatching(/self.signed/),
    })
    expect(asked).toEqual([])
  })
})
