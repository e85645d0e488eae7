// Who may import whom. A folder's name answers whether a line may touch the network; this holds the names to it.
import { expect, test } from 'vitest'
import { importsOf, readSources, roomOf, withoutComments } from '../../scripts/rooms/imports.ts'

/** What a folder, or a file on top, may import besides itself. `types`: of these, types only. */
type Row = { from: string[]; types?: string[]; packages?: string[] }

const TABLE: Readonly<Record<string, Row>> = {
  // Pure: the wire, what a call is, what is kept beside the calls.
  'nostr/': {
    from: ['json.ts', 'sanitize.ts'],
    packages: ['@noble/*', '@scure/base', '../node_modules/nostr-tools/lib/esm/nip77.js', 'node:crypto'],
  },
  'call/': {
    from: ['nostr/', 'command-name.ts', 'errors.ts', 'input-text.ts', 'migrate.ts', 'json.ts', 'sanitize.ts'],
  },
  'state/': { from: ['call/', 'nostr/', 'migrate.ts', 'json.ts', 'sanitize.ts'] },
  // What can fail for reasons outside. It meets calls as types only: run/ introduces them.
  'io/': {
    from: ['nostr/', 'command-name.ts', 'errors.ts', 'input-text.ts', 'migrate.ts', 'json.ts', 'sanitize.ts'],
    types: ['state/', 'call/'],
    packages: ['node:*', 'isomorphic-ws', 'lowdb', 'socks'],
  },
  'run/': {
    from: ['call/', 'state/', 'nostr/', 'command-name.ts', 'errors.ts', 'input-text.ts', 'sanitize.ts'],
    types: ['io/'],
  },
  // One verb a file: how it is typed, what it needs, and how its outcome is printed.
  'commands/': {
    from: ['call/', 'state/', 'command-name.ts', 'errors.ts', 'input-text.ts', 'json.ts', 'sanitize.ts'],
    types: ['run/', 'yargs'],
  },
  // Where all of them meet.
  'cli/': {
    from: [
      'call/',
      'commands/',
      'io/',
      'run/',
      'state/',
      'command-name.ts',
      'errors.ts',
      'input-text.ts',
      'sanitize.ts',
    ],
    packages: ['yargs', 'node:path', 'node:fs'],
  },
  'main.ts': { from: ['cli/', 'io/'] },
  'loader.ts': { from: [], packages: ['node:*'] },
  'command-name.ts': { from: [] },
  'errors.ts': { from: [], types: ['sanitize.ts'] },
  'input-text.ts': { from: [] },
  'json.ts': { from: [] },
  'migrate.ts': { from: [] },
  'sanitize.ts': { from: ['joiners.ts'] },
  'joiners.ts': { from: [] },
}

const sources = readSources()

test('every import is in the table', () => {
  expect(violations(sources)).toEqual([])
})

test('no cycles, not even of types', () => {
  expect(cycles(sources)).toEqual([])
})

test('what is pure knows no time, no dice and no process', () => {
  const impure = /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|console\.|fetch\()/
  const found = [...sources].filter(
    ([name, text]) => /^(call|state)\//.test(name) && impure.test(withoutComments(text)),
  )
  expect(found.map(([name]) => name)).toEqual([])
})

test('what a run touches outside comes in through its environment, so that a simulation can stand in for it', () => {
  const direct =
    /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|setImmediate|console\.)|(?<![.\w])fetch\(/
  const found = [...sources].filter(
    ([name, text]) => /^(run|commands)\//.test(name) && direct.test(withoutComments(text)),
  )
  expect(found.map(([name]) => name)).toEqual([])
})

test('the table has a row for everything that there is, and for nothing else', () => {
  expect([...new Set([...sources.keys()].map(roomOf))].sort()).toEqual(Object.keys(TABLE).sort())
})

test.each([
  ['a value from io/ in run/', 'run/x.ts', "import { open } from '../io/relay/pool.ts'"],
  ['the network in call/', 'call/x.ts', "import { connect } from 'node:net'"],
  ['state/ in io/', 'io/x.ts', "import { emptyIndex } from '../state/state.ts'"],
  ['a value in a mixed import', 'commands/x.ts', "import { type RunContext, refreshContext } from '../run/context.ts'"],
  ['something passed on', 'call/x.ts', "export { run } from '../run/run.ts'"],
  ['something imported later', 'state/x.ts', "const { main } = await import('../cli/cli.ts')"],
  ['something over several lines', 'nostr/x.ts', "import {\n  a,\n} from '../errors.ts'"],
  ['crypto outside of nostr/', 'call/x.ts', "import { sha256 } from '@noble/hashes/sha2.js'"],
  ['a default', 'commands/x.ts', "import yargs from 'yargs'"],
  ['everything', 'run/x.ts', "import * as relay from '../io/relay/pool.ts'"],
  ['for its effect only', 'call/x.ts', "import 'node:fs'"],
])('notices %s', (_, name, text) => {
  expect(violations(new Map([[name, text]]))).toHaveLength(1)
})

test('notices a cycle of types', () => {
  const loop = new Map([
    ['call/a.ts', "import type { B } from './b.ts'"],
    ['call/b.ts', "import { c } from './c.ts'"],
    ['call/c.ts', "// from './x.ts'\nimport type { A } from './a.ts'"],
  ])
  expect(cycles(loop)).toEqual(['call/a.ts → call/b.ts → call/c.ts → call/a.ts'])
})

function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([name, text]) =>
    importsOf(name, text).flatMap(({ to, type }) => (mayImport(name, to, type) ? [] : [`${name} imports ${to}`])),
  )
}

function mayImport(name: string, to: string, type: boolean): boolean {
  const row = TABLE[roomOf(name)]
  if (row === undefined) return false
  const { from, types = [], packages = [] } = row
  const allowed = [roomOf(name), ...from, ...packages, ...(type ? types : [])]
  return allowed.some((entry) => (/[/*]$/.test(entry) ? to.startsWith(entry.replace('*', '')) : to === entry))
}

function cycles(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    const at = path.indexOf(name)
    if (at >= 0) found.push([...path.slice(at), name].join(' → '))
    if (at >= 0 || done.has(name)) return
    for (const { to } of importsOf(name, files.get(name) ?? '')) visit(to, [...path, name])
    done.add(name)
  }
  for (const name of files.keys()) visit(name, [])
  return found
}
