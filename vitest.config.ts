import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take the longest, by their beginnings. */
const LONG = [
  'program/stories',
  'scripts/chaos',
  'io/store/parallel',
  'program/mailbox',
  'program/early-wraps',
  'program/crash',
  'program/files-through-blossom',
  'program/discovery',
  'program/wait-follow',
  'scripts/smoke',
  'program/secret-stays',
  'program/relay-words',
  'program/wrong-clocks',
  'program/flood',
  'scripts/simulation',
  'program/harness-hook',
  'scripts/install-skill',
  'scripts/bench',
  'io/store/archive',
]

// A machine that is shared may be slow for a while; what hangs is found all the same.
const COMMON = { testTimeout: 90_000, hookTimeout: 90_000 }

/** Files that choose an engine or spy on a module have their imports to themselves; those of all others are loaded once a worker. */
const ALONE = ['test/nostr/crypto/*.test.ts', 'test/io/relay/live.test.ts']

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
    // Two cores, and one more: a worker that waits for a relay that says nothing leaves its core to another.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...COMMON, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
      { test: { ...COMMON, name: 'alone', include: ALONE } },
    ],
  },
})
