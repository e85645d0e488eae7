// Whom words may mean, out of what is kept: who only rang is nobody we have spoken with, and what has led to somebody stays.
import { describe, expect, test } from 'vitest'
import type { Contact } from '../../src/call/agents.ts'
import type { Phase } from '../../src/call/rules.ts'
import { resolveSelector } from '../../src/call/selector.ts'
import { Failure } from '../../src/errors.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { foreignLine } from '../../src/sanitize.ts'
import { acquaintances, directoryOf } from '../../src/state/directory.ts'
import { rememberPeers } from '../../src/state/peer-memory.ts'
import { type CallSummary, emptyIndex, type Index } from '../../src/state/state.ts'

const [bob, mallory] = [randomKeys().pubkey, randomKeys().pubkey]

function call(peer: string, phase: Phase, name: string, last = 1): CallSummary {
  const own = { queued: 0, relayed: 0, delivered: 0, read: 0 }
  const times = { createdAt: 1, deadline: 900, last }
  return { peer, name, phase, direction: 'incoming', topic: '', unread: 0, own, open: false, ...times }
}

function index(calls: CallSummary[], peers: Index['peers'] = {}): Index {
  return {
    ...emptyIndex(),
    calls: Object.fromEntries(calls.map((one, n) => [n.toString(16).padStart(64, 'a'), one])),
    peers,
  }
}

const named = (name: string) => ({ inbox: [], lookedUpAt: 0, hints: [], name: foreignLine(name), pow: 0 })

function meaning(word: string, held: Index, whose: 'callers' | 'spoken', contacts: readonly Contact[] = []) {
  const found = resolveSelector(word, directoryOf(held, { contacts }, whose))
  if (found instanceof Failure) return found.code
  return 'pubkey' in found ? found.pubkey : found.type
}

describe('a name', () => {
  test('of who only rang names its call, and nobody to call', () => {
    const held = index([call(mallory, 'ringing', 'bob')])
    expect(meaning('bob', held, 'callers')).toBe(mallory)
    expect(meaning('bob', held, 'spoken')).toBe('name')
  })

  test.each<Phase>(['active', 'ended', 'expired', 'forked'])(
    'of who has spoken with us in a call that is %s',
    (phase) => {
      expect(meaning('bob', index([call(bob, phase, 'Bob')]), 'spoken')).toBe(bob)
    },
  )

  test('that a stranger rings under is a tie with who has it, whether that call is open or not', () => {
    const held = index([call(bob, 'ended', 'Bob'), call(mallory, 'active', 'bob')])
    expect(meaning('bob', held, 'callers')).toBe('AGENT_AMBIGUOUS')
  })

  test('that has led to somebody leads to nobody else, whoever else takes it', () => {
    const before = rememberPeers(
      { index: index([call(mallory, 'active', 'Bob')]), logs: {} },
      { lookedUp: [], public: [], presences: [], hints: {}, called: { pubkey: bob, name: 'Bob' } },
      1,
    )
    expect(meaning('bob', before.index, 'callers')).toBe(bob)
    expect(meaning('bob', before.index, 'spoken')).toBe(bob)
  })

  test('is what it was in the call, or is now', () => {
    const held = index([call(bob, 'ended', 'Bob')], { [bob]: named('Robert') })
    expect([meaning('bob', held, 'spoken'), meaning('robert', held, 'spoken')]).toEqual([bob, bob])
  })

  test('of who is blocked is none', () => {
    const contacts: Contact[] = [{ pubkey: mallory, petname: 'spam', trust: 'blocked' }]
    expect(meaning('bob', index([call(mallory, 'active', 'bob')]), 'callers', contacts)).toBe('name')
  })
})

test('whom our agent has called by a name is not forgotten for 500 others', () => {
  const others = Object.fromEntries(
    Array.from({ length: 600 }, (_, n) => [n.toString(16).padStart(64, '0'), { ...named(''), lookedUpAt: 1000 + n }]),
  )
  const held = index([], { ...others, [bob]: { ...named(''), called: ['Bob'] } })
  const after = rememberPeers(
    { index: held, logs: {} },
    { lookedUp: [mallory], public: [], presences: [], hints: {} },
    5000,
  )
  expect(Object.keys(after.index.peers)).toHaveLength(500)
  expect(meaning('bob', after.index, 'spoken')).toBe(bob)
})

test('known are contacts and whom we have spoken with, the latest first, and nobody who is blocked', () => {
  const [carol, dave] = [randomKeys().pubkey, randomKeys().pubkey]
  const contacts: Contact[] = [
    { pubkey: bob, petname: 'bob', trust: 'known' },
    { pubkey: mallory, petname: 'spam', trust: 'blocked' },
  ]
  const held = index([
    call(carol, 'ended', '', 10),
    call(dave, 'active', '', 20),
    call(mallory, 'ended', '', 30),
    call(randomKeys().pubkey, 'ringing', '', 40),
    call(bob, 'ended', '', 5),
  ])
  expect([...acquaintances(held, { contacts })]).toEqual([
    [bob, { petname: 'bob', spoken: true }],
    [dave, { spoken: true }],
    [carol, { spoken: true }],
  ])
})
