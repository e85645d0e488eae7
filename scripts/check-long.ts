// Checks that take too long for every commit, as named lanes. A lane prints what it has found; the exit code is 1 where one has failed.
// npm run check:long -- [LANE …] [--node PATH …] [--old COMMIT] [--list]
import { parseArgs } from 'node:util'
import { checkFloods } from './check-long/floods.ts'
import { checkWire } from './check-long/old-and-new.ts'
import { checkPlatforms } from './check-long/platforms.ts'
import { scriptLane } from './check-long/scripts.ts'

export type LaneOptions = {
  /** Paths of Node to run with, beside those that are found. */
  nodes: readonly string[]
  /** The commit whose program meets the present one; undefined for the last one that changed the wire. */
  old: string | undefined
  tell: (line: string) => void
}

/** `describe`: what the lane checks. `run` gives whether all was well. */
export type Lane = { describe: string; run: (options: LaneOptions) => Promise<boolean> }

const LANES: Readonly<Record<string, Lane>> = {
  floods: {
    describe: 'junk, strangers and rings by the thousand: what they cost a command in time, memory and disk',
    run: checkFloods,
  },
  platforms: {
    describe: 'a whole call under every Node that is here and every kind of machine; writes docs/PLATFORMS.md',
    run: checkPlatforms,
  },
  wire: { describe: 'an old program against the present one, each calling the other', run: checkWire },
  simulation: scriptLane('10,000 seeds of the simulated run', 'scripts/simulate.ts', '--seeds', '10000'),
  fuzz: scriptLane('1,000,000 spoiled inputs for every parser', 'scripts/fuzz.ts', '--cases', '1000000'),
  chaos: scriptLane('2,000 messages through killed processes and bad relays', 'scripts/chaos.ts', '--messages', '2000'),
  leaky: scriptLane(
    '2,000 messages, with two of three relays that keep none: nine of ten come within a minute',
    ...['scripts/chaos.ts', '--messages', '2000', '--leaky'],
  ),
}

const { values, positionals } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    old: { type: 'string' },
  },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !Object.hasOwn(LANES, name))
const tell = (line: string) => console.log(line)

if (values.list || unknown.length > 0) {
  for (const name of unknown) console.error(`there is no lane ${name}`)
  for (const [name, { describe }] of Object.entries(LANES)) tell(`${name}: ${describe}`)
  process.exitCode = unknown.length > 0 ? 2 : 0
} else {
  const wanted = Object.entries(LANES).filter(([name]) => positionals.length === 0 || positionals.includes(name))
  for (const [name, lane] of wanted) {
    const began = performance.now()
    const ok = await lane.run({ nodes: values.node, old: values.old, tell })
    tell(`${name}: ${ok ? 'passed' : 'FAILED'} in ${Math.round((performance.now() - began) / 1000)} s`)
    if (!ok) process.exitCode = 1
  }
}
