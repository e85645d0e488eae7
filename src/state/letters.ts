// Our direct messages outside of calls, such as those to our owner: each is owed like anything else that we say, until a relay has taken
// it, but for no longer than relays would keep it. Those that no relay has taken yet are in index.outgoingLetters.
import type { IntendedLetter } from '../call/decision.ts'
import { letterRumor } from '../call/letter.ts'
import type { Rumor } from '../nostr/event.ts'
import { commitLetters, keepOwnLetter } from './letter-log.ts'
import {
  entryAfterPublish,
  isPublishing,
  isSealable,
  nextPublish,
  type PendingPublish,
  type PublishResult,
} from './outbox.ts'
import type { AuthorContext } from './record-signals.ts'
import { claimBy, type IsAlive } from './retry.ts'
import { OPEN_AFTER_END, type OutgoingLetter, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** The rumor of a letter of ours, dated as we date what we publish. */
export function directMessage(text: string, to: string, author: Pick<AuthorContext, 'me' | 'now' | 'stamp'>): Rumor {
  const { me, now, stamp = now } = author
  return letterRumor(text, { from: me, to, at: stamp })
}

/** Writes down a letter that is owed, before anybody hears of it. */
export function oweLetter(state: State, rumor: Rumor, to: string): State {
  if (state.index.outgoingLetters[rumor.id] !== undefined) return state
  const entry = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] }
  const edit = beginTransaction(state)
  edit.index.outgoingLetters = { ...state.index.outgoingLetters, [rumor.id]: { to, rumor, entry } }
  keepOwnLetter(edit, rumor, to)
  commitLetters(edit)
  return edit.commit()
}

/** Dates the letter that a command writes, if it writes one, and owes it. */
export function writeLetter(
  state: State,
  intended: IntendedLetter | undefined,
  author: AuthorContext,
): { state: State; letter?: { to: string; rumor: Rumor } } {
  if (intended === undefined) return { state }
  const { to, text } = intended
  const rumor = directMessage(text, to, author)
  return { state: oweLetter(state, rumor, to), letter: { to, rumor } }
}

/** The letters to publish now, claimed by this process; none to anybody who was blocked meanwhile. */
export function lettersDue(
  state: State,
  author: AuthorContext,
  alive: IsAlive,
  isBlocked: (pubkey: string) => boolean = () => false,
): { state: State; dues: PendingPublish[] } {
  const { now } = author
  const held = Object.entries(state.index.outgoingLetters).filter(
    ([, { rumor }]) => now - rumor.created_at < OPEN_AFTER_END,
  )
  const letters: State['index']['outgoingLetters'] = Object.fromEntries(held)
  const dues = held.flatMap(([id, letter]): PendingPublish[] => {
    const { to, rumor, entry } = letter
    const turn = isPublishing(entry, now, alive) || isBlocked(to) ? undefined : nextPublish(entry, now)
    if (turn === undefined || !isSealable(rumor, to, turn.wrap)) return []
    letters[id] = { ...letter, entry: { ...entry, claim: claimBy(author) } }
    return [{ to, rumor, ...turn }]
  })
  const kept = dues.length === 0 && held.length === Object.keys(state.index.outgoingLetters).length
  return { state: kept ? state : withLetters(state, letters), dues }
}

/** Writes down what the relays answered. A letter that a relay has taken is no longer owed: nobody acknowledges it. */
export function recordLettersSent(state: State, results: readonly PublishResult[], { now }: AuthorContext): State {
  const mine = results.filter(({ rumor }) => state.index.outgoingLetters[rumor] !== undefined)
  if (mine.length === 0) return state
  const letters = { ...state.index.outgoingLetters }
  for (const { rumor, wrap, oks } of mine) {
    const held = letters[rumor]
    if (held === undefined) continue
    const entry = entryAfterPublish(held.entry, wrap, oks, now)
    if (entry.accepted.length > 0) delete letters[rumor]
    else letters[rumor] = { ...held, entry }
  }
  return withLetters(state, letters)
}

function withLetters(state: State, letters: Record<string, OutgoingLetter>): State {
  const edit = beginTransaction(state)
  edit.index.outgoingLetters = letters
  return edit.state
}
