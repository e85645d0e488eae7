// Two words behind `sendfile`: a name and base64, or two paths.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { readInput } from '../../src/cli/input.ts'
import { sendfile } from '../../src/commands/sendfile.ts'
import { Failure } from '../../src/errors.ts'
import { homeOf } from '../../src/io/home/paths.ts'

// A path that is base64 as well: no dot and no dash in it, and of a length that base64 can have.
const folder = mkdtempSync('/tmp/p2pwords')
afterAll(() => rmSync(folder, { recursive: true }))
const even = (name: string) =>
  join(folder, name.padEnd(name.length + ((4 - ((folder.length + 1 + name.length) % 4)) % 4), 'x'))
const [one, two, dotted] = [even('one'), even('two'), join(folder, 'rows.csv')]
for (const path of [one, two, dotted]) writeFileSync(path, 'x')

async function namesOf(name: string, ...more: string[]) {
  const wanted = sendfile.input?.({ name, more })
  const read =
    wanted === undefined ? {} : await readInput(wanted, homeOf(folder, {}), { env: {}, stdin: Readable.from([]) })
  return sendfile.intent({ name, more, ...read }).files.map((file) => file.name)
}

test('a name and base64, also where one of them is a file', async () => {
  expect(await namesOf('report.json', 'eyJkYXRhIjogdHJ1ZX0=')).toEqual(['report.json'])
  expect(await namesOf(dotted, 'eyJkYXRhIjogdHJ1ZX0=')).toEqual(['rows.csv'])
  expect(await namesOf('none', one)).toEqual(['none'])
})

test('two paths, where the second is no base64', async () => {
  expect(await namesOf(one, dotted)).toEqual([one.split('/').at(-1), 'rows.csv'])
})

test('where both readings fit, neither is taken, and the hint has a dot in it', async () => {
  const refusal = await namesOf(dotted, two).catch((error: unknown) => error)
  if (!(refusal instanceof Failure)) throw new Error('it was not refused')
  expect(refusal).toMatchObject({ code: 'USAGE', exit: 2 })
  const [, first = '', second = ''] = /sendfile (\S+) (\S+)`/.exec(refusal.hint) ?? []
  expect(await namesOf(first, second)).toEqual(['rows.csv', two.split('/').at(-1)])
})

test('what is neither: BAD_BASE64', async () => {
  await expect(namesOf('report.json', '*not base64*')).rejects.toMatchObject({ code: 'BAD_BASE64' })
  // Of two paths one is mistyped.
  await expect(namesOf(dotted, 'mising.csv')).rejects.toMatchObject({
    message: '"mising.csv" is no base64, nor are both of these files',
    hint: expect.stringContaining('which must all be there'),
  })
})
