// The calls of 0.1.0, which proved nothing against the peer: shown once as Markdown, and set aside.
import { legacyCall } from '../call/transcript/legacy.ts'
import { commitLetters } from '../state/letter-log.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import type { RunContext } from './context.ts'

/** The state without them. What was letters, contacts, settings and the identity stays; the user is told where the rest is. */
export async function withoutLegacyCalls({ environment }: RunContext): Promise<State> {
  const { pubkey } = environment.keys
  const ids = await environment.setAsideLegacyCalls((files) => legacyCall(files, pubkey))
  await environment.store.update([], (fresh) => ({ snapshot: withoutLegacyParts(fresh), value: undefined }))
  if (ids.length > 0) {
    environment.say(
      `${ids.length === 1 ? 'one call' : `${ids.length} calls`} of p2p 0.1.0, which nobody can verify: kept as Markdown in ${environment.home.transcripts}, the files set aside in ${environment.home.dir}/calls-0.1.0`,
    )
  }
  return environment.store.read()
}

/** Its letters lay in the index; they are logs now. */
function withoutLegacyParts(state: State): State {
  const { legacy: _, dms = {}, ...index } = state.index
  const edit = beginTransaction({ ...state, index })
  for (const [id, letter] of Object.entries(dms)) edit.letterLog(letter.rumor.pubkey).letters[id] = letter
  commitLetters(edit)
  return edit.commit()
}
