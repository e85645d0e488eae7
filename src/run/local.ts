// Commands that talk to nobody: what we know, who we are, what is set. They answer from disk at once.
import type { Intent } from '../call/intent.ts'
import { Failure } from '../failure.ts'
import type { Book } from '../state/book.ts'
import { editList } from './contacts.ts'
import { UNHEARD } from './listen.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Place } from './place.ts'
import { type Read, transcript } from './transcript.ts'

/** Undefined for a command that needs the relays. */
export async function local(intent: Intent, place: Place, book: Book): Promise<Outcome | undefined> {
  const { settings } = place.world
  switch (intent.type) {
    case 'whoami': {
      const outcome = quiet(intent, place, book)
      return intent.exportTo === undefined ? outcome : { ...outcome, exported: place.world.handOver(intent.exportTo) }
    }
    case 'transcript':
      return answered(transcript(intent, place, book), intent, place, book)
    case 'contacts':
      return { ...quiet(intent, place, book), contacts: await editList(intent, place, book) }
    case 'config':
      if (intent.action === 'set') await settings.set(intent.key, intent.values)
      if (intent.action === 'unset') await settings.unset(intent.key)
      return { ...quiet(intent, place, book), settings: settings.list(intent.key) }
    default:
      return undefined
  }
}

function answered(read: Read | Failure, intent: Intent, place: Place, book: Book): Outcome {
  if (read instanceof Failure) return { ...quiet(intent, place, book), failure: read }
  return { ...quiet(intent, place, read.book), call: read.call, reading: read.reading }
}

/** The outcome of a run in which nobody was heard and nothing said. */
export function quiet(intent: Intent, place: Place, book: Book): Outcome {
  const turn = { book, verdict: { say: [] }, said: [], dues: [], appeals: [], asked: undefined, acks: [], touched: [] }
  return outcomeOf({ place, intent, heard: UNHEARD, turn, book, posted: undefined, escalation: undefined, answers: [] })
}
