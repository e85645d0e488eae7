// How far back a mailbox is read, and when its cursor moves.
import { describe, expect, test } from 'vitest'
import {
  DEEP_WINDOW,
  forgetSeen,
  isWholeReadDue,
  mailboxQuestions,
  mergeSweeps,
  moveCursors,
  type PartAnswer,
  readOutcome,
  readSince,
} from '../../src/state/cursors.ts'
import type { RelayMemory, Sweep } from '../../src/state/kept-relay.ts'
import { emptyIndex, type Index } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const T = 1_795_000_000
const DAY = 86_400
const WINDOW = 2 * DAY + 900
const url = 'wss://r'

describe('a mailbox is read', () => {
  const swept: RelayMemory = { cursor: T - 100, wholeReadAt: T - 100 }

  test.each([
    ['from 7 days ago, the first time', undefined, false, T - DEEP_WINDOW],
    ['from 7 days ago, by a deep look', swept, true, T - DEEP_WINDOW],
    ['from two days and a quarter of an hour before its cursor', swept, false, T - 100 - WINDOW],
    ['as a whole once a day', { ...swept, wholeReadAt: T - DAY - 1 }, false, T - DEEP_WINDOW],
    ['as a whole, when its cursor is ahead of the clock', { cursor: T + 1, wholeReadAt: T }, false, T - DEEP_WINDOW],
    ['as a whole, when it was never', { cursor: T }, false, T - DEEP_WINDOW],
    [
      'from before the last look, however long that was ago',
      { cursor: T - 30 * DAY, wholeReadAt: T - 30 * DAY },
      false,
      T - 30 * DAY - WINDOW,
    ],
  ])('%s', (_, memory, deep, since) => {
    expect(readSince(memory, T, deep)).toBe(since)
  })

  test('as a whole again after a sweep that a wrong clock has dated far ahead', () => {
    expect(isWholeReadDue({ cursor: T, wholeReadAt: T + 2 * DAY }, T)).toBe(true)
    expect(isWholeReadDue({ cursor: T, wholeReadAt: T + 60 }, T)).toBe(false)
  })
})

describe('a cursor', () => {
  const moved = (memory: RelayMemory, cursor: number, now = T) => {
    const edit = beginTransaction({ index: { ...emptyIndex(), relays: { [url]: memory } }, logs: {} })
    moveCursors(edit, [{ relay: url, cursor, began: cursor }], now)
    return edit.index.relays[url]
  }

  test('moves to when the replay began, and keeps what else is known of the relay', () => {
    expect(moved({ incompleteSince: 7 }, T)).toEqual({ incompleteSince: 7, cursor: T })
  })

  test('does not go back for a run that began earlier and ends later', () => {
    expect(moved({ cursor: T }, T - 50)).toEqual({ cursor: T })
  })

  test('goes back to the truth when it was ahead of it', () => {
    expect(moved({ cursor: T + DAY }, T)).toEqual({ cursor: T })
  })
})

test('envelopes are known for as long as a relay can be asked for them', () => {
  const seen = { new: T, old: T - DEEP_WINDOW, gone: T - DEEP_WINDOW - 3700 }
  const pruned = (relays: Index['relays']) => {
    const edit = beginTransaction({ index: { ...emptyIndex(), relays, seen }, logs: {} })
    forgetSeen(edit, T)
    return Object.keys(edit.index.seen)
  }
  expect(pruned({ [url]: { cursor: T } })).toEqual(['new', 'old'])
  expect(pruned({ [url]: { cursor: T }, other: { cursor: T - 6 * DAY } })).toEqual(['new', 'old', 'gone'])
})

test('a wrap that is dated far ahead is known for as long as one of today and no longer', () => {
  const ahead = T + 10 * 365 * DAY
  let index: Index = { ...emptyIndex(), relays: { [url]: { cursor: T } }, seen: { ahead } }
  const at = (now: number) => {
    const edit = beginTransaction({ index: { ...index, relays: { [url]: { cursor: now } } }, logs: {} })
    forgetSeen(edit, now)
    index = edit.commit().index
    return Object.keys(index.seen)
  }
  expect(at(T)).toEqual(['ahead'])
  expect(at(T + 8 * DAY)).toEqual(['ahead'])
  expect(at(T + 10 * DAY)).toEqual([])
})

test('the cursor of a relay that nobody asks any more holds nothing back forever', () => {
  const seen = { old: T - 40 * DAY }
  const edit = beginTransaction({
    index: { ...emptyIndex(), relays: { [url]: { cursor: T - 400 * DAY } }, seen },
    logs: {},
  })
  forgetSeen(edit, T)
  expect(edit.index.seen).toEqual({})
})

