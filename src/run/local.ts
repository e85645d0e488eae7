// Commands that talk to nobody: what we know, who we are, what is set. They answer from disk at once.
import type { Intent } from '../call/intent.ts'
import { Failure } from '../errors.ts'
import type { State } from '../state/state.ts'
import type { Outcome } from './outcome.ts'
import type { Place } from './place.ts'
import { quiet } from './quiet.ts'
import type { Read } from './transcript.ts'

/** Undefined for a command that needs the relays. */
export async function local(intent: Intent, place: Place, state: State): Promise<Outcome | undefined> {
  const { settings } = place.world
  switch (intent.type) {
    case 'whoami': {
      const outcome = quiet(intent, place, state)
      return intent.exportTo === undefined ? outcome : { ...outcome, exported: place.world.handOver(intent.exportTo) }
    }
    case 'transcript': {
      const { transcript } = await import('./transcript.ts')
      return answered(transcript(intent, place, state), intent, place, state)
    }
    case 'contacts': {
      const { editList } = await import('./contacts.ts')
      return { ...quiet(intent, place, state), contacts: await editList(intent, place, state) }
    }
    case 'config':
      if (intent.action === 'set') await settings.set(intent.key, intent.values)
      if (intent.action === 'unset') await settings.unset(intent.key)
      return { ...quiet(intent, place, state), settings: settings.list(intent.key) }
    default:
      return undefined
  }
}

function answered(read: Read | Failure, intent: Intent, place: Place, state: State): Outcome {
  if (read instanceof Failure) return { ...quiet(intent, place, state), failure: read }
  return { ...quiet(intent, place, read.state), call: read.call, reading: read.reading }
}
