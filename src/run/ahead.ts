// Speaking before hearing. A message in a call that was active when we last looked leaves in the same flight as the question
// for what is new, which saves a round trip; if it then turns out that the call was over, the outcome says that it came late.
import { decide } from '../call/decide.ts'
import type { Intent } from '../call/intent.ts'
import { isStale } from '../state/peer-memory.ts'
import { callsOf, type State } from '../state/state.ts'
import type { Place } from './place.ts'
import { routeTo } from './route.ts'
import { NOBODY, seatOf, type Turn, take, type Uttered } from './turn.ts'
import { utter } from './utter.ts'

/** A turn that was taken before anything was heard, and what came of what it said. */
export type Ahead = { turn: Turn; uttered: Uttered | undefined }

/**
 * The relays of the peer, when the intent is to say something that does not depend on what we have yet to hear. Undefined
 * when it does: the peer may read elsewhere by now, our clock was wrong, or the owner is to be told something too.
 */
export function aheadTo(intent: Intent, place: Place, state: State): readonly string[] | undefined {
  const { index } = state
  if (intent.type !== 'send' || index.clockAhead !== undefined || Object.keys(index.appeals).length > 0)
    return undefined
  const calls = callsOf(state, place.world.keys.pubkey, place.now)
  const [utterance] = decide(intent, { ...seatOf(place, undefined), calls }).say
  if (utterance === undefined || isStale(index.peers[utterance.to], place.now)) return undefined
  return routeTo(place, state, calls, utterance.to).relays
}

/** Undefined when a parallel command has changed the call meanwhile: then it is said after hearing. */
export async function speakAhead(intent: Intent, place: Place): Promise<Ahead | undefined> {
  const turn = await take(place, intent, undefined, NOBODY)
  return turn.verdict.refusal === undefined ? { turn, uttered: await utter(place, turn) } : undefined
}

/** Both turns as the one that they are to the user. */
export function joined(turn: Turn, ahead: Ahead | undefined): Turn {
  if (ahead === undefined) return turn
  const { verdict, said, dues } = ahead.turn
  return { ...turn, verdict, said: [...turn.said, ...said], dues: [...dues, ...turn.dues] }
}
