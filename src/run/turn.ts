// One turn under the lock: merge what was heard into the newest state, decide, and write down what is to be said.
// Applied to whatever is on disk by then, so parallel commands take turns and none overwrites another.
import type { Escalation } from '../call/appeal.ts'
import type { Intent } from '../call/intent.ts'
import { trustOf } from '../call/people.ts'
import type { Presence } from '../call/presence.ts'
import { type AppealDue, appealsDue } from '../state/appeals.ts'
import { type Book, callsOf } from '../state/book.ts'
import { callsIn, converse, type Turned } from '../state/converse.ts'
import { editBook } from '../state/edit.ts'
import { lettersDue } from '../state/letters.ts'
import { relaysAsked } from '../state/relays.ts'
import { remember } from '../state/remember.ts'
import { ask } from './appeal.ts'
import type { Heard } from './listen.ts'
import { type Place, speakerOf } from './place.ts'

export type Turn = Turned & {
  /** What the owner is to be told, and what the command itself asks it. */
  appeals: AppealDue[]
  asked: Escalation | undefined
}

/** What the command looked up before: whom it calls, and what nprofiles and presences say of peers. */
export type Looked = {
  peer: string | undefined
  peers: readonly string[]
  presences: readonly Presence[]
  hints: Record<string, readonly string[]>
}

export async function take(place: Place, intent: Intent, heard: Heard, looked: Looked): Promise<Turn> {
  const { world, now, people, selector } = place
  const speaker = speakerOf(place)
  const { config } = world
  const seat = {
    ...speaker,
    ...{ people, selector, peer: looked.peer, name: config.name, inbox: world.relays.inbox, alive: world.alive },
    ...{ ring: config.call.ring, inlineMax: config.file.inlineMax },
    policy: { ...config.policy, trust: (pubkey: string) => trustOf(people, pubkey) },
  }
  const { opened, replayed } = heard
  const mail = { opened, replayed, deep: intent.type === 'inbox' && intent.deep }
  const mailboxes = heard.answers.filter((a) => a.name === 'inbox')
  const sightings = { ...looked, looked: looked.peers, public: heard.public }
  return await world.store.update(callsIn(opened, world.store.read().index, selector), (fresh) => {
    const known = remember(relaysAsked(owned(fresh, speaker.me), mailboxes, now), sightings, now)
    const turned = converse(known, intent, mail, seat)
    const { verdict, said } = turned
    const asking = ask(turned.book, place, { intent, verdict, said, calls: callsOf(turned.book, speaker.me, now) })
    const letters = lettersDue(asking.book, speaker, world.alive)
    const appeals = appealsDue(letters.book, world.owner.channels, speaker, world.alive)
    const { book } = appeals
    const owed = { dues: [...letters.dues, ...turned.dues], appeals: appeals.dues, asked: asking.asked }
    return { snapshot: book, value: { ...turned, ...owed, book } }
  })
}

// A state belongs to one key: cursors, seen ids and calls mean nothing to another.
function owned(book: Book, me: string): Book {
  if (book.index.agent === me) return book
  const edit = editBook(book)
  edit.index.agent = me
  return edit.book
}
