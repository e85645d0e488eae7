// Who is shown of all that relays say is on line: what a flood can do, what a lie costs us, and who stands first.
import { describe, expect, test } from 'vitest'
import {
  type Acquaintance,
  type ListingRules,
  listingOf,
  type PresenceSource,
  type PresenceWish,
} from '../../src/call/listing.ts'
import { type PresenceFields, presenceOf } from '../../src/call/presence.ts'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, eventId, finalize } from '../../src/nostr/event.ts'
import { mine } from '../../src/nostr/nip13.ts'

const NOW = 1_800_000_000
const me = randomKeys()

const presence = (keys: Keys, self: Partial<PresenceFields> = {}, at = NOW): Event =>
  finalize(
    presenceOf(
      { name: 'somebody', about: '', capabilities: [], inbox: [], busy: false, pow: 0, every: 30, ...self },
      at,
    ),
    keys,
  )

/** Signed by nobody: a copy with another author and its own id, which costs a flood nothing. */
const forged = (n: number, at = NOW): Event => {
  const made = { ...sample, pubkey: n.toString(16).padStart(64, '0'), created_at: at }
  return { ...made, id: eventId(made) }
}
const sample = presence(randomKeys())

const from = (relay: string, ...events: Event[]): PresenceSource => ({ relay, events })

function shown(
  sources: readonly PresenceSource[],
  wish: Partial<PresenceWish> = {},
  rules: Partial<ListingRules> = {},
) {
  const known = new Map<string, Acquaintance>()
  return listingOf(sources, { now: NOW, me: me.pubkey, known, work: 0, wish: { limit: 30, ...wish }, ...rules })
}

const keysOf = ({ agents }: { agents: readonly { pubkey: string }[] }) => agents.map(({ pubkey }) => pubkey)

describe('who stands first', () => {
  test('contacts, then whom we have spoken with, then by when they were seen; names and looks order nothing', () => {
    const [contact, spoken, late, early] = [randomKeys(), randomKeys(), randomKeys(), randomKeys()]
    const known = new Map([
      [contact.pubkey, { petname: 'zed' }],
      [spoken.pubkey, { spoken: true }],
    ])
    const events = [
      presence(early, { name: 'aaa', looked: NOW - 200 }, NOW - 200),
      presence(late, { name: 'zzz' }, NOW - 10),
      presence(spoken, {}, NOW - 300),
      presence(contact, {}, NOW - 400),
    ]
    const wanted = [contact, spoken, late, early].map(({ pubkey }) => pubkey)
    expect(keysOf(shown([from('a', ...events)], {}, { known }))).toEqual(wanted)
    expect(keysOf(shown([from('a', ...events)], { limit: 2 }, { known }))).toEqual(wanted.slice(0, 2))
    expect(shown([from('a', ...events)], { limit: 2 }, { known }).total).toBe(4)
  })

  test('we are not in our own list, and nobody is there twice', () => {
    const bob = randomKeys()
    const events = [presence(me), presence(bob, {}, NOW - 5), presence(bob, { name: 'new' })]
    const { agents, total } = shown([from('a', ...events), from('b', ...events)])
    expect(agents).toMatchObject([{ pubkey: bob.pubkey, name: 'new' }])
    expect(total).toBe(1)
  })

  test('what is dated ahead counts as seen now, and not at all beyond 15 minutes', () => {
    const [ahead, far, now] = [randomKeys(), randomKeys(), randomKeys()]
    const events = [presence(ahead, {}, NOW + 900), presence(far, {}, NOW + 901), presence(now)]
    expect(new Set(keysOf(shown([from('a', ...events)])))).toEqual(new Set([ahead.pubkey, now.pubkey]))
  })

  test('what has expired, or is older than 75 minutes, is left out', () => {
    const [every2, every30] = [randomKeys(), randomKeys()]
    const at = (age: number) => [presence(every2, { every: 2 }, NOW - age), presence(every30, { every: 30 }, NOW - age)]
    expect(shown([from('a', ...at(299))]).total).toBe(2)
    expect(keysOf(shown([from('a', ...at(301))]))).toEqual([every30.pubkey])
    expect(shown([from('a', ...at(4_499))]).total).toBe(1)
    expect(shown([from('a', ...at(4_500))]).total).toBe(0)
  })
})

