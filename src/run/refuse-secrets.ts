// Looks for secrets in whatever a command would say, and in the settings that are published, before anything is decided or kept.
import type { Intent } from '../call/intent.ts'
import type { Failure } from '../errors.ts'
import type { RunContext } from './context.ts'

/** SECRET where what the command says, or a published setting, holds a secret or one of our own files; undefined where none does. */
export async function refuseSecrets(intent: Intent, { environment }: RunContext): Promise<Failure | undefined> {
  // It says nothing to anybody, and may be used to search for whether the key was ever said.
  if (intent.type === 'transcript') return undefined
  const { name, about, capabilities } = environment.config
  const settings = Object.entries({ name, about, capabilities })
  // A command that corrects a setting is not refused for what the setting holds.
  const shown = intent.type === 'config' ? [] : settings.map(([key, value]) => [`the setting ${key}`, value] as const)
  for (const [what, value] of [['what you gave', intent] as const, ...shown]) {
    const contents = contentsOf(value)
    const refused = contents.length === 0 ? undefined : await environment.refuseSecrets(contents, what)
    if (refused !== undefined) return refused
  }
  return undefined
}

/** Characters or bytes: no secret is shorter, in whatever form. */
const SHORTEST = 32

/** All texts and bytes in a value, however deep, so that fields of later commands are covered too. */
function contentsOf(value: unknown): (string | Uint8Array)[] {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length < SHORTEST ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(contentsOf) : []
}
