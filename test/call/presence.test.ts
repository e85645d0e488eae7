import { describe, expect, test } from 'vitest'
import { inboxList, type PresenceFields, presenceOf, readInboxList, readPresences } from '../../src/call/presence.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { eventId, finalize } from '../../src/nostr/event.ts'

const now = 1_760_000_000
const self = { name: 'alice', about: '', capabilities: [], inbox: [], busy: false, pow: 0, every: 2 }

// The attack: a relay makes up a newer event in somebody's name. If signatures were looked at last, it would hide the real one.
test('a made-up newer event hides nobody', () => {
  const people = Array.from({ length: 20 }, () => randomKeys())
  const genuine = people.map((keys) => finalize(presenceOf(self, now), keys))
  const forged = genuine.map((event) => {
    const newer = { ...event, created_at: now + 1, content: 'gone' }
    return { ...newer, id: eventId(newer) }
  })
  expect(readPresences([...forged, ...genuine], now).map((one) => one.pubkey)).toEqual(
    people.map((keys) => keys.pubkey),
  )
  expect(readPresences(forged, now)).toEqual([])
})

test('the newest of a key counts, also when it says that it is gone', () => {
  const keys = randomKeys()
  const [older, newer] = [
    presenceOf(self, now),
    {
      ...presenceOf(self, now + 1),
      tags: [
        ['d', 'p2p-comm'],
        ['expiration', '1'],
      ],
    },
  ]
  expect(readPresences([finalize(newer, keys), finalize(older, keys)], now + 2)).toEqual([])
  expect(readPresences([finalize(older, keys)], now + 2)).toHaveLength(1)
})

test('a list is the newest that is well signed', () => {
  const keys = randomKeys()
  const genuine = finalize(inboxList(['wss://a.example'], now), keys)
  const forged = { ...finalize(inboxList(['wss://evil.example'], now + 1), randomKeys()), pubkey: keys.pubkey }
  const renamed = { ...forged, id: eventId(forged) }
  expect(readInboxList([renamed, genuine], keys.pubkey)?.relays.join()).toMatch(/^wss:\/\/a\.example/)
})

describe('what we say of ourselves', () => {
  const said = (more: Partial<PresenceFields>) => presenceOf({ ...self, ...more }, now).tags
  const one = (name: string, more: Partial<PresenceFields>) => said(more).filter((t) => t[0] === name)

  test('is what relays can be asked for: name and capabilities in one form', () => {
    expect(one('name', { name: ' Jose\u0301 ' })).toEqual([['name', 'Jose\u0301']])
    // What is shown of a name is what is typed of it.
    expect(one('n', { name: '\u0646\u0648\u0631\u200f' })).toEqual([['n', '\u0646\u0648\u0631']])
    expect(one('n', { name: ' Jose\u0301 ' })).toEqual([['n', 'jos\u00e9']])
    expect(one('n', { name: '' })).toEqual([])
    expect(one('c', { capabilities: ['Go', 'go', 'Code Review'] })).toEqual([
      ['c', 'go'],
      ['c', 'code review'],
    ])
  })

  test('is good for two and a half times as long as until the next', () => {
    expect(one('expiration', { every: 2 })).toEqual([['expiration', String(now + 300)]])
    expect(one('expiration', { every: 30 })).toEqual([['expiration', String(now + 4_500)]])
  })

  test('says when our agent looked, and what domain we belong to, only where there is something to say', () => {
    expect(one('looked', {})).toEqual([])
    expect(one('looked', { looked: now - 9 })).toEqual([['looked', String(now - 9)]])
    expect(one('nip05', {})).toEqual([])
    expect(one('nip05', { nip05: 'ada@example.com' })).toEqual([['nip05', 'ada@example.com']])
  })
})

describe('what others say', () => {
  const keys = randomKeys()
  const read = (...tags: string[][]) => {
    const head = [
      ['d', 'p2p-comm'],
      ['name', 'Ada'],
    ]
    return readPresences(
      [finalize({ kind: 30315, created_at: now, tags: [...head, ...tags], content: '' }, keys)],
      now,
    )[0]
  }

  test.each([
    ['ada', 'ada'],
    ['Ada', undefined],
    [' ada', undefined],
    ['bob', undefined],
    ['', undefined],
  ])('an n of %j is %j', (n, asked) => expect(read(['n', n])?.asked).toBe(asked))

  test.each([
    [String(now - 60), now - 60],
    [String(now), now],
    [String(now + 1), undefined],
    ['1e9', undefined],
    ['-5', undefined],
    ['', undefined],
  ])('a look at %j is one at %j', (looked, at) => expect(read(['looked', looked])?.looked).toBe(at))

  test('capabilities are read in lower case, once each', () => {
    expect(read(['c', 'Go'], ['c', 'go'], ['c', ''])?.capabilities).toEqual(['go'])
  })

  test.each([
    ['Ada@Example.com', 'ada@example.com'],
    ['_@example.com', 'example.com'],
    ['no address', undefined],
    ['"quoted"@example.com', undefined],
  ])('an address of %j is %j', (nip05, read05) => expect(read(['nip05', nip05])?.nip05).toBe(read05))
})
