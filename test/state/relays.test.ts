// A relay that is slow and honest gets its turn.
import { expect, test } from 'vitest'
import { emptyIndex } from '../../src/state/book.ts'
import { patienceFor, relaysAsked } from '../../src/state/relays.ts'

const url = 'wss://slow.example'
const late = [{ relay: url, complete: false }]
const book = { index: emptyIndex(), logs: {} }

test('a relay that has been late for half an hour is waited for, and then again half an hour later', () => {
  const first = relaysAsked(book, late, 10_000)
  expect(patienceFor(first.index.relays[url], 11_000)).toBe(0)
  expect(patienceFor(first.index.relays[url], 11_800)).toBe(3000)
  const waited = relaysAsked(first, late, 11_800)
  expect(patienceFor(waited.index.relays[url], 11_900)).toBe(0)
  expect(patienceFor(waited.index.relays[url], 13_600)).toBe(3000)
})

test('a complete answer forgets that it was late, and keeps the cursor', () => {
  const held = { ...book, index: { ...book.index, relays: { [url]: { cursor: 5, since: 1, patience: 2 } } } }
  expect(relaysAsked(held, [{ relay: url, complete: true }], 10_000).index.relays[url]).toEqual({ cursor: 5 })
  expect(patienceFor(undefined, 10_000)).toBe(0)
})

test('nothing to note leaves the book the same object', () => {
  expect(relaysAsked(book, [{ relay: url, complete: true }], 10_000)).toBe(book)
})
