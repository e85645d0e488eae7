// A relay that is slow and honest gets its turn.
import { describe, expect, test } from 'vitest'
import { knownWraps, patienceFor, recordMailboxAnswers, relaysToProbe } from '../../src/state/relay-memory.ts'
import { emptyIndex } from '../../src/state/state.ts'

const url = 'wss://slow.example'
const late = [{ relay: url, complete: false }]
const state = { index: emptyIndex(), logs: {} }

test('a relay that has been late for half an hour is waited for, and then again half an hour later', () => {
  const first = recordMailboxAnswers(state, late, 10_000)
  expect(patienceFor(first.index.relays[url], 11_000)).toBe(0)
  expect(patienceFor(first.index.relays[url], 11_800)).toBe(3000)
  const waited = recordMailboxAnswers(first, late, 11_800)
  expect(patienceFor(waited.index.relays[url], 11_900)).toBe(0)
  expect(patienceFor(waited.index.relays[url], 13_600)).toBe(3000)
})

test('a complete answer forgets that it was late, and keeps the cursor', () => {
  const held = { ...state, index: { ...state.index, relays: { [url]: { cursor: 5, since: 1, patience: 2 } } } }
  expect(recordMailboxAnswers(held, [{ relay: url, complete: true }], 10_000).index.relays[url]).toEqual({ cursor: 5 })
  expect(patienceFor(undefined, 10_000)).toBe(0)
})

test('nothing to note leaves the state the same object', () => {
  expect(recordMailboxAnswers(state, [{ relay: url, complete: true }], 10_000)).toBe(state)
})

describe('a relay that speaks NIP-77', () => {
  const stamps = Array.from({ length: 250 }, (_, n): [string, number] => [`${n}`, 10_000 + n])
  const speaks = (at: number) => ({ [url]: { negentropy: { speaks: true, at } } })
  const index = { ...state.index, seen: Object.fromEntries(stamps), relays: speaks(9_000) }

  test('is told what we hold of its window, where that is much', () => {
    expect(knownWraps(index, url, 10_050)).toEqual(stamps.slice(50))
    expect(knownWraps(index, url, 10_051)).toBeUndefined()
    expect(knownWraps(index, 'wss://other.example', 0)).toBeUndefined()
  })

  test('and leaves us without an answer is asked in the old way for a day, complete or not', () => {
    for (const complete of [true, false]) {
      const after = recordMailboxAnswers(
        { ...state, index },
        [{ relay: url, complete, reconciled: false }],
        10_000,
      ).index
      expect(after.relays[url]?.negentropy).toEqual({ speaks: false, at: 10_000 })
      expect(knownWraps(after, url, 0)).toBeUndefined()
      const answers = [{ relay: url, known: 250 }]
      expect(relaysToProbe(after, answers, 10_000 + 86_400)).toEqual([])
      expect(relaysToProbe(after, answers, 10_000 + 86_401)).toEqual([url])
    }
  })

  test('and was cut off before it could say anything is asked again', () => {
    const after = recordMailboxAnswers({ ...state, index }, [{ relay: url, complete: false }], 10_000).index
    expect(knownWraps(after, url, 0)).toHaveLength(250)
  })
})
