// What takes too long for every commit, as lanes with a name each. npm run check:long [-- LANE …] [-- --node PATH …]
// A lane says by itself what it has found; the exit code is 1 when one of them has failed.
import { parseArgs } from 'node:util'
import { checkFloods } from './check-long/floods.ts'
import { checkPlatforms } from './check-long/platforms.ts'

export type LaneOptions = {
  /** Programs of Node to run with, beside those that are found. */
  nodes: readonly string[]
  tell: (line: string) => void
}

/** A lane: what it is for, and whether all was well. */
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
}

const { values, positionals } = parseArgs({
  options: { node: { type: 'string', multiple: true, default: [] }, list: { type: 'boolean', default: false } },
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
    const ok = await lane.run({ nodes: values.node, tell })
    tell(`${name}: ${ok ? 'passed' : 'FAILED'} in ${Math.round((performance.now() - began) / 1000)} s`)
    if (!ok) process.exitCode = 1
  }
}
