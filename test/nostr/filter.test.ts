// Whether an event is what we asked for: by hand, and against the embedded relay's own reading of NIP-01.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsFilter, readFilter } from '../../scripts/relay/filter.ts'
import type { Event } from '../../src/nostr/event.ts'
import { type Filter, matchesFilter } from '../../src/nostr/filter.ts'

const hex = (digit: string) => digit.repeat(64)

const wrap: Event = {
  id: hex('1'),
  pubkey: hex('2'),
  created_at: 100,
  kind: 1059,
  tags: [['p', hex('3'), hex('4')], ['p'], ['t', 'x']],
  content: '',
  sig: hex('5') + hex('5'),
}

test.each<[boolean, Filter]>([
  [true, {}],
  [true, { kinds: [1059], '#p': [hex('3')], limit: 0 }],
  [false, { kinds: [1] }],
  [false, { kinds: [] }],
  [true, { ids: [hex('1'), hex('9')], authors: [hex('2')] }],
  [false, { ids: [hex('9')] }],
  [false, { authors: [hex('9')] }],
  [true, { since: 100, until: 100 }],
  [false, { since: 101 }],
  [false, { until: 99 }],
  // NIP-01: only the first value of a tag is indexed.
  [false, { '#p': [hex('4')] }],
  [false, { '#p': [hex('3')], '#t': ['y'] }],
  [false, { '#d': [''] }],
])('matches: %s for %j', (expected, filter) => {
  expect(matchesFilter(wrap, filter)).toBe(expected)
})

test('the relay that we test with reads filters in the same way', () => {
  const digit = fc.constantFrom('1', '2', '3').map(hex)
  const list = fc.array(digit, { minLength: 1, maxLength: 2 })
  const time = fc.integer({ min: 95, max: 105 })
  const letter = fc.constantFrom('x', 'y')
  const tag: fc.Arbitrary<string[]> = fc.oneof(
    fc.tuple(fc.constant('p'), digit),
    fc.tuple(fc.constant('t'), letter),
    fc.constant<string[]>(['t']),
  )
  const event = fc.record({
    id: digit,
    pubkey: digit,
    created_at: time,
    kind: fc.integer({ min: 1, max: 3 }),
    tags: fc.array(tag),
    content: fc.constant(''),
    sig: fc.constant(''),
  })
  const filter = fc.record(
    {
      ids: list,
      authors: list,
      kinds: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
      since: time,
      until: time,
      '#p': list,
      '#t': fc.array(letter, { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(event, filter, (one, asked) => {
      const theirs = readFilter(asked)
      expect(matchesFilter(one, asked)).toBe(theirs !== undefined && fitsFilter(theirs, one))
    }),
  )
})
