// Whoever ends a call gets it to read.
import type { Outcome } from './outcome.ts'
import type { Place } from './place.ts'
import { readCall } from './reading.ts'

export function parting(outcome: Outcome, place: Place): Outcome {
  const { intent, call } = outcome
  if (intent.type !== 'end' || call === undefined) return outcome
  return { ...outcome, reading: readCall(place, call, outcome, intent.most) }
}
