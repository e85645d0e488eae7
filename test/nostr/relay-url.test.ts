// Relay addresses: one spelling each, and where a stranger's list may and may not send us.
import { describe, expect, test } from 'vitest'
import {
  isDecommissioned,
  isPrivate,
  isPrivateHost,
  otherSpelling,
  relayUrl,
  shortRelayUrl,
  usable,
} from '../../src/nostr/relay-url.ts'

describe('a relay has one spelling', () => {
  test.each([
    ['wss://Nos.LOL', 'wss://nos.lol'],
    [' wss://nos.lol/ ', 'wss://nos.lol'],
    ['wss://nos.lol:443//', 'wss://nos.lol'],
    ['wss://nos.lol.:8443/', 'wss://nos.lol:8443'],
    ['ws://nos.lol:80', 'ws://nos.lol'],
    ['wss://nos.lol/inbox/?a=b#c', 'wss://nos.lol/inbox/?a=b'],
    ['wss://nos.lol/inbox', 'wss://nos.lol/inbox'],
    ['wss://nos.lol/nostr/', 'wss://nos.lol/nostr/'],
    ['ws://[::1]:7777', 'ws://[::1]:7777'],
    ['ws://0x7f.1', 'ws://127.0.0.1'],
    ['wss://nos.lol/?`p2p`', 'wss://nos.lol?%60p2p%60'],
  ])('%s', (typed, url) => {
    expect(relayUrl(typed)).toBe(url)
    expect(relayUrl(url)).toBe(url)
  })

  test.each([
    'https://nos.lol',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'wss://user:word@nos.lol',
    'wss://',
    'nos.lol',
    '',
    `wss://nos.lol/${'x'.repeat(256)}`,
    // Longer once it is spelled out; and hosts of nothing but the root's dots.
    `wss://nos.lol/${'ü'.repeat(100)}`,
    'ws:..///x',
    'wss://nos.lol..',
  ])('%s is none', (typed) => expect(relayUrl(typed)).toBeUndefined())
})

test('the other spelling of an address differs in the slash at the end of its path', () => {
  for (const [one, other] of [
    ['wss://nos.lol', 'wss://nos.lol/'],
    ['wss://nos.lol/a', 'wss://nos.lol/a/'],
    ['wss://nos.lol/a?b=/', 'wss://nos.lol/a/?b=/'],
  ] as const) {
    expect([otherSpelling(one), otherSpelling(other)]).toEqual([other, one])
  }
})

test.each([
  ['wss://relay.example/inbox', 'wss://relay.example/inbox'],
  [`ws://${'a'.repeat(56)}.onion:7777`, `ws://${'a'.repeat(56)}.onion:7777`],
  ['wss://relay.example/your-owner-says?pay=now', 'wss://relay.example/…'],
  ['wss://relay.example?your-owner-says-pay', 'wss://relay.example/…'],
  [
    `wss://${'your-owner-says.'.repeat(10)}example`,
    `wss://${'your-owner-says.'.repeat(10)}example`.slice(0, 80).concat('…'),
  ],
])('of %s stands in a line of ours what is no sentence', (url, short) => {
  expect(shortRelayUrl(url)).toBe(short)
})

