// Our own inbox list: offered until every relay has it, again after a day, and at once when it has changed.
import { describe, expect, test } from 'vitest'
import { listDue, recordListOffered } from '../../src/state/announced.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const NOW = 1_800_000_000
const relays = ['wss://a.example', 'wss://b.example']
const empty: State = { index: emptyIndex(), logs: {} }

const due = ({ index }: State, now = NOW, lists = 'here') => listDue(index.announced, lists, relays, now)

function offered(taken: readonly boolean[], state = empty, now = NOW, lists = 'here') {
  const receipts = taken.flatMap((accepted, n) => ({ relay: relays[n] ?? '', accepted }))
  return recordListOffered(state, lists, receipts, now)
}

describe('our list', () => {
  test('is offered to everybody at first, and once more while nobody has it', () => {
    expect(due(empty)).toEqual(relays)
    expect(due(offered([false, false]))).toEqual(relays)
  })

  test('is not offered again to who has it, for a day', () => {
    const state = offered([true, true])
    expect([0, 24 * 3600 - 1].map((later) => due(state, NOW + later))).toEqual([[], []])
    expect(due(state, NOW + 24 * 3600)).toEqual(relays)
    // A clock that was set back.
    expect(due(state, NOW - 24 * 3600)).toEqual(relays)
  })

  test('is offered again after an hour to who would not take it', () => {
    const state = offered([true, false])
    expect([0, 3600].map((later) => due(state, NOW + later))).toEqual([[], [relays[1]]])
    const receipts = [{ relay: relays[1] ?? '', accepted: true }]
    const later = recordListOffered(state, 'here', receipts, NOW + 3600)
    expect(due(later, NOW + 7200)).toEqual([])
  })

  test('is offered to everybody when it names other relays', () => {
    const state = offered([true, true])
    expect(due(state, NOW, 'there')).toEqual(relays)
    const moved = offered([true, false], state, NOW, 'there')
    expect(due(moved, NOW + 3600, 'there')).toEqual([relays[1]])
    expect(due(moved, NOW, 'here')).toEqual(relays)
  })

  test('of a state from before this was written down is offered once', () => {
    const old = { ...empty.index, announced: { presence: 0, lists: 'here' } }
    expect(due({ ...empty, index: old })).toEqual(relays)
  })
})
