// Where a letter goes: the peer's own word first, guesses last, and never where a stranger's list could harm us.
import { describe, expect, test } from 'vitest'
import { lookupQueries, peersLookedUp } from '../../src/run/peer-lookup.ts'
import { type RouteContext, routeTo } from '../../src/run/route.ts'
import { foreign } from '../../src/sanitize.ts'
import { unknownPeer } from '../../src/state/peer-record.ts'
import { type CallSummary, emptyIndex, type PeerMemory, type State } from '../../src/state/state.ts'

const peer = 'b'.repeat(64)
const other = 'c'.repeat(64)
const own = { inbox: ['wss://in.example'], presence: ['wss://on.example'], lookup: ['ws://127.0.0.1:7777'] }

const routeContext = (allowPrivate = false): RouteContext => ({
  environment: { relays: own, config: { relays: { allowPrivate } } },
})

function state(known: Partial<PeerMemory>) {
  const memory = { inbox: [], lookedUpAt: 0, hints: [], name: foreign``, pow: 0, ...known }
  return { index: { ...emptyIndex(), peers: { [peer]: memory } }, logs: {} }
}

const route = (known: Partial<PeerMemory>, allowPrivate = false) =>
  routeTo(routeContext(allowPrivate), state(known), [], peer)

describe('a route', () => {
  const all = { inbox: ['wss://list.example'], hints: ['wss://hint.example'], reads: ['wss://reads.example'] }

  test('is by its list, else a hint, else what it reads, else our own', () => {
    expect(route(all)).toMatchObject({ by: 'list', relays: all.inbox })
    expect(route({ ...all, inbox: [] })).toMatchObject({ by: 'hint', relays: all.hints })
    expect(route({ reads: all.reads })).toMatchObject({ by: 'reads', relays: all.reads })
    expect(route({})).toEqual({ by: 'own', relays: own.inbox, pow: 0 })
    expect(routeTo(routeContext(), { index: emptyIndex(), logs: {} }, [], peer)).toMatchObject({ by: 'own' })
  })

  test('has at most three relays, none twice and none that was shut down', () => {
    const inbox = ['wss://relay.damus.io', 'wss://a.example', 'wss://a.example', 'wss://b.example', 'wss://c.example']
    expect(route({ inbox: [...inbox, 'wss://d.example'] }).relays).toEqual([
      'wss://a.example',
      'wss://b.example',
      'wss://c.example',
    ])
    expect(route({ ...all, inbox: ['wss://relay.nostr.band'] })).toMatchObject({ by: 'hint', relays: all.hints })
  })

  test('goes on to the rest of its list and to our own where none of the first three takes it', () => {
    const inbox = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `wss://${name}.example`)
    expect(route({ inbox })).toMatchObject({
      relays: inbox.slice(0, 3),
      fallback: [...inbox.slice(3, 6), ...own.inbox],
    })
    expect(route({ inbox: own.inbox })).toEqual({ by: 'list', relays: own.inbox, pow: 0 })
    // Who has named no more may have moved, and is looked up again before.
    expect(route({ inbox: inbox.slice(0, 3) }).fallback).toBeUndefined()
  })

  test('begins with those that have served this peer well, and ends with those that leak', () => {
    const inbox = ['a', 'b', 'c', 'd', 'e'].map((name) => `wss://${name}.example`)
    const [a = '', b = '', c = '', d = '', e = ''] = inbox
    const known = state({ inbox, record: { [a]: { acked: 0, unacked: 3 }, [d]: { acked: 5, unacked: 1 } } })
    const relays = { [b]: { canary: { at: 1, misses: 2, leaky: 1 } } }
    const found = routeTo(routeContext(), { ...known, index: { ...known.index, relays } }, [], peer)
    expect(found).toMatchObject({ relays: [d, c, e], fallback: [a, b, ...own.inbox] })
    expect(found.doubted).toBeUndefined()
    const [few, all] = [
      [b, d],
      [b, d, a],
    ].map((some) => {
      const index = {
        ...known.index,
        relays,
        peers: { [peer]: { ...unknownPeer(), ...known.index.peers[peer], inbox: some } },
      }
      return routeTo(routeContext(), { ...known, index }, [], peer)
    })
    expect(few).toMatchObject({ relays: [d, b], doubted: [b] })
    expect(all).toMatchObject({ relays: [d, a, b], doubted: [a, b] })
  })

  test('begins with the relays that could be reached lately and do not rest', () => {
    const now = 1_795_000_000
    const inbox = ['wss://lost.example', 'wss://rests.example', 'wss://was-lost.example', 'wss://fine.example']
    const relays = {
      'wss://lost.example': { unreachableSince: now - 60 },
      'wss://rests.example': { backoff: { at: 1, until: now + 60, tries: 1, why: foreign`` } },
      'wss://was-lost.example': {
        unreachableSince: now - 7_200,
        backoff: { at: 1, until: now - 60, tries: 1, why: foreign`` },
      },
    }
    const known = state({ inbox })
    const chosen = routeTo({ ...routeContext(), now }, { ...known, index: { ...known.index, relays } }, [], peer)
    expect(chosen.relays).toEqual([...inbox.slice(2), 'wss://lost.example'])
    expect(chosen.fallback).toEqual(['wss://rests.example', ...own.inbox])
    const troubled = {
      ...known,
      index: { ...known.index, relays: Object.fromEntries(inbox.map((url) => [url, { unreachableSince: now }])) },
    }
    expect(routeTo({ ...routeContext(), now }, troubled, [], peer).fallback).toEqual([inbox[3], ...own.inbox])
  })

  test('leads into no private network, unless that relay is ours too or it is allowed', () => {
    const inbox = ['ws://127.0.0.1:6379', 'ws://[::1]:22', 'wss://router.lan']
    expect(route({ inbox })).toMatchObject({ by: 'own' })
    expect(route({ inbox: [...inbox, 'ws://127.0.0.1:7777'] }).relays).toEqual(['ws://127.0.0.1:7777'])
    expect(route({ inbox }, true).relays).toEqual(inbox)
    expect(route({ hints: inbox, reads: inbox })).toMatchObject({ by: 'own' })
  })
})

