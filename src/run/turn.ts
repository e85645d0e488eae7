// One turn under the lock: merge what was heard into the newest state, decide, and write down what is to be said.
// Applied to whatever is on disk by then, so parallel commands take turns and none overwrites another.
import type { Escalation } from '../call/appeal.ts'
import { decide, type Verdict } from '../call/decide.ts'
import type { Intent } from '../call/intent.ts'
import { trustOf } from '../call/people.ts'
import type { Presence } from '../call/presence.ts'
import { callId, LIMIT, read } from '../call/signal.ts'
import { type AppealDue, appealsDue } from '../state/appeals.ts'
import { type Book, callsOf, type Index } from '../state/book.ts'
import { editBook } from '../state/edit.ts'
import { hear } from '../state/hear.ts'
import { lettersDue } from '../state/letters.ts'
import { claim, type Due, due } from '../state/owed.ts'
import { relaysAsked } from '../state/relays.ts'
import { remember } from '../state/remember.ts'
import { answers, endings, type ReceiptDue, receipts, telling } from '../state/replies.ts'
import { type Said, say } from '../state/say.ts'
import { rivals } from '../state/summary.ts'
import { ask } from './appeal.ts'
import type { Heard } from './listen.ts'
import { type Place, speakerOf } from './place.ts'

export type Turn = {
  book: Book
  /** What the command itself wanted to say, by its intent: the last of `said`. */
  verdict: Verdict
  said: Said[]
  dues: Due[]
  /** What the owner is to be told, and what the command itself asks it. */
  appeals: AppealDue[]
  asked: Escalation | undefined
  acks: ReceiptDue[]
  /** Calls in which something new came in. */
  touched: string[]
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
  const me = world.keys.pubkey
  const speaker = speakerOf(place)
  const { index } = world.store.read()
  return await world.store.update(needed(index, heard, selector), (fresh) => {
    const { policy } = world.config
    const gate = { ...policy, trust: (pubkey: string) => trustOf(people, pubkey) }
    const hearing = { me, now, replayed: heard.replayed, gate, deep: intent.type === 'inbox' && intent.deep }
    const mailboxes = heard.answers.filter((a) => a.name === 'inbox')
    const listened = hear(relaysAsked(owned(fresh, me), mailboxes, now), heard.opened, hearing)
    const met = remember(
      listened.book,
      { looked: looked.peers, public: heard.public, presences: looked.presences, hints: looked.hints },
      now,
    )
    const calls = callsOf(met, me, now)
    const verdict = decide(intent, {
      calls,
      people,
      selector,
      peer: looked.peer,
      name: world.config.name,
      inbox: world.relays.inbox,
      ring: world.config.call.ring,
      inlineMax: world.config.file.inlineMax,
      me,
      now,
    })
    // What our agent answers itself goes before what we would answer for it.
    const answered = verdict.say.map((u) => u.call)
    const self = { name: world.config.name, relays: world.relays.inbox.slice(0, LIMIT.relays) }
    const unasked = [...endings(calls), ...answers(calls, gate, self).filter((u) => !answered.includes(u.call))]
    const { book: spoken, said } = say(met, [...unasked, ...verdict.say], speaker)
    const { book: asking, asked } = ask(spoken, place, { intent, verdict, said, calls })
    const letters = lettersDue(asking, speaker, world.alive)
    const appeals = appealsDue(letters.book, world.owner.channels, speaker, world.alive)
    const dues = dueNow(spoken, said, now, world.alive)
    const acks = receipts(
      spoken,
      callsOf(spoken, me, now),
      listened.touched,
      said.map((s) => s.call),
      now,
    )
    const book = telling(claim(appeals.book, dues, speaker), [...acks, ...carried(said)], speaker)
    const owed = { dues: [...letters.dues, ...dues], appeals: appeals.dues, asked }
    return { snapshot: book, value: { book, verdict, said, ...owed, acks, touched: listened.touched } }
  })
}

// What has just been said is claimed already, so the outbox does not name it: it goes last, in the order it was said.
function dueNow(book: Book, said: readonly Said[], now: number, alive: (pid: number) => boolean): Due[] {
  const now_ = said.map(({ call, to, rumor }) => ({ call, to, rumor, wrap: undefined, skip: [] }))
  return [...due(book, now, alive), ...now_]
}

// Whatever is numbered carries the ack, so it does not need a receipt.
function carried(said: readonly Said[]): Pick<ReceiptDue, 'call' | 'ack' | 'missing'>[] {
  return said.map(({ call, rumor }) => ({
    call,
    ack: Number(rumor.tags.find((t) => t[0] === 'ack')?.[1] ?? 0),
    missing: [],
  }))
}

/** The calls that this turn may touch and that are not loaded anyway. */
function needed(index: Index, { opened }: Heard, selector: string | undefined): string[] {
  const ids = opened.flatMap(({ rumor }) => {
    if (rumor === undefined) return []
    const signal = read(rumor)
    if (signal?.body.type !== 'request') return callId(rumor) ?? []
    const request = {
      peer: rumor.pubkey,
      direction: 'incoming' as const,
      createdAt: signal.at,
      deadline: signal.body.deadline,
    }
    return [signal.id, ...rivals(index, request)]
  })
  const meant =
    selector === undefined ? [] : Object.keys(index.calls).filter((id) => id.startsWith(selector.toLowerCase()))
  return [...ids, ...meant]
}

// A state belongs to one key: cursors, seen ids and calls mean nothing to another.
function owned(book: Book, me: string): Book {
  if (book.index.agent === me) return book
  const edit = editBook(book)
  edit.index.agent = me
  return edit.book
}
