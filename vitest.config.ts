import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take the longest, by their beginnings. */
const LONG = [
  'program/stories',
  'io/store/parallel',
  'program/mailbox',
  'program/files-through-blossom',
  'program/wrong-clocks',
  'program/secret-stays',
  'program/harness-hook',
  'program/discovery',
  'program/relay-words',
  'program/escalate',
  'scripts/simulation',
  'program/policy',
  'scripts/fuzz',
  'scripts/chaos',
  'program/archive',
]

// A machine that is shared may be slow for a while; what hangs is found all the same. A test that fails twice is broken.
const COMMON = { testTimeout: 90_000, hookTimeout: 90_000, retry: process.env.CI ? 1 : 0 }

/**
 * Files whose imports are loaded once a worker, not once a file. Not among them: what chooses an engine, spies on a module, or cleans
 * up by hooks of a module that it shares with others.
 */
const TOGETHER = [
  'test/*.test.ts',
  'test/{call,cli,commands,house,scripts,state}/**/*.test.ts',
  'test/nostr/*.test.ts',
  'test/program/!(escalate|names-and-proxies|output).test.ts',
  'test/run/!(doctor).test.ts',
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
      { test: { ...COMMON, name: 'together', include: TOGETHER, isolate: false } },
      { test: { ...COMMON, name: 'alone', include: ['test/**/*.test.ts'], exclude: TOGETHER } },
    ],
  },
})