describe('somebody of whom we know only calls that nobody here has answered', () => {
  const theirs = ['wss://theirs.example', 'wss://in.example']
  const said = { queued: 0, relayed: 0, delivered: 0, read: 0 }
  const call = (more: Partial<CallSummary> = {}): CallSummary => ({
    ...{ peer, direction: 'incoming', topic: '', createdAt: 1, deadline: 2, phase: 'ringing', unread: 1 },
    ...{ own: said, open: true, last: 1, ...more },
  })
  const knowing = (known: Partial<PeerMemory>, ...calls: CallSummary[]) => {
    const { index } = state(known)
    return { index: { ...index, calls: Object.fromEntries(calls.map((one, n) => [`${n}`, one])) }, logs: {} }
  }
  const people = (trust?: 'known' | 'trusted' | 'blocked') => ({
    contacts: trust === undefined ? [] : [{ pubkey: peer, petname: 'x', trust }],
    owner: undefined,
    names: {},
  })
  const reached = (held: State, context: Partial<RouteContext> = {}) =>
    routeTo({ ...routeContext(), people: people(), ...context }, held, [], peer)

  test.each(['inbox', 'hints', 'reads'])('is answered at relays that are ours too, and at no other (%s)', (source) => {
    const held = knowing({ [source]: theirs }, call(), call({ phase: 'missed' }), call({ phase: 'cancelled' }))
    expect(reached(held)).toMatchObject({ relays: ['wss://in.example'] })
    expect(reached(held).fallback).toBeUndefined()
    expect(reached(knowing({ [source]: theirs.slice(0, 1) }, call())).relays).toEqual([])
  })

  test.each<[string, State, Partial<RouteContext>]>([
    ['one is answered', knowing({ inbox: theirs }, call({ phase: 'active', own: { ...said, queued: 1 } })), {}],
    ['we said no', knowing({ inbox: theirs }, call({ phase: 'rejected', own: { ...said, queued: 1 } })), {}],
    ['we called it', knowing({ inbox: theirs }, call(), call({ direction: 'outgoing' })), {}],
    ['it is a contact', knowing({ inbox: theirs }, call()), { people: people('known') }],
    ['there is none, and we write first', knowing({ inbox: theirs }), {}],
  ])('is met where %s', (_, held, context) => {
    expect(reached(held, context).relays).toEqual(theirs)
  })

  test('is not met by what the policy refuses by itself', () => {
    const environment = {
      relays: own,
      config: { relays: { allowPrivate: false }, policy: { calls: 'contacts' as const } },
    }
    const held = knowing({ inbox: theirs }, call({ phase: 'rejected', own: { ...said, queued: 1 } }))
    expect(reached(held, { environment }).relays).toEqual(['wss://in.example'])
  })

  test('is looked up at our own relays alone, unless its relay was typed', () => {
    const { index } = knowing({ hints: theirs }, call())
    const asks = (hints = {}) => lookupQueries({ ...routeContext(), people: people() }, index, [peer], hints)
    expect(asks().map((a) => a.name)).toEqual(['lists', 'lists', 'lists'])
    expect(asks({ [peer]: ['wss://typed.example'] }).at(-1)).toMatchObject({
      name: 'hints',
      relay: 'wss://typed.example',
    })
  })
})

