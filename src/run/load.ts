// Loading what we know: where every run begins.
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'

/** The state on disk, after calls of 0.1.0 were set aside. Throws what reading throws. */
export async function load(context: RunContext): Promise<State> {
  const known = context.environment.store.read()
  return known.index.legacy === true ? await (await import('./legacy.ts')).withoutLegacyCalls(context) : known
}
