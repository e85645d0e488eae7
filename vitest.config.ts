import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that choose an engine or spy on a module have their imports to themselves; those of all others are loaded once a worker. */
const ALONE = ['test/nostr/crypto/*.test.ts', 'test/io/relay/live.test.ts']

/**
 * Files in the order in which they begin, by their beginnings; all others follow. First those that have a worker to themselves, for a
 * worker of the others that makes room for one has to load everything once more. Then those that take longest, and of these, in turn,
 * one that waits for most of its time and one that keeps a core busy.
 */
const FIRST = [
  ...['nostr/crypto/', 'io/relay/live'],
  ...['program/mailbox', 'program/early-wraps', 'scripts/chaos', 'program/stories'],
  ...['program/relay-words', 'program/flood'],
  ...['program/escalate', 'program/crash'],
  ...['program/silent-relays', 'io/store/parallel'],
  ...['io/relay/pool', 'program/files-through-blossom'],
  ...['scripts/smoke', 'scripts/simulation'],
  ...['program/advice', 'program/wait-follow'],
  ...['program/odd-relays', 'scripts/fuzz'],
  ...['io/relay/negentropy', 'program/discovery'],
  ...['io/scheduler', 'state/log-model'],
  ...['program/canaries', 'nostr/nostr-tools'],
  ...['cli/terminal', 'io/unwrap-worker'],
  ...['run/doctor', 'scripts/bench'],
  ...['io/relay/connection', 'scripts/install-skill'],
  ...['io/files/fetch', 'scripts/package', 'program/loader', 'program/harness', 'program/output', 'program/letters'],
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
    // Two cores, and three more: a worker that waits for a relay that says nothing leaves its core to another.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...COMMON, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
      { test: { ...COMMON, name: 'alone', include: ALONE } },
    ],
  },
})
