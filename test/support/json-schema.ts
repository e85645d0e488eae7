// The JSON Schemas of docs/schema, and whether a document of --json keeps to the one of its command.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'

const folder = fileURLToPath(new URL('../../docs/schema/', import.meta.url))

/** The commands that have a schema. */
export const SCHEMAS = readdirSync(folder).map((file) => file.replace(/\.json$/, ''))

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: false, allowUnionTypes: true })
for (const name of SCHEMAS) ajv.addSchema(JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')))

/** What is wrong with a document, if anything. `name`: a command, or `item` for a line of `wait --follow`. */
export function schemaError(name: string, document: unknown): string | undefined {
  if (!SCHEMAS.includes(name)) return `docs/schema/${name}.json is missing`
  return ajv.validate(`${name}.json`, document) ? undefined : `breaks docs/schema/${name}.json: ${ajv.errorsText()}`
}
