// The schemas themselves: one for every command, and none that takes anything.
import { expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { isSchema, SCHEMAS, schemaError } from '../support/json-schema.ts'

test('every command that prints JSON has a schema', () => {
  const silent = ['completion']
  const verbs = Object.keys(commands).filter((verb) => !silent.includes(verb))
  expect(verbs.filter((verb) => !SCHEMAS.includes(verb))).toEqual([])
})

test.each(SCHEMAS)('%s is a JSON Schema', (name) => {
  expect(isSchema(name)).toBe(true)
})

test.each(SCHEMAS.filter((name) => name !== 'common'))('%s is no schema for everything', (name) => {
  expect(schemaError(name, {})).toMatch(/breaks/)
  expect(schemaError(name, { ok: true, command: 'another' })).toMatch(/breaks/)
  if (name === 'item') return
  expect(schemaError(name, { ok: false, command: name })).toMatch(/breaks/)
  const error = { code: 'USAGE', message: 'no', hint: '' }
  expect(schemaError(name, { ok: false, command: name, error })).toBeUndefined()
})
