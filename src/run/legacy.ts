// The calls of 0.1.0, which prove nothing against the peer: written once as Markdown, and set aside.
import { legacyCall } from '../call/transcript/legacy.ts'
import { commitLetters } from '../state/letter-log.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import type { RunContext } from './context.ts'

/** Sets them aside, tells the user where they are now, and gives the state without them. Letters, contacts, settings and identity stay. */
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

/** In 0.1.0 letters lay in the index; now they are logs of their own. */
function withoutLegacyParts(state: State): State {
  const { legacy: _, dms = {}, ...index } = state.index
  const edit = beginTransaction({ ...state, index })
  for (const [id, letter] of Object.entries(dms)) edit.letterLog(letter.rumor.pubkey).letters[id] = letter
  commitLetters(edit)
  return edit.commit()
}
