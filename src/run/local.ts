// Commands that talk to nobody: what we know, who we are, what is set. They answer from disk at once.
import type { Intent } from '../call/intent.ts'
import { EXIT, Failure } from '../failure.ts'
import { type Book, callOf } from '../state/book.ts'
import { editList } from './contacts.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Place } from './place.ts'

/** Undefined for a command that needs the relays. */
export async function local(intent: Intent, place: Place, book: Book): Promise<Outcome | undefined> {
  const { settings } = place.world
  switch (intent.type) {
    case 'whoami':
      return quiet(intent, place, book)
    case 'transcript':
      return transcript(intent.id ?? place.selector, intent, place, book)
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

function transcript(id: string | undefined, intent: Intent, place: Place, book: Book): Outcome {
  if (id === undefined) return quiet(intent, place, book)
  const { world, now } = place
  const matches = Object.keys(book.index.calls).filter((call) => call.startsWith(id.toLowerCase()))
  const [match, second] = matches
  if (match === undefined || id.length < 6) {
    return failed(
      intent,
      place,
      book,
      new Failure(
        'NO_SUCH_CALL',
        EXIT.impossible,
        `no call fits "${id}"`,
        '`p2p transcript` lists the calls there are; 6 characters of an id will do',
      ),
    )
  }
  if (second !== undefined) {
    return failed(
      intent,
      place,
      book,
      new Failure('SEVERAL_CALLS', EXIT.impossible, `${matches.length} calls fit "${id}"`, 'type more of the id'),
    )
  }
  const whole = world.store.read([match])
  const log = whole.logs[match]
  const call = log === undefined ? undefined : callOf(whole, log, world.keys.pubkey, now)
  return { ...quiet(intent, place, whole), call }
}

function failed(intent: Intent, place: Place, book: Book, failure: Failure): Outcome {
  return { ...quiet(intent, place, book), failure }
}

/** The outcome of a run in which nobody was heard and nothing said. */
export function quiet(intent: Intent, place: Place, book: Book): Outcome {
  const heard = { opened: [], replayed: [], public: [], answers: [], asked: [], clockAhead: 0 }
  const turn = { book, verdict: { say: [] }, said: [], dues: [], appeals: [], asked: undefined, acks: [], touched: [] }
  return outcomeOf({ place, intent, heard, turn, book, posted: undefined, escalation: undefined, answers: [] })
}
