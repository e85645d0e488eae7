// One table of error codes, from which a failure has its exit code: none in it is left over, and README shows the same.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CODES } from '../../src/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('every code of the table is used', () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  const sources = files.flatMap((file) =>
    file.endsWith('.ts') && file !== 'errors.ts' ? [readFileSync(`${root}src/${file}`, 'utf8')] : [],
  )
  const isUsed = (code: string) => sources.some((source) => source.includes(`'${code}'`))
  expect(Object.keys(CODES).filter((code) => !isUsed(code))).toEqual([])
})

test('README lists them all', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  const rows = Object.entries(CODES).map(([code, [exit, means]]) => `| \`${code}\` | ${exit} | ${means} |`)
  for (const row of rows) expect(readme).toContain(row)
})
