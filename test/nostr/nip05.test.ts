// NIP-05 names and documents, as the NIP prints them and as somebody with bad intentions would.
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addressText, nip05Url, parseAddress, parseNip05Document } from '../../src/nostr/nip05.ts'

// The key and the relays of the NIP's own example.
const bob = 'b0635d6a9851d3aed0cd6c495b282167acf761729078d975fc341b22650b07b9'
const relays = ['wss://relay.example.com', 'wss://relay2.example.com']

describe('a name', () => {
  test.each([
    ['bob@example.com', 'bob', 'example.com'],
    ['Bob@Example.COM', 'bob', 'example.com'],
    ['_@example.com', '_', 'example.com'],
    ['example.com', '_', 'example.com'],
    ['a.b-c_9@sub.example.com:8443', 'a.b-c_9', 'sub.example.com:8443'],
    ['bob@example.com:443', 'bob', 'example.com'],
    ['bob@bücher.example', 'bob', 'xn--bcher-kva.example'],
    ['example.com:8443', '_', 'example.com:8443'],
    ['bob@localhost:1', 'bob', 'localhost:1'],
    ['bob@[::1]:1', 'bob', '[::1]:1'],
    ['xn--p1ai.xn--p1ai', '_', 'xn--p1ai.xn--p1ai'],
  ])('%s', (text, name, domain) => expect(parseAddress(text)).toEqual({ name, domain }))

  test.each([
    'bob',
    'Bob the builder',
    'gpt-4.1',
    'v1.2.3',
    '127.0.0.1',
    '@example.com',
    'bob@',
    'bob@@example.com',
    'a b@example.com',
    'bob@exa mple.com',
    'bob+tag@example.com',
    'bob@example.com/x',
    'bob@example.com?name=eve',
    'bob@example.com#x',
    'bob@example.com\\x',
    'bob@%2e%2e',
    'bob@user:word@example.com',
    'bob@example.com:99999',
    `${'b'.repeat(65)}@example.com`,
    `bob@${'b.'.repeat(200)}com`,
    '',
  ])('%s is none', (text) => expect(parseAddress(text)).toBeUndefined())

  test.each([
    ['_@example.com', 'example.com'],
    ['_@example.com:8443', 'example.com:8443'],
    ['_@localhost:1', '_@localhost:1'],
    ['_@127.0.0.1', '_@127.0.0.1'],
    ['bob@example.com', 'bob@example.com'],
  ])('%s is written as %s, which is read as the same', (text, written) => {
    const address = parseAddress(text)
    if (address === undefined) throw new Error(`${text} is no address`)
    expect([addressText(address), parseAddress(addressText(address))]).toEqual([written, address])
  })

  test('leads to one document of its domain, whatever it is', () => {
    expect(nip05Url({ name: 'bob', domain: 'example.com' })).toBe('https://example.com/.well-known/nostr.json?name=bob')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const address = parseAddress(text)
        if (address === undefined) return
        const url = new URL(nip05Url(address))
        expect([url.protocol, url.host, url.pathname]).toEqual(['https:', address.domain, '/.well-known/nostr.json'])
        expect([...url.searchParams]).toEqual([['name', address.name]])
      }),
    )
  })
})

describe('a document', () => {
  const read = (document: unknown, name = 'bob') => parseNip05Document(JSON.stringify(document), name)

  test('says whose the name is, and where to look', () => {
    expect(read({ names: { bob } })).toEqual({ pubkey: bob, relays: [] })
    expect(read({ names: { bob }, relays: { [bob]: relays } })).toEqual({ pubkey: bob, relays })
    expect(read({ names: { alice: bob } })).toBeUndefined()
  })

  test.each([
    ['upper case', bob.toUpperCase()],
    ['an npub', 'npub1kp3jm65c28f6a5xdd3y4k2ppvak0wctjjpudjmdll3qmyfjs37us69kqlm'],
    ['no point on the curve', 'f'.repeat(64)],
    ['short', bob.slice(1)],
    ['a number', 7],
    ['a list', [bob]],
  ])('whose key is %s says nothing', (_, key) => expect(read({ names: { bob: key } })).toBeUndefined())

  test('of which a part is nonsense is believed in the rest', () => {
    for (const nonsense of [null, 7, 'x', [], { [bob]: 'wss://a.example' }, { [bob]: { length: 3 } }]) {
      expect(read({ names: { bob }, relays: nonsense })).toEqual({ pubkey: bob, relays: [] })
    }
    const urls = [7, null, 'https://x', 'file:///etc/passwd', ...relays, `${relays[0]}/`]
    expect(read({ names: { bob }, relays: { [bob]: urls } })).toEqual({ pubkey: bob, relays })
    const many = Array.from({ length: 5000 }, (_, n) => `wss://r${n}.example`)
    expect(read({ names: { bob }, relays: { [bob]: many } })?.relays).toHaveLength(5)
  })

  test('speaks for its own names only, not for what every object has', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(read({ names: {} }, name)).toBeUndefined()
      expect(read({ names: { [name]: bob } }, name)?.pubkey).toBe(bob)
    }
    expect(parseNip05Document(`{"names":{"__proto__":{"bob":"${bob}"}}}`, 'bob')).toBeUndefined()
    expect(parseNip05Document(`{"__proto__":{"names":{"bob":"${bob}"}}}`, 'bob')).toBeUndefined()
    expect(parseNip05Document(`{"names":{"__proto__":"${bob}"}}`, '__proto__')).toEqual({ pubkey: bob, relays: [] })
    Object.defineProperty(Object.prototype, 'eve', { value: bob, configurable: true })
    onTestFinished(() => {
      Reflect.deleteProperty(Object.prototype, 'eve')
    })
    expect(read({ names: {} }, 'eve')).toBeUndefined()
  })

  test.each(['', 'null', '[]', '"x"', '7', '{', '{"names":null}', '{"names":[]}', `${'['.repeat(9999)}`])(
    '%s is none',
    (json) => expect(parseNip05Document(json, 'bob')).toBeUndefined(),
  )

  test('of any shape neither throws nor changes anything', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, name) => {
        const entry = parseNip05Document(json, name)
        expect(entry === undefined || /^[0-9a-f]{64}$/.test(entry.pubkey)).toBe(true)
      }),
    )
  })
})
