// Proxies: which one leads where, that everything really goes through, and what is said when it does not.
import { describe, expect, test, vi } from 'vitest'
import { openRoutes } from '../../../src/io/http/agent.ts'
import { proxyFor, proxyName } from '../../../src/io/http/proxy-env.ts'
import { openRelayClient } from '../../../src/io/relay/clients.ts'
import type { Foreign } from '../../../src/sanitize.ts'
import { certificateFor, startTlsInFront } from '../../support/certificate.ts'
import { alice } from '../../support/people.ts'
import { startConnectProxy, startSocksProxy } from '../../support/proxy-servers.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  nearDeadline,
  startTestRelay,
  unusedAddress,
} from '../../support/scripted-relay.ts'

/** A name that no resolver knows, at the port of a relay of ours. */
const urlWithName = (port: number) => `ws://relay.invalid:${port}`
const routesBy = (env: Record<string, string>, trusted = true) => openRoutes(env, () => trusted)

async function queryThrough(url: string, env: Record<string, string>, extra: object = {}) {
  const lines: Foreign[] = []
  const route = routesBy(env)(url).then((found) => ({ ...found, ...extra }))
  const connection = connectAsAlice(url, { route, trace: (line) => lines.push(line) })
  const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
  return { answer, connection, said: JSON.stringify([lines, answer, connection.health()]) }
}

