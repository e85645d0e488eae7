// The log of a call holds against its network, against copies that are restored, and against its peer: many seeds of a model of two
// sides. More of them: P2P_SEEDS=5000 npx vitest run test/state/log-model.test.ts
import { expect, test } from 'vitest'
import { runModel } from './log-model.ts'

const SEEDS = Number(process.env.P2P_SEEDS ?? 20)

const all = (options: { restores: boolean; hostile: boolean }) =>
  Array.from({ length: SEEDS }, (_, seed) => {
    try {
      return runModel({ seed: seed + 1, steps: 60, loss: 0.3, ...options })
    } catch (cause) {
      throw new Error(`seed ${seed + 1} of ${JSON.stringify(options)}`, { cause })
    }
  })

test('two honest sides agree, whatever is lost, repeated and reordered', () => {
  const results = all({ restores: false, hostile: false })
  expect(results.some((result) => result.verified)).toBe(true)
  expect(results.some((result) => result.forked)).toBe(false)
}, 120_000)

test('where a state went back, both are told, and nothing is called delivered that was not taken', () => {
  const results = all({ restores: true, hostile: false })
  expect(results.some((result) => result.forked)).toBe(true)
}, 120_000)

test('a peer that lies in what it may choose changes no line that was shown, and proves nothing that is not so', () => {
  const results = all({ restores: false, hostile: true })
  expect(results.some((result) => result.forked)).toBe(true)
}, 120_000)
