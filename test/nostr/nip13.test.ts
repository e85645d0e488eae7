// Proof of work: what counts as work, and that what is mined is what was asked for, within the time there is.
import fc from 'fast-check'
import { getPow, minePow } from 'nostr-tools/nip13'
import { describe, expect, it } from 'vitest'
import { eventId, finalize, rumorOf } from '../../src/nostr/event.ts'
import { difficulty, leadingZeroBits, mine } from '../../src/nostr/nip13.ts'
import { codePoint } from '../support/code-points.ts'
import { must } from '../support/must.ts'
import { alice, now } from '../support/people.ts'

const bare = { pubkey: alice.pubkey, created_at: now, kind: 1059, tags: [['p', alice.pubkey]], content: 'sealed' }
const time = { deadline: Number.POSITIVE_INFINITY, clock: () => 0 }

describe('difficulty', () => {
  // NIP-13, Example mined note.
  const example = {
    id: '000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358',
    pubkey: 'a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243',
    created_at: 1651794653,
    kind: 1,
    tags: [['nonce', '776797', '20']],
    content: "It's just me mining my own business",
  }

  it('of the example of NIP-13 is what it commits to, not what it got by luck', () => {
    expect(eventId(example)).toBe(example.id)
    expect(leadingZeroBits(example.id)).toBe(21)
    expect(difficulty(example)).toBe(20)
  })

  it.each([
    ['000000000e9d97a1ab09fc381030b346cdd7a142ad57e6df0b46dc9bef6c7e2d', 36],
    [`002f${'f'.repeat(60)}`, 10],
    [`8${'0'.repeat(63)}`, 0],
    [`${'0'.repeat(63)}1`, 255],
    ['0'.repeat(64), 256],
  ])('counts the bits of %s: %i', (id, bits) => {
    expect(leadingZeroBits(id)).toBe(bits)
    expect(leadingZeroBits(id)).toBe(getPow(id))
  })

  it.each([
    [[]],
    [[['nonce']]],
    [[['nonce', '1']]],
    [[['nonce', '1', '']]],
    [[['nonce', '1', '-5']]],
    [[['nonce', '1', '1e9']]],
    [[['nonce', '1', '0x20']]],
    [[['nonce', '1', ' 20']]],
    [[['Nonce', '1', '20']]],
    [
      [
        ['nonce', '1', '0'],
        ['nonce', '1', '20'],
      ],
    ],
  ])('is 0 without a plain commitment: %j', (tags) => {
    expect(difficulty({ id: '0'.repeat(64), tags })).toBe(0)
  })

  it('is never more than the id has, whatever is committed to', () => {
    expect(difficulty({ id: `00${'f'.repeat(62)}`, tags: [['nonce', '1', '256']] })).toBe(8)
    expect(difficulty({ id: `00${'f'.repeat(62)}`, tags: [['nonce', '1', '7']] })).toBe(7)
  })
})

describe('mine', () => {
  it('gives the same event with a nonce, and the work that was asked for', () => {
    const runs = fc.property(fc.integer({ min: 1, max: 10 }), fc.string({ unit: codePoint }), (bits, content) => {
      const mined = must(mine({ ...bare, content }, bits, time))
      expect(mined).toEqual({ ...bare, content, tags: [...bare.tags, ['nonce', expect.any(String), String(bits)]] })
      expect(leadingZeroBits(eventId(mined))).toBeGreaterThanOrEqual(bits)
    })
    fc.assert(runs, { numRuns: 40 })
  })

  it('leaves an event alone that needs no work', () => {
    expect(mine(bare, 0, time)).toBe(bare)
    expect(mine(bare, -1, time)).toBe(bare)
  })

  it('stops when the time is over, and says on the way how far it is', () => {
    const told: number[] = []
    let clock = 0
    const progress = (tried: number) => told.push(tried)
    expect(mine(bare, 256, { deadline: 3, clock: () => clock++, progress })).toBeUndefined()
    expect(told).toEqual([4096, 8192, 12_288, 16_384, 20_480])
  })

  it('is taken by the other programs, and theirs by us', () => {
    const mined = finalize(must(mine(bare, 8, time)), alice)
    expect([difficulty(mined), getPow(mined.id) >= 8]).toEqual([8, true])
    const theirs = minePow({ ...rumorOf(bare, alice.pubkey) }, 8)
    expect(difficulty(theirs)).toBe(8)
  })
})