describe('which proxy', () => {
  const both = { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:2', ALL_PROXY: 'socks5h://a:3' }
  test.each([
    ['wss://nos.lol', both, 'HTTPS_PROXY http://s:1'],
    ['https://nos.lol/x', both, 'HTTPS_PROXY http://s:1'],
    ['ws://nos.lol', both, 'HTTP_PROXY http://p:2'],
    ['wss://nos.lol', { ALL_PROXY: 'socks5h://a:3' }, 'ALL_PROXY socks5h://a:3'],
    ['ws://nos.lol', { HTTPS_PROXY: 'http://s:1' }, ''],
    ['wss://nos.lol', { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' }, 'https_proxy http://lower:1'],
    ['wss://nos.lol', { https_proxy: ' ', ALL_PROXY: 'a:3' }, 'ALL_PROXY http://a:3'],
    ['wss://nos.lol', { HTTPS_PROXY: 'localhost:3128' }, 'HTTPS_PROXY http://localhost:3128'],
    ['wss://nos.lol', { HTTPS_PROXY: 'http://me:secret@s:1' }, 'HTTPS_PROXY http://s:1'],
    ['wss://nos.lol', { ALL_PROXY: 'socks://[::1]:1080/' }, 'ALL_PROXY socks://[::1]:1080'],
    ['wss://nos.lol', { HTTPS_PROXY: 'ftp://s:1' }, 'HTTPS_PROXY HTTPS_PROXY'],
    ['wss://nos.lol', { HTTPS_PROXY: 'http://' }, 'HTTPS_PROXY HTTPS_PROXY'],
    ['wss://nos.lol', {}, ''],
  ])('%s with %o', (url, env, expected) => {
    const proxy = proxyFor(url, env)
    expect(proxy === undefined ? '' : `${proxy.variable} ${proxyName(proxy)}`).toBe(expected)
  })

  test.each([
    ['nos.lol', 'wss://nos.lol', true],
    ['NOS.lol', 'wss://nos.LOL', true],
    ['lol', 'wss://nos.lol', true],
    ['.nos.lol', 'wss://nos.lol', true],
    ['*.nos.lol', 'wss://a.b.nos.lol', true],
    ['nos.lol', 'wss://a.nos.lol', true],
    ['os.lol', 'wss://nos.lol', false],
    ['nos.lol.', 'wss://nos.lol', true],
    ['nos.lol:443', 'wss://nos.lol', true],
    ['nos.lol:444', 'wss://nos.lol', false],
    ['nos.lol:80', 'ws://nos.lol', true],
    ['nos.lol:7000', 'wss://nos.lol:7000', true],
    ['a.example, nos.lol', 'wss://nos.lol', true],
    ['a.example nos.lol', 'wss://nos.lol', true],
    ['*', 'wss://nos.lol', true],
    ['', 'wss://nos.lol', false],
    [',', 'wss://nos.lol', false],
    ['127.0.0.1', 'ws://127.0.0.1:7777', true],
    ['0.0.1', 'ws://127.0.0.1:7777', false],
    ['127.0.0.0/8', 'ws://127.9.9.9:7777', true],
    ['127.0.0.0/8', 'ws://128.0.0.1:7777', false],
    ['127.0.0.0/99', 'ws://127.0.0.1', false],
    ['::1', 'ws://[::1]:7777', true],
    ['[::1]:7777', 'ws://[::1]:7777', true],
    ['[::1]:7778', 'ws://[::1]:7777', false],
    ['fd00::/8', 'ws://[fd12::1]', true],
    ['localhost', 'ws://127.0.0.1', false],
  ])('NO_PROXY=%s exempts %s: %s', (list, url, exempt) => {
    const env = { ALL_PROXY: 'http://p:1', NO_PROXY: list }
    expect(proxyFor(url, env) === undefined).toBe(exempt)
    expect(proxyFor(url, { ...env, NO_PROXY: '', no_proxy: list }) === undefined).toBe(exempt)
  })

  test('no way but the proxy is made for an address', async () => {
    expect(await routesBy({})('wss://nos.lol')).toEqual({ agent: undefined, lookup: undefined })
    expect((await routesBy({ ALL_PROXY: 'http://p:1' })('wss://nos.lol')).agent).toBeDefined()
  })
})

describe('through a proxy', () => {
  test('CONNECT carries a ws connection and leaves the name to the proxy', async () => {
    const [relay, proxy] = await Promise.all([startTestRelay({ auth: 'none' }), startConnectProxy()])
    const { answer } = await queryThrough(urlWithName(relay.port), { HTTP_PROXY: `http://${proxy.address}` })
    expect(answer).toMatchObject({ complete: true })
    expect(proxy.asked).toEqual([`relay.invalid:${relay.port}`])
    expect(proxy.carried()).toBeGreaterThan(200)
  })

  test.each(['http', 'socks5h'])('%s carries a wss connection, and the certificate is checked', async (scheme) => {
    const certificate = certificateFor('relay.invalid')
    if (certificate === undefined) return console.warn('skipped: there is no openssl')
    const proxy = await (scheme === 'http' ? startConnectProxy() : startSocksProxy())
    const relay = await startTestRelay({ auth: 'none' })
    const port = await startTlsInFront(relay.port, certificate)
    const env = { HTTPS_PROXY: `${scheme}://${proxy.address}` }
    const good = await queryThrough(`wss://relay.invalid:${port}`, env, { ca: certificate.cert })
    expect(good.answer).toMatchObject({ complete: true })
    const bad = await queryThrough(`wss://relay.invalid:${port}`, env)
    expect(bad.answer).toMatchObject({ complete: false, text: expect.stringMatching(/self.signed/i) })
    const other = await queryThrough(`wss://other.invalid:${port}`, env, { ca: certificate.cert })
    expect(other.answer).toMatchObject({ complete: false, text: expect.stringMatching(/altnames/i) })
    expect(proxy.asked).toHaveLength(3)
  })

  test('socks5h and socks send the name and resolve nothing', async () => {
    const [relay, proxy] = await Promise.all([startTestRelay({ auth: 'none' }), startSocksProxy()])
    for (const scheme of ['socks5h', 'socks']) {
      const { answer } = await queryThrough(urlWithName(relay.port), { ALL_PROXY: `${scheme}://${proxy.address}` })
      expect(answer).toMatchObject({ complete: true })
    }
    expect(proxy.asked).toEqual(Array(2).fill(`relay.invalid:${relay.port} name`))
  })

  test('socks5 resolves here and sends the address', async () => {
    const [relay, proxy] = await Promise.all([startTestRelay({ auth: 'none' }), startSocksProxy()])
    const env = { ALL_PROXY: `socks5://${proxy.address}` }
    const { answer } = await queryThrough(`ws://localhost:${relay.port}`, env)
    expect(answer).toMatchObject({ complete: true })
    expect(proxy.asked).toEqual([expect.stringMatching(/ IPv[46]$/)])
    expect((await queryThrough(urlWithName(relay.port), env)).answer.text).toMatch(/ENOTFOUND|EAI_AGAIN/)
  })

  test('socks5 refuses a name that leads into our own network, unless it is our own relay', async () => {
    const [relay, proxy] = await Promise.all([startTestRelay({ auth: 'none' }), startSocksProxy()])
    const url = `ws://localhost:${relay.port}`
    const route = routesBy({ ALL_PROXY: `socks5://${proxy.address}` }, false)(url)
    const answer = await connectAsAlice(url, { route }).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer.text).toMatch(/localhost leads into a private network/)
    expect(proxy.asked).toEqual([])
  })

  test.each(['http', 'socks5h'])('%s: the name and the password are sent and never shown', async (scheme) => {
    const proxy = await (scheme === 'http' ? startConnectProxy() : startSocksProxy({ login: true }))
    const relay = await startTestRelay({ auth: 'none' })
    const { answer, said } = await queryThrough(urlWithName(relay.port), {
      ALL_PROXY: `${scheme}://me:s%40cret%25@${proxy.address}`,
    })
    expect(answer).toMatchObject({ complete: true })
    expect(proxy.logins).toEqual(['me:s@cret%'])
    expect(said).not.toMatch(/s(@|%40)cret/)
  })

  test('NO_PROXY is gone around', async () => {
    const [relay, proxy] = await Promise.all([startTestRelay({ auth: 'none' }), startConnectProxy()])
    const env = { ALL_PROXY: `http://${proxy.address}`, NO_PROXY: `127.0.0.1:${relay.port}` }
    expect((await queryThrough(relay.url, env)).answer).toMatchObject({ complete: true })
    expect(proxy.clients.size).toBe(0)
  })
})

describe('a proxy that does not do it', () => {
  test.each(['http', 'https', 'socks5', 'socks5h'])(
    '%s: one that is not there is named without its password',
    async (scheme) => {
      const host = new URL(await unusedAddress()).host
      const relay = await startTestRelay({ auth: 'none' })
      const { answer, said } = await queryThrough(relay.url, { ALL_PROXY: `${scheme}://me:secret@${host}` })
      expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
      expect(answer.text).toContain(`proxy ${scheme}://${host}: `)
      expect(answer.text).toContain('ECONNREFUSED')
      expect(said).not.toContain('secret')
      expect(relay.seen).toEqual([])
    },
  )

  test('one that refuses says with what, and a wrong password is a word about passwords', async () => {
    const [relay, no, locked] = await Promise.all([
      startTestRelay(),
      startConnectProxy({ status: 403 }),
      startConnectProxy({ status: 407 }),
    ])
    expect((await queryThrough(relay.url, { HTTP_PROXY: no.address })).answer.text).toMatch(
      /^proxy http:.*: it answered 403$/,
    )
    const { answer } = await queryThrough(relay.url, { HTTP_PROXY: `http://me:secret@${locked.address}` })
    expect(answer.text).toMatch(/^proxy http:.*: it answered 407, it wants a name and a password$/)
  })

  test('SOCKS that wants a password and gets none is refused', async () => {
    const proxy = await startSocksProxy({ login: true })
    const { answer } = await queryThrough(urlWithName(1), { ALL_PROXY: `socks5h://${proxy.address}` })
    expect(answer.text).toMatch(/^proxy socks5h:/)
    expect(proxy.asked).toEqual([])
  })

  test('a value that is no proxy is no reason to go without one', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const { answer, said } = await queryThrough(relay.url, { ALL_PROXY: 'sokcs5://me:secret@tor:9050' })
    expect(answer.text).toMatch(/^proxy ALL_PROXY: its value is no /)
    expect(said).not.toContain('secret')
    expect(relay.seen).toEqual([])
  })

  test('one that says nothing is let go of as soon as the connection is', async () => {
    const proxy = await startSocksProxy({ silent: true })
    const route = routesBy({ ALL_PROXY: `socks5h://${proxy.address}` })('ws://relay.invalid')
    const connection = openRelayClient('ws://relay.invalid', { keys: alice, now: Date.now, route })
    await vi.waitUntil(() => proxy.clients.size === 1)
    expect(await connection.query({ filter: inboxFilter, deadline: nearDeadline() })).toMatchObject({
      reason: 'silent',
    })
    connection.close()
    await vi.waitUntil(() => proxy.clients.size === 0)
  })
})

describe('without a proxy', () => {
  test('a name that leads into our own network is not followed for a stranger', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const url = `ws://localhost:${relay.port}`
    const guarded = connectAsAlice(url, { route: routesBy({}, false)(url) })
    const answer = await guarded.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable' })
    expect(answer.text).toBe('localhost leads into a private network')
    expect(relay.seen).toEqual([])
    expect((await queryThrough(url, {})).answer).toMatchObject({ complete: true })
  })
})
