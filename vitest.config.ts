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

// A machine that is shared may be slow for a while; what hangs is found all the same.
const TIMEOUTS = { testTimeout: 90_000, hookTimeout: 90_000 }

/** Files with a process to themselves: they choose an engine, spy on a module, or clean up by hooks of a module that they share. */
const ALONE = [
  'test/nostr/crypto/**/*.test.ts',
  'test/io/**/*.test.ts',
  'test/run/doctor.test.ts',
  'test/program/{escalate,names-and-proxies,output}.test.ts',
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
    globalSetup: ['test/support/build.ts'],
    // Two cores: more workers than that only make real processes and real relays wait for each other.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      // What they import is loaded once a worker, not once a file.
      { test: { ...TIMEOUTS, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
      { test: { ...TIMEOUTS, name: 'alone', include: ALONE } },
    ],
  },
})
