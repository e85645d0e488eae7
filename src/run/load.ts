// Loading what we know: where every run begins.
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'

/** What is on disk; the calls of 0.1.0 are set aside first. */
export async function load(context: RunContext): Promise<State> {
  const known = context.environment.store.read()
  return known.index.legacy === true ? await (await import('./legacy.ts')).withoutLegacyCalls(context) : known
}