describe('a lookup', () => {
  const asked = (known: Partial<PeerMemory>, hints: Record<string, readonly string[]> = {}, peers = [peer]) =>
    lookupQueries(routeContext(), state(known).index, peers, hints)

  test('asks our own relays, and the few where somebody is said to be', () => {
    const asks = asked({ hints: ['wss://hint.example'] }, { [peer]: ['wss://in.example', 'wss://profile.example'] })
    expect(asks.map((a) => `${a.name} ${a.relay}`)).toEqual([
      'lists wss://in.example',
      'lists wss://on.example',
      'lists ws://127.0.0.1:7777',
      'hints wss://profile.example',
      'hints wss://hint.example',
    ])
    expect(asked({}, {}, [])).toEqual([])
  })

  test('tells a hinted relay only of the peer whose hint it is', () => {
    const asks = asked({ hints: ['wss://hint.example'] }, {}, [peer, other])
    expect(asks.find((a) => a.name === 'hints')?.filter.authors).toEqual([peer])
    expect(asks.find((a) => a.name === 'lists')?.filter.authors).toEqual([peer, other])
  })

  test('does not let hints lead it about', () => {
    const traps = ['ws://10.0.0.1', 'wss://relay.damus.io', 'https://x.example']
    const many = Array.from({ length: 9 }, (_, n) => `wss://r${n}.example`)
    const asks = asked({}, { [peer]: [...traps, ...many], [other]: many.slice(3) }, [peer, other])
    const hinted = asks.filter((a) => a.name === 'hints').map((a) => a.relay)
    expect(hinted).toEqual(many.slice(0, 4))
  })

  test('counts as done where one of our own relays told all it has, or the list came from elsewhere', () => {
    const answer = { relay: '', events: [], dropped: 0, known: 0 }
    const whole = { ...answer, name: 'lists', complete: true }
    const list = { id: '', sig: '', pubkey: peer, created_at: 1, kind: 10050, tags: [], content: '' }
    expect(peersLookedUp([whole], [], [peer, other])).toEqual([peer, other])
    expect(peersLookedUp([{ ...whole, complete: false }], [], [peer])).toEqual([])
    expect(peersLookedUp([{ ...whole, name: 'hints' }], [], [peer])).toEqual([])
    expect(peersLookedUp([{ ...whole, name: 'hints' }], [list], [peer, other])).toEqual([peer])
  })
})
