// Transcripts of calls that are over, as Markdown on disk, for whoever reads them later without this program. Each is written when its
// call is over, and once more when both sides have confirmed the end.

import { replay } from '../call/replay.ts'
import { isPastConversation } from '../call/rules.ts'
import { excerptOf } from '../call/transcript/excerpt.ts'
import { markdownOf } from '../call/transcript/markdown.ts'
import { Failure } from '../errors.ts'
import { namesOf } from '../state/peer-memory.ts'
import type { Index, State } from '../state/state.ts'
import { ownAgent, type RunContext } from './context.ts'
import { transcriptFor } from './transcript.ts'

/** Most transcripts that one run writes. */
const MAX_A_RUN = 20

/**
 * The calls whose transcripts are to be written: those whose end, or its confirmation, this run has heard of, and loaded ones whose
 * file is missing. `keepDays`: transcript.keep.
 * @param before the index as it was loaded
 * @param kept where transcripts lie now, by call
 */
export function transcriptsDue(
  before: Index,
  { index, logs }: State,
  kept: Readonly<Record<string, string>>,
  { now: at, keepDays }: { now: number; keepDays: number },
): string[] {
  const due = Object.entries(index.calls).filter(([id, now]) => {
    const then = before.calls[id]
    if (!isPastConversation(now.phase)) return false
    // What transcript.keep has deleted is not written anew while its call is still loaded.
    if (keepDays > 0 && now.overAt !== undefined && at - now.overAt >= keepDays * 86_400) return false
    const isChanged = now.phase !== then?.phase || now.verified !== then.verified
    return isChanged || (kept[id] === undefined && logs[id] !== undefined)
  })
  return due.map(([id]) => id).slice(0, MAX_A_RUN)
}

/** Writes the transcripts of these calls. A disk that takes none does not keep a command from its job. */
export function keepTranscripts(ids: readonly string[], state: State, context: RunContext): void {
  const { environment, now } = context
  const people = { ...context.people, names: namesOf(state) }
  const me = ownAgent(context, people)
  for (const id of ids) {
    const log = environment.store.readLog(id)
    const call = log === undefined ? undefined : replay(log, environment.keys.pubkey, now)
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
