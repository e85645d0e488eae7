// One word, one thing: no name of a type stands for two things in src/.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

test('no name of a type is declared twice', () => {
  const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name): [string, string] => [name, readFileSync(join(SRC, name), 'utf8')])
  expect(declaredTwice(sources)).toEqual([])
})

test.each([
  ['two types', 'export type A = 1', 'export type A = 2'],
  ['a type and an interface', 'export type A = 1', 'export interface A {}'],
  ['one of a file only, and an exported one', 'type A = 1', 'export type A = 2'],
  ['classes, and types with parameters', 'export class A {}', 'export type A<T> = T'],
])('notices %s', (_, one, other) => {
  expect(
    declaredTwice([
      ['a.ts', one],
      ['b.ts', other],
    ]),
  ).toEqual(['A: a.ts, b.ts'])
})

test('what is imported is not declared, and what two files keep to themselves may share a name', () => {
  const imported = "import type { A } from './a.ts'\nexport type { A } from './a.ts'"
  expect(
    declaredTwice([
      ['a.ts', 'export type A = 1\ntype Options = 1'],
      ['b.ts', `${imported}\ntype Options = 2`],
    ]),
  ).toEqual([])
})

/** Names that one file exports as a type and another declares: "Name: file, file". */
function declaredTwice(sources: readonly (readonly [string, string])[]): string[] {
  const places = new Map<string, { files: string[]; exported: boolean }>()
  for (const [file, text] of sources)
    for (const [, exporting, name = ''] of text.matchAll(
      /^(export )?(?:declare )?(?:abstract )?(?:type|interface|class) (\w+)(?=[ <{])(?! *,| *})/gm,
    )) {
      const place = places.get(name) ?? { files: [], exported: false }
      places.set(name, { files: [...place.files, file], exported: place.exported || exporting !== undefined })
    }
  return [...places].flatMap(([name, { files, exported }]) =>
    exported && files.length > 1 ? [`${name}: ${files.join(', ')}`] : [],
  )
}
