// Calls that are over lie on disk as Markdown, for whoever reads them later without this program. Written when a call is over, and
// once more when both sides have confirmed it.
import { excerptOf } from '../call/transcript/excerpt.ts'
import { markdownOf } from '../call/transcript/markdown.ts'
import { Failure } from '../errors.ts'
import { namesOf } from '../state/peer-memory.ts'
import { callOf, type Index, type State } from '../state/state.ts'
import { ownAgent, type RunContext } from './context.ts'
import { transcriptFor } from './transcript.ts'

/** Most that one run writes. */
const MAX_A_RUN = 20

/**
 * The calls of whose end, or confirmation, this run has heard, and those at hand whose file is missing. `keepDays`: transcript.keep.
 * @param before the index as it was loaded
 */
export function transcriptsDue(
  before: Index,
  { index, logs }: State,
  kept: Readonly<Record<string, string>>,
  { now: at, keepDays }: { now: number; keepDays: number },
): string[] {
  const due = Object.entries(index.calls).filter(([id, now]) => {
    const then = before.calls[id]
    if (!CONVERSATIONS.includes(now.phase)) return false
    // What transcript.keep has deleted is not written anew while its call is still at hand.
    if (keepDays > 0 && now.overAt !== undefined && at - now.overAt >= keepDays * 86_400) return false
    const isChanged = now.phase !== then?.phase || now.verified !== then.verified
    return isChanged || (kept[id] === undefined && logs[id] !== undefined)
  })
  return due.map(([id]) => id).slice(0, MAX_A_RUN)
}

const CONVERSATIONS: readonly string[] = ['ended', 'expired', 'forked']

/** Writes their transcripts. A disk that takes none keeps no command from doing its job. */
export function keepTranscripts(ids: readonly string[], state: State, context: RunContext): void {
  const { environment, now } = context
  const people = { ...context.people, names: namesOf(state) }
  const me = ownAgent(context, people)
  for (const id of ids) {
    const log = environment.store.readLog(id)
    const call = log === undefined ? undefined : callOf(log, environment.keys.pubkey, now)
    if (log === undefined || call === undefined) continue
    const transcript = transcriptFor(call, { state: { index: state.index, logs: { [id]: log } }, me, people })
    if (transcript === undefined) continue
    try {
      environment.saveTranscript(id, `${markdownOf(excerptOf(transcript, 0)).join('\n')}\n`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
}
