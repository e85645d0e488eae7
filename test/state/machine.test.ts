// What a canary that comes back says of this state: whether it is old, or not the only one.
import { expect, test } from 'vitest'
import { rumorOf } from '../../src/nostr/event.ts'
import { canaryTemplate, countCanary, markMachineTold, noteMachines, parseCanary } from '../../src/state/machine.ts'
import { emptyIndex, type MachineMemory, type State } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const me = '01'.repeat(32)
const [ours, theirs] = ['a'.repeat(32), 'b'.repeat(32)]
const NOW = 1_000_000

function stateOf(machine: MachineMemory | undefined, lostAt?: number): State {
  const index = { ...emptyIndex(), ...(machine && { machine }), ...(lostAt !== undefined && { stateLostAt: lostAt }) }
  return { index, logs: {} }
}

type Said = { machine: string; count: number; at?: number; by?: string }

function hear(state: State, said: readonly Said[], now = NOW): State {
  const edit = beginTransaction(state)
  const rumors = said.map(({ machine, count, at = now - 60, by = me }) =>
    rumorOf(canaryTemplate({ machine, count }, me, at), by),
  )
  noteMachines(edit, rumors, me, now)
  return edit.state
}

test('a canary is counted before it is said, and is read back as it was written', () => {
  const { state, body } = countCanary(stateOf(undefined), () => 0.5)
  expect(body).toEqual({ machine: '8'.repeat(32), count: 1 })
  expect(state.index.machine).toEqual({ id: '8'.repeat(32), count: 1 })
  expect(parseCanary(rumorOf(canaryTemplate(body, me, NOW), me))).toEqual(body)
  expect(countCanary(state, () => 0).body).toEqual({ machine: '8'.repeat(32), count: 2 })
  const odd = [
    ['op', 'canary'],
    ['machine', 'x'],
    ['n', '1'],
  ]
  expect(parseCanary(rumorOf({ kind: 1410, created_at: 1, tags: odd, content: '' }, me))).toBeUndefined()
})

test('our own that come back say nothing new', () => {
  const state = stateOf({ id: ours, count: 5 })
  expect(
    hear(state, [
      { machine: ours, count: 5 },
      { machine: ours, count: 2 },
    ]).index,
  ).toEqual(state.index)
})

test('one of our own beyond our counter: this state is old. Told once, and the machine goes on under a new id', () => {
  const back = hear(
    stateOf({ id: ours, count: 5 }),
    [7, 9, 8].map((count) => ({ machine: ours, count })),
  )
  const { machine, stateLostAt: lostAt } = back.index
  expect(machine).toEqual({ id: '', count: 7, others: { [ours]: { at: NOW } }, found: { at: NOW } })
  expect(lostAt).toBe(NOW)
  const told = markMachineTold(back, NOW + 5)
  expect(told.index.machine?.found).toEqual({ at: NOW, told: NOW + 5 })
  expect(markMachineTold(told, NOW + 50)).toBe(told)
  expect(countCanary(told, () => 0).body).toEqual({ machine: '0'.repeat(32), count: 8 })
  // Another relay gives back what is older than that.
  expect(hear(told, [{ machine: ours, count: 12, at: NOW - 100 }], NOW + 600)).toEqual(told)
})

test('whoever goes on writing under another id lives', () => {
  const first = hear(stateOf({ id: ours, count: 5 }), [{ machine: theirs, count: 6 }])
  expect(first.index.machine?.found).toEqual({ at: NOW })
  const lives = hear(first, [{ machine: theirs, count: 7, at: NOW + 4000 }], NOW + 4100)
  expect(lives.index.machine?.found).toEqual({ at: NOW + 4100, lives: true })
  expect(lives.index.stateLostAt).toBe(NOW + 4100)
  expect(hear(lives, [{ machine: theirs, count: 8, at: NOW + 9000 }], NOW + 9000)).toEqual(lives)
})

test('another id that is not beyond us is remembered, and not told until it writes again', () => {
  const first = hear(stateOf({ id: ours, count: 5 }), [{ machine: theirs, count: 3 }])
  expect(first.index.machine).toEqual({ id: ours, count: 5, others: { [theirs]: { at: NOW } } })
  expect(first.index.stateLostAt).toBeUndefined()
})

test('that a state was lost is told already', () => {
  const { index } = hear(stateOf(undefined, NOW - 10), [{ machine: theirs, count: 9, at: NOW - 500 }])
  expect(index.machine).toEqual({ id: '', count: 9, others: { [theirs]: { at: NOW } } })
  expect(index.stateLostAt).toBe(NOW - 10)
})

test('what somebody else says of our machines is nothing', () => {
  const state = stateOf({ id: ours, count: 5 })
  expect(hear(state, [{ machine: ours, count: 9, by: '02'.repeat(32) }]).index).toEqual(state.index)
})
