// How far back a mailbox is read, and when its cursor moves.
import { describe, expect, test } from 'vitest'
import { DEEP_REPLAY, forgetSeen, moveCursors, needsSweep, replaySince } from '../../src/state/cursors.ts'
import { emptyIndex, type Index, type RelayMemory } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const T = 1_795_000_000
const DAY = 86_400
const WINDOW = 2 * DAY + 900
const url = 'wss://r'

describe('a mailbox is read', () => {
  const swept: RelayMemory = { cursor: T - 100, swept: T - 100 }

  test.each([
    ['from 7 days ago, the first time', undefined, false, T - DEEP_REPLAY],
    ['from 7 days ago, by a deep look', swept, true, T - DEEP_REPLAY],
    ['from two days and a quarter of an hour before its cursor', swept, false, T - 100 - WINDOW],
    ['as a whole once a day', { ...swept, swept: T - DAY - 1 }, false, T - DEEP_REPLAY],
    ['as a whole, when its cursor is ahead of the clock', { cursor: T + 1, swept: T }, false, T - DEEP_REPLAY],
    ['as a whole, when it was never', { cursor: T }, false, T - DEEP_REPLAY],
    [
      'from before the last look, however long that was ago',
      { cursor: T - 30 * DAY, swept: T - 30 * DAY },
      false,
      T - 30 * DAY - WINDOW,
    ],
  ])('%s', (_, memory, deep, since) => {
    expect(replaySince(memory, T, deep)).toBe(since)
  })

  test('as a whole again after a sweep that a wrong clock has dated far ahead', () => {
    expect(needsSweep({ cursor: T, swept: T + 2 * DAY }, T)).toBe(true)
    expect(needsSweep({ cursor: T, swept: T + 60 }, T)).toBe(false)
  })
})

describe('a cursor', () => {
  const moved = (memory: RelayMemory, cursor: number, now = T) => {
    const edit = beginTransaction({ index: { ...emptyIndex(), relays: { [url]: memory } }, logs: {} })
    moveCursors(edit, [{ relay: url, cursor, began: cursor }], now)
    return edit.index.relays[url]
  }

  test('moves to when the replay began, and keeps what else is known of the relay', () => {
    expect(moved({ since: 7 }, T)).toEqual({ since: 7, cursor: T })
  })

  test('does not go back for a run that began earlier and ends later', () => {
    expect(moved({ cursor: T }, T - 50)).toEqual({ cursor: T })
  })

  test('goes back to the truth when it was ahead of it', () => {
    expect(moved({ cursor: T + DAY }, T)).toEqual({ cursor: T })
  })
})

test('envelopes are known for as long as a relay can be asked for them', () => {
  const seen = { new: T, old: T - DEEP_REPLAY, gone: T - DEEP_REPLAY - 3700 }
  const pruned = (relays: Index['relays']) => {
    const edit = beginTransaction({ index: { ...emptyIndex(), relays, seen }, logs: {} })
    forgetSeen(edit, T)
    return Object.keys(edit.index.seen)
  }
  expect(pruned({ [url]: { cursor: T } })).toEqual(['new', 'old'])
  expect(pruned({ [url]: { cursor: T }, other: { cursor: T - 6 * DAY } })).toEqual(['new', 'old', 'gone'])
})
