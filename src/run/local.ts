// Commands that talk to nobody: what we know, who we are, what is set. They answer from disk at once.
import type { Intent } from '../call/intent.ts'
import { Failure } from '../errors.ts'
import type { State } from '../state/book.ts'
import type { Outcome } from './outcome.ts'
import type { Place } from './place.ts'
import { quiet } from './quiet.ts'
import type { Read } from './transcript.ts'

/** Undefined for a command that needs the relays. */
export async function local(intent: Intent, place: Place, book: State): Promise<Outcome | undefined> {
  const { settings } = place.world
  switch (intent.type) {
    case 'whoami': {
      const outcome = quiet(intent, place, book)
      return intent.exportTo === undefined ? outcome : { ...outcome, exported: place.world.handOver(intent.exportTo) }
    }
    case 'transcript': {
      const { transcript } = await import('./transcript.ts')
      return answered(transcript(intent, place, book), intent, place, book)
    }
    case 'contacts': {
      const { editList } = await import('./contacts.ts')
      return { ...quiet(intent, place, book), contacts: await editList(intent, place, book) }
    }
    case 'config':
      if (intent.action === 'set') await settings.set(intent.key, intent.values)
      if (intent.action === 'unset') await settings.unset(intent.key)
      return { ...quiet(intent, place, book), settings: settings.list(intent.key) }
    default:
      return undefined
  }
}

function answered(read: Read | Failure, intent: Intent, place: Place, book: State): Outcome {
  if (read instanceof Failure) return { ...quiet(intent, place, book), failure: read }
  return { ...quiet(intent, place, read.book), call: read.call, reading: read.reading }
}
