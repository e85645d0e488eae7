// Nothing lost, nothing twice: the seeded simulation, in short. More seeds: npx tsx test/simulation.ts --seeds 10000
import { expect, test } from 'vitest'
import { simulate } from './simulation.ts'

const SEEDS = 1_000

test(`${SEEDS} seeds of two agents, a hostile third and a network that does what it likes`, () => {
  let compared = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      compared += simulate(seed).compared
    } catch (error) {
      const again = `npx tsx test/simulation.ts --seeds 1 --from ${seed} --trace`
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause: error })
    }
  }
  // A simulation in which nobody says anything would hold as well.
  expect(compared).toBeGreaterThan(5 * SEEDS)
}, 120_000)
