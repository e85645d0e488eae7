import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take the longest, by their beginnings. */
const LONG = [
  'program/stories',
  'io/store/parallel',
  'program/files-through-blossom',
  'program/escalate',
  'scripts/simulation',
  'program/policy',
  'scripts/fuzz',
  'scripts/chaos',
  'scripts/install-skill',
]

// They begin first, so that no worker is left alone with one of them in the end.
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.includes(`/test/${name}`))
      return at === -1 ? LONG.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // A machine that is shared may be slow for a while; what hangs is found all the same.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Two cores: more workers than that only make real processes and real relays wait for each other.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // A shared CI machine may lose a core for seconds; a test that fails twice is broken.
    retry: process.env.CI ? 1 : 0,
  },
})
