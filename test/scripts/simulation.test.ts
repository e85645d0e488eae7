// Nothing lost, nothing twice: the seeded simulation, in short. 10,000 seeds: npm run check:long -- simulation
import { expect, test } from 'vitest'
import { shareMaps, simulateBundled } from '../../scripts/simulate.ts'
import { ARCHIVE_BOUNDS } from '../../src/call/archive.ts'
import { type Figures, simulate } from '../simulation/simulation.ts'

/** Short ones of each kind, a long one that meets its archive again, and three with archives in which nobody dies, so that they go the same way again. */
const SEEDS = [...Array.from({ length: 22 }, (_, n) => n + 2), 128, 300, 324, 512]

const played = new Map<number, Figures>()

/** Each is played once here, whoever asks. */
async function play(seed: number): Promise<Figures> {
  const figures = played.get(seed) ?? (await simulate(seed))
  played.set(seed, figures)
  return figures
}

test(`${SEEDS.length} seeds of two agents, a hostile third or peer, homes that go back and a network that does what it likes`, async () => {
  const total = { ahead: 0, compared: 0, compacted: 0, joined: 0, same: 0, forked: 0, verified: 0 }
  for (const seed of SEEDS) {
    try {
      const figures = await play(seed)
      if (figures.compacted > 0 && figures.calm) {
        expect(figures.state()).toBe((await simulate(seed, undefined, ARCHIVE_BOUNDS)).state())
        total.same++
      }
      for (const key of ['ahead', 'compared', 'compacted', 'joined', 'forked', 'verified'] as const)
        total[key] += figures[key]
    } catch (error) {
      const again = `npm run simulate -- --seeds 1 --from ${seed} --trace`
      throw new Error(`seed ${seed} failed; again: ${again}`, { cause: error })
    }
  }
  const { length } = SEEDS
  // A simulation in which nobody says anything would hold as well.
  expect(total.compared).toBeGreaterThan(2 * length)
  expect(total.ahead).toBeGreaterThan(length / 3)
  // Nor would one in which nothing is packed, or nothing meets what is.
  expect(total.compacted).toBeGreaterThan(length / 3)
  expect(total.joined).toBeGreaterThan(0)
  expect(total.same).toBeGreaterThan(1)
  // Nor one in which nobody lies or goes back, and nobody comes to an end.
  expect(total.forked).toBeGreaterThan(length / 10)
  expect(total.verified).toBeGreaterThan(length / 5)
}, 240_000)

test('in one file for plain Node the same seeds go the same way', async () => {
  const words = ['--seeds', '6', '--from', '2']
  const { status, stdout } = await simulateBundled(words, 'pipe')
  expect(status).toBe(0)
  const figures = JSON.parse(String(stdout).slice(String(stdout).indexOf('{')))
  const all = []
  for (let seed = 2; seed < 8; seed++) all.push(await play(seed))
  for (const key of ['commands', 'crashes', 'compared', 'accepted', 'forked', 'verified'] as const)
    expect(figures[key]).toBe(all.reduce((sum, one) => sum + one[key], 0))
})

test('what is copied first in an object is copied behind nothing, and means the same', () => {
  expect(shareMaps('f({ ...a, b: 1 }, {\n  ...c })')).toBe('f({ ...null, ...a, b: 1 }, {\n  ...null, ...c })')
  expect(shareMaps('({ a, ...b }); f(...c); [...d]; ({ ...null, ...e })')).toBe(
    '({ a, ...b }); f(...c); [...d]; ({ ...null, ...e })',
  )
})