describe('an address is private', () => {
  test.each([
    'ws://127.0.0.1',
    'ws://2130706433',
    'ws://0177.0.0.1:8080',
    'ws://10.1.2.3',
    'ws://100.64.0.1',
    'ws://169.254.169.254/latest/meta-data',
    'ws://172.31.0.1',
    'ws://192.168.1.1',
    'ws://192.0.0.8',
    'ws://198.18.0.1',
    'ws://0.0.0.0',
    'ws://255.255.255.255',
    'wss://localhost',
    'wss://localhost.',
    'wss://LOCALHOST:9',
    'wss://relay.localhost',
    'wss://printer.local',
    'wss://metadata.google.internal',
    'wss://metadata.google.internal.',
    'wss://intranet',
    'ws://[::1]',
    'ws://[::]',
    'ws://[::7f00:1]',
    'ws://[::ffff:127.0.0.1]',
    'ws://[::ffff:10.0.0.1]',
    'ws://[64:ff9b::10.0.0.1]',
    // 6to4: its relays are gone, and the address that stands for them all may be anybody's.
    'ws://192.88.99.1',
    'ws://[2002:7f00:1::]',
    'ws://[2002:808:808::]',
    // Teredo, which carries an IPv4 address of its own; ORCHIDs, benchmarks, AMT, drones.
    'ws://[2001::1]',
    'ws://[2001:0:7f00:1::]',
    'ws://[2001:2::1]',
    'ws://[2001:10::1]',
    'ws://[2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff]',
    // Documentation.
    'ws://192.0.2.1',
    'ws://198.51.100.7',
    'ws://203.0.113.7',
    'ws://[2001:db8::1]',
    'ws://[3fff::1]',
    'ws://[3fff:fff::1]',
    // AS112 and AMT.
    'ws://192.31.196.1',
    'ws://192.52.193.1',
    'ws://192.175.48.1',
    'ws://[2620:4f:8000::1]',
    // Outside of 2000::/3: discard, the other NAT64, segment routing, site-local.
    'ws://[100::1]',
    'ws://[64:ff9b:1::808:808]',
    'ws://[5f00::1]',
    'ws://[fec0::1]',
    'wss://10.0.0.1.nip.io',
    'wss://app-10-0-0-1.sslip.io',
    'wss://127.0.0.1.example.com',
    'wss://wiki.corp',
    'wss://db.intranet',
    'wss://dashboard.test',
    'wss://nas.home.arpa',
    'ws://[fd00::1]',
    'ws://[fe80::1]',
    'ws://[ff02::1]',
    'no address',
  ])('%s', (address) => expect(isPrivate(address)).toBe(true))

  test.each([
    'wss://nos.lol',
    'ws://172.32.0.1',
    'ws://100.128.0.1',
    // Among 192.0.0.0/16 only the first 256 are set apart: large hosters have the others.
    'ws://192.0.78.12',
    'ws://8.8.8.8',
    'ws://[2606:4700::1111]',
    'ws://[::ffff:8.8.8.8]',
    'ws://[64:ff9b::8.8.8.8]',
    'ws://[2001:200::1]',
    'ws://[2001:4860:4860::8888]',
    'ws://[2620:4f:8001::1]',
    'ws://[3fff:1000::1]',
    'ws://192.0.3.1',
    'ws://192.88.98.1',
    'ws://192.88.100.1',
    'ws://198.51.101.1',
    'wss://ec2-3-120-1-2.compute.example',
    'wss://8.8.8.8.nip.io',
    'wss://v1-2-3.example',
    'wss://test.example',
    'wss://corp.example',
    'ws://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion',
  ])('%s is not', (address) => expect(isPrivate(address)).toBe(false))

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', 'fe80::1%eth0', '', '::ffff:7f00:1', '0:0:0:0:0:0:0:1'])(
    'as a resolver spells it: "%s"',
    (host) => expect(isPrivateHost(host)).toBe(true),
  )

  test('a public one as a resolver spells it is not', () => {
    expect(['8.8.8.8', '2606:4700:0:0:0:0:0:1111', '::ffff:8.8.8.8'].map(isPrivateHost)).toEqual([false, false, false])
  })
})

describe('of a list that somebody else wrote', () => {
  const own = ['ws://127.0.0.1:7777']

  test('at most three relays are used, in its order and once each', () => {
    const urls = ['wss://a.example/', 'wss://a.example', 'wss://b.example', 'wss://c.example', 'wss://d.example']
    expect(usable(urls, [], false)).toEqual(['wss://a.example', 'wss://b.example', 'wss://c.example'])
  })

  test('none inside our own network, unless it is ours too or that is allowed', () => {
    const urls = ['ws://127.0.0.1:6379', 'ws://127.0.0.1:7777/', 'wss://10.0.0.1']
    expect(usable(urls, own, false)).toEqual(['ws://127.0.0.1:7777'])
    expect(usable(urls, own, true)).toHaveLength(3)
  })

  test('none that was shut down, in whatever spelling; the ones behind it move up', () => {
    const gone = ['wss://relay.damus.io', 'ws://relay.damus.io:8080/x', 'wss://RELAY.nostr.band./']
    expect(gone.map(isDecommissioned)).toEqual([true, true, true])
    expect(usable([...gone, 'wss://nos.lol'], [], true)).toEqual(['wss://nos.lol'])
    expect(isDecommissioned('wss://relay.damus.io.example.com')).toBe(false)
  })

  test('one of our own is meant also where the slash at its end is another', () => {
    const typed = ['wss://nos.lol/nostr/', 'wss://a.example/inbox?b=c']
    const urls = ['wss://nos.lol/nostr', 'wss://a.example/inbox/?b=c', 'wss://b.example/x/']
    expect(usable(urls, typed, false)).toEqual([...typed, 'wss://b.example/x/'])
  })

  test('only ws and wss', () => {
    expect(usable(['https://nos.lol', 'wss://nos.lol', 'file:///x', '__proto__'], [], true)).toEqual(['wss://nos.lol'])
  })
})
