// What only some commands do, loaded for them alone: a command pays for nothing that it does not use.
import type { Intent, IntentOf, Large } from '../call/intent.ts'
import { relaysToProbe } from '../state/relay-memory.ts'
import type { State } from '../state/state.ts'
import type { Posted } from './announce.ts'
import type { Ended } from './ended.ts'
import type { Heard } from './listen.ts'
import type { Outcome } from './outcome.ts'
import type { Place } from './place.ts'
import type { Turn } from './turn.ts'

type Types = readonly Intent['type'][]

/** Commands that talk to nobody, those with which an agent goes on line, and those that fetch files from servers. */
const LOCAL: Types = ['whoami', 'transcript', 'contacts', 'config']
const GOES_ONLINE: Types = ['announce', 'call', 'answer']
const FETCHES: Types = ['inbox', 'status', 'announce']

/** Undefined for a command that needs the relays. */
export async function local(intent: Intent, place: Place, state: State): Promise<Outcome | undefined> {
  return LOCAL.includes(intent.type) ? await (await import('./local.ts')).local(intent, place, state) : undefined
}

/** One `announce` at a time. */
export async function alone(
  intent: IntentOf<'announce'>,
  place: Place,
  work: (place: Place) => Promise<Outcome>,
): Promise<Outcome> {
  return await (await import('./alone.ts')).alone(intent, place, work)
}

/** The intent to announce a file, once it lies on the server. */
export async function uploaded(intent: Large, server: string, place: Place, before: Outcome): Promise<Intent> {
  return await (await import('./upload.ts')).uploaded(intent, server, place, before)
}

export async function announce(intent: Intent, place: Place, turn: Turn): Promise<Posted | undefined> {
  return GOES_ONLINE.includes(intent.type)
    ? await (await import('./announce.ts')).announce(intent, place, turn)
    : undefined
}

/** Finds out which relays speak NIP-77, where it would have spared this run much. */
export async function acquaint(place: Place, { answers }: Heard, { index }: State): Promise<void> {
  const mailboxes = answers.filter((a) => a.name === 'inbox')
  const relays = relaysToProbe(index, mailboxes, place.now)
  if (relays.length > 0) await (await import('./acquaint.ts')).acquaint(place, relays)
}

/** The state, with the files that lie on servers and that the command has time for. */
export async function fetchFor(intent: Intent, place: Place, state: State): Promise<State> {
  return FETCHES.includes(intent.type) ? await (await import('./fetch.ts')).fetchFor(intent, place, state) : state
}

/** The outcome at once, or when what the command waits for has come, or in vain. */
export async function stay(ended: Ended, outcome: Outcome): Promise<Outcome> {
  const { intent } = ended
  const waits = intent.type === 'wait' || ('wait' in intent && intent.wait !== undefined)
  return waits ? await (await import('./wait.ts')).stay(ended, outcome) : outcome
}

/** Whoever ends a call gets it to read. */
export async function parting(outcome: Outcome, place: Place): Promise<Outcome> {
  return outcome.intent.type === 'end' ? (await import('./parting.ts')).parting(outcome, place) : outcome
}

/** Wakes the agent for what came in, and says what went wrong with that. */
export async function wake(intent: Intent, place: Place, outcome: Outcome): Promise<string[]> {
  const wakes = (intent.type === 'announce' || intent.type === 'wait') && place.world.config.hook.command.length > 0
  return wakes ? await (await import('./wake.ts')).wake(place, outcome) : []
}
