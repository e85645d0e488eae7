// The calls of 0.1.0, which proved nothing against the peer: shown once as Markdown, and set aside.
import { legacyCall } from '../call/transcript/legacy.ts'
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'

/** The state without them. What was letters, contacts, settings and the identity stays; the user is told where the rest is. */
export async function withoutLegacyCalls({ environment }: RunContext): Promise<State> {
  const { pubkey } = environment.keys
  const ids = await environment.setAsideLegacyCalls((files) => legacyCall(files, pubkey))
  await environment.store.update([], ({ index: { legacy, ...index }, logs }) => ({
    snapshot: { index, logs },
    value: undefined,
  }))
  if (ids.length > 0) {
    environment.say(
      `${ids.length === 1 ? 'one call' : `${ids.length} calls`} of p2p 0.1.0, which nobody can verify: kept as Markdown in ${environment.home.transcripts}, the files set aside in ${environment.home.dir}/calls-0.1.0`,
    )
  }
  return environment.store.read()
}
