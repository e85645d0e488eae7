// What a command has read for its reader: a call, the calls there are, or where words were found.

import type { Agent, AgentDirectory } from '../call/agents.ts'
import type { Call } from '../call/replay.ts'
import { type Excerpt, excerptOf } from '../call/transcript/excerpt.ts'
import { markdownOf } from '../call/transcript/markdown.ts'
import type { SearchHit } from '../call/transcript/search.ts'
import { type Transcript, transcriptOf } from '../call/transcript/transcript.ts'
import { Failure } from '../errors.ts'
import type { State } from '../state/state.ts'
import type { Place } from './place.ts'

export type Reading =
  | { type: 'call'; shown: Excerpt }
  /** The ids of calls, the latest first. */
  | { type: 'calls'; ids: string[] }
  /** `more`: there are more hits than fit. */
  | { type: 'found'; hits: SearchHit[]; more: boolean }

/** Where a call is looked up, and in whose words. */
export type Source = { state: State; me: Agent; people: AgentDirectory }

/** The transcript of a call as far as it fits; what does not fit is kept whole in a file. */
export function readCall(place: Place, call: Call, source: Source, most: number): Reading | undefined {
  const transcript = retold(call, source)
  return transcript === undefined ? undefined : { type: 'call', shown: shorten(place, transcript, most) }
}

export function retold(call: Call, { state, me, people }: Source): Transcript | undefined {
  const log = state.logs[call.id]
  return log === undefined ? undefined : transcriptOf(call, log, me, people)
}

function shorten({ world }: Place, transcript: Transcript, most: number): Excerpt {
  const shown = excerptOf(transcript, most)
  if (!shown.truncated) return shown
  const whole = markdownOf(excerptOf(transcript, 0))
  try {
    return { ...shown, path: world.keep(transcript.call.id, `${whole.join('\n')}\n`) }
  } catch (error) {
    // A full disk must not keep anybody from reading; the command that shows the whole is named all the same.
    if (error instanceof Failure) return shown
    throw error
  }
}
