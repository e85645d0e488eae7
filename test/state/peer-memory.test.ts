// What is remembered of peers: the newest list, for as long as it is likely to be true, and nothing that somebody else says.
import { describe, expect, test } from 'vitest'
import { INBOX_LIST_KIND, PRESENCE_KIND, RELAY_LIST_KIND, readPresences } from '../../src/call/presence.ts'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, finalize } from '../../src/nostr/event.ts'
import { doubtPeers, isStale, rememberPeers } from '../../src/state/peer-memory.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const NOW = 1_800_000_000
const bob = randomKeys()
const eve = randomKeys()
const empty: State = { index: emptyIndex(), logs: {} }

const list = (relays: readonly string[], at = NOW - 60, keys: Keys = bob) =>
  finalize({ kind: INBOX_LIST_KIND, created_at: at, tags: relays.map((url) => ['relay', url]), content: '' }, keys)

const look = (state: State, events: readonly Event[], now = NOW, looked = [bob.pubkey]) =>
  rememberPeers(state, { lookedUp: looked, public: events, presences: readPresences(events, now), hints: {} }, now)

const memory = (state: State, { pubkey } = bob) => state.index.peers[pubkey]

describe('a list', () => {
  test('is the newest that its owner has signed', () => {
    const copied = { ...list(['wss://eve.example'], NOW, eve), pubkey: bob.pubkey }
    const changed = { ...list(['wss://old.example'], NOW), tags: [['relay', 'wss://eve.example']] }
    const events = [list(['wss://old.example'], NOW - 90), list(['wss://new.example'], NOW - 30), copied, changed]
    expect(memory(look(empty, events))?.inbox).toEqual(['wss://new.example'])
    expect(memory(look(empty, [list(['wss://eve.example'], NOW, eve)]))?.inbox).toEqual([])
  })

  test('is not taken back by a relay that lags behind or has lost it', () => {
    const known = look(empty, [list(['wss://new.example'], NOW - 30)])
    for (const events of [[list(['wss://old.example'], NOW - 90)], []]) {
      expect(memory(look(known, events))?.inbox).toEqual(['wss://new.example'])
    }
    expect(memory(look(known, [list(['wss://newer.example'], NOW - 20)]))?.inbox).toEqual(['wss://newer.example'])
  })

  test('is read in one spelling a relay, and only so much of it', () => {
    const urls = ['wss://A.example/', 'wss://a.example', 'https://x.example', '', 'wss://b.example']
    expect(memory(look(empty, [list(urls)]))?.inbox).toEqual(['wss://a.example', 'wss://b.example'])
    const many = Array.from({ length: 1_000 }, (_, n) => `wss://r${n}.example`)
    expect(memory(look(empty, [list(many)]))?.inbox).toHaveLength(20)
  })

  test('is good for a day, and having found none for a minute', () => {
    const found = memory(look(empty, [list(['wss://a.example'])]))
    expect([0, 24 * 3600 - 1].map((later) => isStale(found, NOW + later))).toEqual([false, false])
    expect([24 * 3600, -24 * 3600].map((later) => isStale(found, NOW + later))).toEqual([true, true])
    const none = memory(look(empty, []))
    expect([59, 60].map((later) => isStale(none, NOW + later))).toEqual([false, true])
    expect(isStale(undefined, NOW)).toBe(true)
  })

  test('of somebody who was not looked up is not touched', () => {
    expect(look(empty, [list(['wss://a.example'])], NOW, [])).toBe(empty)
  })

  test('that may be out of date is kept and looked up again', () => {
    const known = look(empty, [list(['wss://a.example'])])
    const doubted = doubtPeers(known, [bob.pubkey, eve.pubkey])
    expect(memory(doubted)?.inbox).toEqual(['wss://a.example'])
    expect(isStale(memory(doubted), NOW)).toBe(true)
    expect(memory(doubted, eve)).toBeUndefined()
    expect(doubtPeers(known, [])).toBe(known)
    expect(memory(known)?.lookedUpAt).toBe(NOW)
  })
})

test('of a kind 10002 the relays to read from are remembered', () => {
  const tags = [
    ['r', 'wss://both.example'],
    ['r', 'wss://write.example', 'write'],
    ['r', 'wss://read.example/', 'read'],
    ['r', 'http://no.example', 'read'],
    ['relay', 'wss://other.example'],
  ]
  const event = finalize({ kind: RELAY_LIST_KIND, created_at: NOW, tags, content: '' }, bob)
  const known = look(empty, [event])
  expect(memory(known)?.reads).toEqual(['wss://both.example', 'wss://read.example'])
  expect(memory(known)?.inbox).toEqual([])
  expect(memory(look(known, []))?.reads).toEqual(['wss://both.example', 'wss://read.example'])
})

test('a presence gives hints, and what somebody else named is kept until it does', () => {
  const presences = (at: number) => {
    const tags = [
      ['d', 'p2p-comm'],
      ['name', 'Bob'],
      ['relay', 'wss://here.example'],
    ]
    return finalize({ kind: PRESENCE_KIND, created_at: at, tags, content: '' }, bob)
  }
  const hinted = rememberPeers(
    empty,
    { lookedUp: [], public: [], presences: [], hints: { [bob.pubkey]: ['wss://profile.example'] } },
    NOW,
  )
  expect(memory(hinted)).toMatchObject({ hints: ['wss://profile.example'], lookedUpAt: 0 })
  expect(memory(look(hinted, []))?.hints).toEqual(['wss://profile.example'])
  expect(memory(look(hinted, [presences(NOW)]))).toMatchObject({ hints: ['wss://here.example'], name: 'Bob' })
})

test('no more than 500 peers are kept; those looked up longest ago go', () => {
  const many = Array.from({ length: 500 }, (_, n) => n.toString(16).padStart(64, '0'))
  const full = look(look(empty, [], NOW - 1, many.slice(0, 1)), [], NOW, many.slice(1))
  expect(Object.keys(full.index.peers)).toHaveLength(500)
  const next = look(full, [], NOW)
  expect(Object.keys(next.index.peers)).toHaveLength(500)
  expect(next.index.peers[many[0] ?? '']).toBeUndefined()
  expect(memory(next)).toBeDefined()
})