describe('a replay that met a bound', () => {
  const began = T - 300
  const sweep: Sweep = { since: T - DEEP_WINDOW, until: T - 5_000, top: began, began, cursor: began, whole: true }
  const memory: RelayMemory = { sweep }
  const run = { relay: url, cursor: T, began: T, deep: false, left: [] }
  const ask = (held: RelayMemory | undefined, deep = false, compares = false) =>
    mailboxQuestions(held, T, { deep, compares })

  test('asks for what is newer than its top, and goes on below where it stopped', () => {
    expect(ask(memory)).toEqual([
      { part: 'newer', since: began },
      { part: 'older', since: T - DEEP_WINDOW, until: T - 5_000 },
    ])
  })

  test.each([
    ['there is none', undefined, false, false],
    ['it was begun by a clock that ran ahead', { sweep: { ...sweep, began: T + 1 } }, false, false],
    ['NIP-77 needs no pages', memory, false, true],
    ['all is to be heard once more', memory, true, false],
  ])('is asked for all when %s', (_, held, deep, compares) => {
    expect(ask(held, deep, compares)).toEqual([{ part: 'all', since: T - DEEP_WINDOW }])
  })

  test('of a deep look is gone on with by the next', () => {
    expect(ask({ sweep: { ...sweep, deep: true } }, true)).toHaveLength(2)
  })

  describe('begins', () => {
    const begun = (answer: Partial<PartAnswer>, left: number[] = [], held?: RelayMemory) =>
      readOutcome(held, [{ part: 'all', complete: false, ...answer }], { ...run, left })

    test('where the relay was when time was up', () => {
      expect(begun({ reached: T - 900, newest: T - 10 })).toEqual({
        sweep: { since: T - DEEP_WINDOW, until: T - 900, top: T - 10, began: T, cursor: T, whole: true },
      })
    })

    test('at the newest wrap that could not be opened, also where the relay was through', () => {
      expect(begun({ complete: true, newest: T }, [T - 70, T - 50]).sweep).toMatchObject({ until: T - 50 })
      expect(begun({ reached: T - 900, newest: T }, [T - 50]).sweep).toMatchObject({ until: T - 50 })
    })

    test('with a top that no stamp can put ahead of our clock', () => {
      expect(begun({ reached: T - 900, newest: T + 10 * DAY }).sweep).toMatchObject({ top: T })
    })

    test('not where nobody knows how far the relay has got', () => {
      expect(begun({ newest: T })).toEqual({})
      expect(begun({ newest: T }, [], { cursor: T - 60, wholeReadAt: T - 60 })).toEqual({})
    })
  })

  describe('goes on', () => {
    const gone = (newer: Partial<PartAnswer>, older: Partial<PartAnswer>, left: number[] = []) =>
      readOutcome(
        memory,
        [
          { part: 'newer', complete: true, ...newer },
          { part: 'older', complete: false, ...older },
        ],
        { ...run, left },
      )

    test('to its end: the cursor is the clock at which its first run began', () => {
      expect(gone({}, { complete: true })).toEqual({ complete: { relay: url, cursor: began, began, whole: true } })
    })

    test('further down, and its top up', () => {
      expect(gone({ newest: T - 20 }, { reached: T - 90_000, newest: T - 5_000 })).toEqual({
        sweep: { ...sweep, until: T - 90_000, top: T - 20 },
      })
    })

    test('with the same top while what is newer was not read, or not opened', () => {
      expect(gone({ complete: false, newest: T - 20 }, { reached: T - 90_000 }).sweep).toMatchObject({ top: began })
      expect(gone({ newest: T - 20 }, { reached: T - 90_000 }, [T - 30]).sweep).toMatchObject({
        top: began,
        until: T - 90_000,
      })
    })

    test('from where it was when the relay was away', () => {
      expect(gone({ complete: false }, {})).toEqual({ sweep })
    })

    test('no further at a relay that sends and never ends', () => {
      expect(gone({}, { newest: T - 5_000 })).toEqual({ stalled: began })
    })

    test('not to its end while some of it could not be opened', () => {
      expect(gone({}, { complete: true }, [T - 80_000]).sweep).toMatchObject({ until: T - 80_000 })
      // What is newer is asked for again anyway.
      expect(gone({}, { complete: true }, [T - 30])).toHaveProperty('complete')
    })
  })

  test('and was gone on with by a parallel run is as far as the one that got further', () => {
    const theirs = { ...sweep, until: T - 9_000, top: began + 5 }
    expect(mergeSweeps({ sweep: theirs }, sweep, T)).toEqual(theirs)
    expect(mergeSweeps({ sweep }, theirs, T)).toEqual(theirs)
    expect(mergeSweeps({}, sweep, T)).toEqual(sweep)
    // That one was through.
    expect(mergeSweeps({ cursor: began }, sweep, T)).toBeUndefined()
    expect(mergeSweeps({ cursor: T + DAY }, sweep, T)).toEqual(sweep)
  })

  test('is forgotten once the cursor has moved past it', () => {
    const edit = beginTransaction({ index: { ...emptyIndex(), relays: { [url]: memory } }, logs: {} })
    moveCursors(edit, [{ relay: url, cursor: began, began, whole: true }], T)
    expect(edit.index.relays[url]).toEqual({ cursor: began, wholeReadAt: began })
  })

  test('and one that a parallel run has begun since then is not', () => {
    const later = { ...sweep, began: T - 5, cursor: T - 5 }
    const edit = beginTransaction({ index: { ...emptyIndex(), relays: { [url]: { sweep: later } } }, logs: {} })
    moveCursors(edit, [{ relay: url, cursor: began, began }], T)
    expect(edit.index.relays[url]?.sweep).toEqual(later)
  })
})