describe('a flood', () => {
  test('at one relay does not push out what the others have', () => {
    const flood = Array.from({ length: 100 }, () => presence(randomKeys()))
    const real = [randomKeys(), randomKeys(), randomKeys()]
    const sources = [
      from('flooded', ...flood),
      from('a', presence(real[0] ?? me, {}, NOW - 100), presence(real[1] ?? me, {}, NOW - 200)),
      from('b', presence(real[2] ?? me, {}, NOW - 250)),
    ]
    const found = shown(sources, { limit: 6 })
    expect(keysOf(found)).toEqual(expect.arrayContaining(real.map(({ pubkey }) => pubkey)))
    expect(found).toMatchObject({ total: 103, agents: { length: 6 } })
  })

  test('of what nobody has signed costs no more than a few looks, and hides nobody', () => {
    const real = randomKeys()
    const flood = Array.from({ length: 6_000 }, (_, n) => forged(n + 1, NOW + (n % 800)))
    const began = performance.now()
    const found = shown([from('liar', ...flood), from('honest', presence(real, {}, NOW - 280))])
    expect(keysOf(found)).toEqual([real.pubkey])
    expect(found).toMatchObject({ total: 1, forged: ['liar'] })
    // 6,000 signatures would take seconds.
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  test('of newer ones in the names of others hides none of them', () => {
    const people = Array.from({ length: 20 }, () => randomKeys())
    const genuine = people.map((keys) => presence(keys, {}, NOW - 100))
    const newer = genuine.map((event) => {
      const gone = {
        ...event,
        created_at: NOW,
        content: 'gone',
        tags: [
          ['d', 'p2p-comm'],
          ['expiration', '1'],
        ],
      }
      return { ...gone, id: eventId(gone) }
    })
    const found = shown([from('liar', ...newer), from('honest', ...genuine)])
    expect(new Set(keysOf(found))).toEqual(new Set(people.map(({ pubkey }) => pubkey)))
  })

  test('of strangers is hidden by the work that is asked of them; who is known needs none', () => {
    const [worker, contact] = [randomKeys(), randomKeys()]
    const flood = Array.from({ length: 40 }, () => presence(randomKeys()))
    const self = { name: '', about: '', capabilities: [], inbox: [], busy: false, pow: 0, every: 2 }
    const template = { ...presenceOf(self, NOW), pubkey: worker.pubkey }
    const mined = mine(template, 8, { deadline: Number.POSITIVE_INFINITY, clock: () => 0 })
    if (mined === undefined) throw new Error('not mined')
    const known = new Map([[contact.pubkey, { petname: 'bob' }]])
    const events = [...flood, finalize(mined, worker), presence(contact)]
    const found = shown([from('a', ...events)], {}, { known, work: 8 })
    expect(keysOf(found)).toEqual([contact.pubkey, worker.pubkey])
    // Some of them had 8 zero bits by luck, and have committed to none.
    expect(found.hidden).toBe(40)
  })
})

test('an agent that has signed a newer word that it is gone is gone', () => {
  const bob = randomKeys()
  const gone = finalize(
    {
      ...presenceOf({ name: 'bob', about: '', capabilities: [], inbox: [], busy: false, pow: 0, every: 2 }, NOW),
      tags: [
        ['d', 'p2p-comm'],
        ['expiration', String(NOW - 1)],
      ],
    },
    bob,
  )
  expect(shown([from('lags', presence(bob, {}, NOW - 60)), from('b', gone)]).total).toBe(0)
})

describe('what is wanted', () => {
  const [go, rust, contact] = [randomKeys(), randomKeys(), randomKeys()]
  const events = [
    presence(go, { name: 'José', about: 'Reviews code', capabilities: ['Go', 'review'] }),
    presence(rust, { name: 'carol', about: 'Writes rust', capabilities: ['rust'] }),
    presence(contact, { name: 'x', about: '', capabilities: [] }),
  ]
  const known = new Map([[contact.pubkey, { petname: 'Ben of Bath' }]])
  const found = (wish: Partial<PresenceWish>) => keysOf(shown([from('a', ...events)], wish, { known }))

  test.each<[Partial<PresenceWish>, Keys[]]>([
    [{ capability: 'GO' }, [go]],
    [{ capability: 'g' }, []],
    [{ name: 'jose\u0301' }, [go]],
    [{ name: 'ben of bath' }, [contact]],
    [{ search: 'RUST' }, [rust]],
    [{ search: 'bath' }, [contact]],
    [{ search: 'view', capability: 'review' }, [go]],
    [{ search: 'nothing of that' }, []],
  ])('%j', (wish, wanted) => expect(found(wish)).toEqual(wanted.map(({ pubkey }) => pubkey)))
})
