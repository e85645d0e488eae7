import { expect, test } from 'vitest'
import { inboxList, presenceOf, readInboxList, readPresences } from '../../src/call/presence.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { eventId, finalize } from '../../src/nostr/event.ts'

const now = 1_760_000_000
const self = { name: 'alice', about: '', capabilities: [], inbox: [], busy: false, pow: 0 }

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
