// What the documents name is there: whoever follows a path or a script out of them finds it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { LOG_VERSION } from '../../src/call/log-codec.ts'
import { stateCodec } from '../../src/state/state-codec.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const DOCUMENTS = [
  'README.md',
  ...documents.map((name) => `docs/${name}`),
  'test/stories/README.md',
  'test/upgrade/README.md',
]
const read = (name: string) => readFileSync(join(root, name), 'utf8')

test.each(DOCUMENTS)('%s names only files that are there', (name) => {
  const text = read(name)
  const folders = [...text.matchAll(/`((?:src|test|scripts|docs|skill)\/[\w./*-]*\/)`/g)].map(([, path = '']) => path)
  const files = [...text.matchAll(/`([\w./*-]*\/[\w.*-]+\.(?:ts|mjs|md|svg|txt))`/g)].map(([, path = '']) => path)
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path)
  // From the root, from where the document lies, or, as SECURITY.md says, from test/.
  const places = (path: string) => [
    path,
    join(dirname(name), path),
    ...(name.endsWith('SECURITY.md') ? [`test/${path}`] : []),
  ]
  expect([...folders, ...files, ...links].filter((path) => !places(path).some(isThere))).toEqual([])
})

test('every test that SECURITY.md names is there', () => {
  const names = [...read('docs/SECURITY.md').matchAll(/`([\w./-]+\.(?:test\.ts|txt))`/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => !existsSync(join(root, 'test', name)))).toEqual([])
})

test('SECURITY.md promises nothing that no test holds', () => {
  const promises = read('docs/SECURITY.md')
    .split('| promise | held by |')
    .slice(1)
    .flatMap((table) => (table.split('\n\n')[0] ?? '').split('\n').filter((row) => row.startsWith('| **')))
  expect(promises.length).toBeGreaterThan(20)
  expect(promises.filter((row) => !/`[\w./-]+\.(?:test\.ts|txt)`[^|]*\|$/.test(row))).toEqual([])
})

test.each(DOCUMENTS)('%s names only scripts that package.json has', (name) => {
  const scripts = [...read(name).matchAll(/npm run ([\w-]+)/g)].map(([, script = '']) => script)
  expect(scripts.filter((script) => !Object.hasOwn(pkg.scripts, script))).toEqual([])
})

test('UPGRADING.md says which versions of the files this program writes', () => {
  const table = read('docs/UPGRADING.md')
  const version = (file: string) => Number(new RegExp(`^\\| \`${file}\` \\| (\\d+) \\|`, 'm').exec(table)?.[1])
  expect(version('p2p/state.json')).toBe(stateCodec.version)
  expect(version('p2p/calls/<id>.json')).toBe(LOG_VERSION)
  expect(version('p2p/calls/<id>/<n>.json')).toBe(stateCodec.archive.version)
})

// A comment in src that says "…" (docs/PROTOCOL.md, "Delivery") can be followed, and repeats what stands there.
test('what comments cite of PROTOCOL.md stands there', () => {
  const protocol = read('docs/PROTOCOL.md')
  const sections = [...protocol.matchAll(/^(?:## \d+\. (.+)|\*\*([^*]+)\.\*\*)/gm)].map(
    ([, title, name]) => title ?? name,
  )
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const comments = sources.map((name) => oneLine(read(`src/${name}`).replace(/^\s*(?:\/\/|\*) ?/gm, ' '))).join(' ')
  const cited = [...comments.matchAll(/docs\/PROTOCOL\.md, "([^"]+)"/g)].map(([, name]) => name)
  expect(cited.length).toBeGreaterThan(20)
  expect(cited.filter((name) => !sections.includes(name))).toEqual([])
  const quotes = [...comments.matchAll(/"([^"]+)" \(docs\/PROTOCOL\.md/g)].flatMap(([, quote = '']) =>
    quote.split(' … '),
  )
  expect(quotes.length).toBeGreaterThan(5)
  const text = oneLine(protocol.replaceAll('**', '')).toLowerCase()
  expect(quotes.filter((quote) => !text.includes(quote.toLowerCase()))).toEqual([])
})

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}

/** Whether a path is there; `*` in its last part stands for anything. */
function isThere(path: string): boolean {
  const full = join(root, path)
  if (!path.includes('*')) return existsSync(full)
  const pattern = new RegExp(
    `^${full
      .slice(dirname(full).length + 1)
      .replaceAll('.', '\\.')
      .replaceAll('*', '.*')}$`,
  )
  return existsSync(dirname(full)) && readdirSync(dirname(full)).some((name) => pattern.test(name))
}
