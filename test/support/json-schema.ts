// The JSON Schemas of docs/schema, and whether a document of --json keeps to the one of its command.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'

const folder = fileURLToPath(new URL('../../docs/schema/', import.meta.url))

/** The commands that have a schema. */
export const SCHEMAS = readdirSync(folder).map((file) => file.replace(/\.json$/, ''))

// To optimize what a schema is compiled to takes longer than all that is asked of it here.
const options = {
  strict: true,
  strictRequired: false,
  allErrors: false,
  allowUnionTypes: true,
  code: { optimize: false },
}
const ajv = new Ajv2020({ ...options, validateSchema: false })
for (const name of SCHEMAS) ajv.addSchema(readSchema(name))

function readSchema(name: string): object {
  return JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8'))
}

/** Whether a schema keeps to JSON Schema itself, whose own schema is the longest of all and compiled where this is asked. */
export function isSchema(name: string): boolean {
  return ajv.validateSchema(readSchema(name)) === true
}

/** What is wrong with a document, if anything. `name`: a command, or `item` for a line of `wait --follow`. */
export function schemaError(name: string, document: unknown): string | undefined {
  if (!SCHEMAS.includes(name)) return `docs/schema/${name}.json is missing`
  return ajv.validate(`${name}.json`, document) ? undefined : `breaks docs/schema/${name}.json: ${ajv.errorsText()}`
}
