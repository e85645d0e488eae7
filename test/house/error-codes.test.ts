// One table of error codes: the code throws no other word, with no other exit code, and README shows the same.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CODES, EXIT } from '../../src/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const names: Record<string, string> = Object.fromEntries(Object.entries(EXIT).map(([name, n]) => [String(n), name]))

/** Every code in the sources, with the exit code beside it. */
function codesInSources(): string[] {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter(
    (f) => f.endsWith('.ts') && f !== 'errors.ts',
  )
  const sources = files.map((file) => readFileSync(`${root}src/${file}`, 'utf8'))
  const found = sources.flatMap((source) => [...source.matchAll(/'([A-Z][A-Z0-9_]+)',\s*EXIT\.(\w+)/g)])
  return [...new Set(found.map(([, code, exit]) => `${code} ${exit}`))].sort()
}

test('the sources and the table name the same codes with the same exit codes', () => {
  // `NO_CALL` is thrown through a constant of that name.
  const table = Object.entries(CODES).map(([code, [exit]]) => `${code} ${names[exit]}`)
  expect(codesInSources().filter((pair) => !table.includes(pair))).toEqual([])
  expect(table.filter((pair) => !codesInSources().includes(pair) && !pair.startsWith('NO_CALL '))).toEqual([])
})

test('README lists them all', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  const rows = Object.entries(CODES).map(([code, [exit, means]]) => `| \`${code}\` | ${exit} | ${means} |`)
  for (const row of rows) expect(readme).toContain(row)
})
