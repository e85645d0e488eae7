import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that choose an engine or spy on a module have their imports to themselves; those of all others are loaded once a worker. */
const ALONE = ['test/nostr/crypto/*.test.ts', 'test/io/relay/live.test.ts']

/**
 * Files in the order in which they begin, by their beginnings; all others follow. First those that have a worker to themselves, for a
 * worker of the others that makes room for one has to load everything once more; then those that take longest.
 */
const FIRST = [
  'nostr/crypto/',
  'io/relay/live',
  'program/mailbox',
  'scripts/chaos',
  'program/stories',
  'program/early-wraps',
  'program/relay-words',
  'program/escalate',
  'program/silent-relays',
  'scripts/smoke',
  'io/relay/pool',
  'program/advice',
  'io/store/parallel',
  'program/files-through-blossom',
  'program/discovery',
  'program/odd-relays',
  'io/relay/negentropy',
  'scripts/fuzz',
  'io/scheduler',
  'program/flood',
  'program/canaries',
  'program/wait-follow',
  'program/crash',
  'cli/terminal',
  'run/doctor',
  'io/files/fetch',
  'scripts/package',
  'scripts/simulation',
  'program/harness',
  'program/output',
  'scripts/bench',
  'program/loader',
  'io/relay/connection',
  'io/unwrap-worker',
  'program/letters',
  'program/parallel',
  'scripts/install-skill',
  'state/log-model',
]

// A machine that is shared may be slow for a while; what hangs is found all the same.
const COMMON = { testTimeout: 90_000, hookTimeout: 90_000 }

// They begin first, so that no worker is left alone with one of them in the end.
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = FIRST.findIndex((name) => moduleId.includes(`/test/${name}`))
      return at === -1 ? FIRST.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // Two cores, and two more: a worker that waits for a relay that says nothing leaves its core to another.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...COMMON, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
      { test: { ...COMMON, name: 'alone', include: ALONE } },
    ],
  },
})
