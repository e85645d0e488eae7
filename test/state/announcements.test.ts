// Our own inbox list: offered until every relay has it, again after a day, and at once when it has changed.
import { describe, expect, test } from 'vitest'
import {
  listDue,
  listStamp,
  presenceStamp,
  recordListOffered,
  recordOwnList,
  relaysAskedForList,
} from '../../src/state/announcements.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const NOW = 1_800_000_000
const relays = ['wss://a.example', 'wss://b.example']
const empty: State = { index: emptyIndex(), logs: {} }

const due = ({ index }: State, now = NOW, lists = 'here') => listDue(index.announced, lists, relays, now)

function offered(taken: readonly boolean[], state = empty, now = NOW, lists = 'here') {
  const receipts = taken.flatMap((accepted, n) => ({ relay: relays[n] ?? '', accepted }))
  return recordListOffered(state, lists, receipts, now)
}

test('a presence is dated after the last one, however many there are in a second, unless a clock was set back', () => {
  const announced = (dated?: number) => ({
    presenceAt: 0,
    inboxList: '',
    ...(dated !== undefined && { presenceCreatedAt: dated }),
  })
  expect(presenceStamp(announced(), NOW)).toBe(NOW)
  expect(presenceStamp(announced(NOW - 1), NOW)).toBe(NOW)
  expect(presenceStamp(announced(NOW), NOW)).toBe(NOW + 1)
  expect(presenceStamp(announced(NOW + 1), NOW)).toBe(NOW + 2)
  expect(presenceStamp(announced(NOW + 3600), NOW)).toBe(NOW)
})

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
    const old = { ...empty.index, announced: { presenceAt: 0, inboxList: 'here' } }
    expect(due({ ...empty, index: old })).toEqual(relays)
  })
})

describe('our list, replaced by another client that uses our key', () => {
  const ours = offered([true, true], empty, NOW, 'wss://a.example/ wss://in.example')
  const found = (relays: string[], at: number) => recordOwnList(ours, { relays, at }, NOW + 60)

  test('is offered to everybody again, dated after that one', () => {
    const { index } = found(['wss://elsewhere.example'], NOW + 30)
    expect(listDue(index.announced, 'wss://a.example/ wss://in.example', relays, NOW + 60)).toEqual(relays)
    expect(listStamp(index.announced, NOW + 25)).toBe(NOW + 31)
    const after = recordListOffered(
      { index, logs: {} },
      ours.index.announced.inboxList,
      [{ relay: 'x', accepted: true }],
      NOW + 60,
      NOW + 61,
    )
    expect(after.index.announced).toMatchObject({ listCreatedAt: NOW + 61 })
    expect(after.index.announced).not.toHaveProperty('replaced')
    // A relay that lags behind still has the other one.
    expect(recordOwnList(after, { relays: ['wss://elsewhere.example'], at: NOW + 30 }, NOW + 90)).toBe(after)
  })

  test('is left alone where it is ours, in whatever order and spelling, or an old one of ours', () => {
    const isReplaced = ({ index }: State) => index.announced.listReplacedBy !== undefined
    expect(isReplaced(found(['wss://in.example', 'wss://a.example'], NOW + 30))).toBe(false)
    expect(isReplaced(found(['wss://elsewhere.example'], NOW))).toBe(false)
    expect(isReplaced(recordOwnList(ours, undefined, NOW))).toBe(false)
    expect(isReplaced(recordOwnList(empty, { relays: ['wss://elsewhere.example'], at: NOW + 30 }, NOW))).toBe(false)
  })

  // The attack: none, but a clock far ahead at that client: what we date as far is not taken by any relay.
  test('is dated no further ahead than relays take', () => {
    const { index } = found(['wss://elsewhere.example'], NOW + 90_000)
    expect(listStamp(index.announced, NOW + 60)).toBe(NOW + 660)
  })

  test('is asked for where announce goes anyway, and hourly where we look others up', () => {
    const roles = { inbox: ['in'], presence: ['in', 'on'], lookup: ['up'] }
    expect(relaysAskedForList(ours.index.announced, roles, NOW)).toEqual(['in', 'on', 'up'])
    const asked = recordOwnList(ours, undefined, NOW)
    expect(relaysAskedForList(asked.index.announced, roles, NOW + 3599)).toEqual(['in', 'on'])
    expect(relaysAskedForList(asked.index.announced, roles, NOW + 3600)).toEqual(['in', 'on', 'up'])
  })
})
