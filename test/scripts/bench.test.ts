// The bench runs, and its own sums are right. How fast anything is, is never tested.
import { expect, test } from 'vitest'
import { judgeGoal, summary } from '../../scripts/bench/table.ts'
import { bench } from '../../scripts/bench.ts'

test('a goal is met or not by medians, within one race', () => {
  const timing = { race: 'start', min: 1, runs: 3 }
  const results = [
    { ...timing, name: 'node', median: 100 },
    { ...timing, name: 'p2p', median: 149, trips: 4, memory: 151 },
  ]
  const of = 'p2p'
  expect(judgeGoal('start', { of, kind: 'ratio', to: 'node', most: 1.5 }, results)).toMatchObject({
    value: 1.49,
    met: true,
  })
  expect(judgeGoal('start', { of, kind: 'over', to: 'node', most: 48 }, results)).toMatchObject({
    value: 49,
    met: false,
  })
  expect(judgeGoal('start', { of, kind: 'trips', to: '', most: 3 }, results)).toMatchObject({ value: 4, met: false })
  expect(judgeGoal('start', { of, kind: 'memory', to: '', most: 150 }, results)).toMatchObject({
    value: 151,
    met: false,
  })
  expect(judgeGoal('start', { of, kind: 'ratio', to: 'nobody', most: 9 }, results).met).toBe(false)
})

test('all goals stand in one table, with what they were measured by', () => {
  const timing = { race: 'start', min: 98, runs: 3 }
  const results = [
    { ...timing, name: 'node', median: 100 },
    { ...timing, name: 'p2p', median: 149 },
  ]
  const goal = judgeGoal('start', { of: 'p2p', kind: 'ratio', to: 'node', most: 1.4 }, results)
  expect(summary([goal], results)).toEqual([
    '| race | what | median ms | min ms | measured | goal | met |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    '| start | p2p | 149 | 98 | 1.49 x node | 1.4 | **no** |',
  ])
})

test('one small round, from the relays to the report', { timeout: 240_000 }, async () => {
  const said: string[] = []
  const report = await bench({ only: ['start'], rounds: 1, quick: true, say: (line) => said.push(line) })
  expect(report.results.map(({ name, runs }) => [name, runs])).toEqual(
    ['node -e 0', 'p2p --version', 'p2p send', 'node and ws', 'nostr-tools', 'rust-nostr'].map((name) => [name, 1]),
  )
  expect(report.goals).toHaveLength(4)
  expect(said.join('\n')).toContain('node and ws')
})

test('a race that there is not is an error', async () => {
  const wanted = { rounds: 1, quick: true, say: () => {} }
  await expect(bench({ only: ['sprint'], ...wanted })).rejects.toThrow('there is no race sprint')
})
