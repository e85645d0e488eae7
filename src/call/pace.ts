// Whether a call has become longer than its owner wants, or goes round in circles: two machines that answer each other
// at once and say little. Nobody but our own agent is told.
import { type ArchiveSummary, timeOf } from './log.ts'
import type { Call } from './replay.ts'

/** `messages`: how many there are in the call; `circling`: how many short turns within how many seconds, where it goes in circles. */
export type Pace = { messages: number; circling: { turns: number; seconds: number } | undefined }

/** This many turns within this many seconds, with this few characters each on average, are two programs that answer each other. */
const CIRCLING = { turns: 30, seconds: 600, characters: 200 }

/**
 * How much has been said in a call, and whether two programs answer each other in a circle.
 * @param archive what of the call lies in the archive: its messages count, its turns do not, since only the last ones matter
 */
export function paceOf({ lines }: Call, archive?: ArchiveSummary): Pace {
  const said = lines.filter(({ signal, effective }) => signal.body.type === 'message' && effective)
  const turns = said.filter(({ signal }, n) => said[n - 1]?.signal.from !== signal.from)
  const last = turns.slice(-CIRCLING.turns)
  const times = last.map(({ signal, heard }) => timeOf(signal.at, heard))
  const seconds = times.reduce((a, b) => Math.max(a, b), 0) - times.reduce((a, b) => Math.min(a, b), times[0] ?? 0)
  const characters = last.reduce((sum, { signal }) => sum + signal.body.text.length, 0)
  const isFull = last.length === CIRCLING.turns && characters <= CIRCLING.turns * CIRCLING.characters
  const circling = isFull && seconds <= CIRCLING.seconds ? { turns: last.length, seconds } : undefined
  return { messages: said.length + (archive?.messages ?? 0), circling }
}
