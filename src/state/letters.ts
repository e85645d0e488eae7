// Our direct messages outside of calls, as those to our owner: owed like anything else that we say, until a relay has taken
// one, or for as long as relays keep it. What no relay has taken yet stands in index.letters.
import { letterRumor } from '../call/letter.ts'
import type { Rumor } from '../nostr/event.ts'
import { commitLetters, keepOwnLetter } from './letter-log.ts'
import { entryAfterPublish, isPublishing, nextPublish, type PendingPublish, type PublishResult } from './outbox.ts'
import { claimBy, type IsAlive } from './retry.ts'
import type { AuthorContext } from './say.ts'
import { OPEN_AFTER_END, type OutgoingLetter, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** A letter of ours, dated as we date what we publish. */
export function directMessage(text: string, to: string, author: Pick<AuthorContext, 'me' | 'now' | 'stamp'>): Rumor {
  const { me, now, stamp = now } = author
  return letterRumor(text, { from: me, to, at: stamp })
}

/** Writes a letter down, before anybody hears of it. */
export function oweLetter(state: State, rumor: Rumor, to: string): State {
  if (state.index.letters[rumor.id] !== undefined) return state
  const posting = { wrapped: 0, wraps: 0, accepted: [], failed: [] }
  const edit = beginTransaction(state)
  edit.index.letters = { ...state.index.letters, [rumor.id]: { to, rumor, posting } }
  keepOwnLetter(edit, rumor, to)
  commitLetters(edit)
  return edit.commit()
}

/** The letters to publish now, claimed by this process; none to anybody who was blocked meanwhile. */
export function lettersDue(
  state: State,
  author: AuthorContext,
  alive: IsAlive,
  isBlocked: (pubkey: string) => boolean = () => false,
): { state: State; dues: PendingPublish[] } {
  const { now } = author
  const held = Object.entries(state.index.letters).filter(([, { rumor }]) => now - rumor.created_at < OPEN_AFTER_END)
  const letters: State['index']['letters'] = Object.fromEntries(held)
  const dues = held.flatMap(([id, letter]): PendingPublish[] => {
    const { to, rumor, posting } = letter
    const turn = isPublishing(posting, now, alive) || isBlocked(to) ? undefined : nextPublish(posting, now)
    if (turn === undefined) return []
    letters[id] = { ...letter, posting: { ...posting, claim: claimBy(author) } }
    return [{ call: '', to, rumor, ...turn }]
  })
  const kept = dues.length === 0 && held.length === Object.keys(state.index.letters).length
  return { state: kept ? state : withLetters(state, letters), dues }
}

/** Writes down what the relays answered. One that a relay has taken is forgotten: nobody acks it. */
export function recordLettersSent(state: State, credits: readonly PublishResult[], { now }: AuthorContext): State {
  const mine = credits.filter(({ call, rumor }) => call === '' && state.index.letters[rumor] !== undefined)
  if (mine.length === 0) return state
  const letters = { ...state.index.letters }
  for (const { rumor, wrap, oks } of mine) {
    const held = letters[rumor]
    if (held === undefined) continue
    const posting = entryAfterPublish(held.posting, wrap, oks, now)
    if (posting.accepted.length > 0) delete letters[rumor]
    else letters[rumor] = { ...held, posting }
  }
  return withLetters(state, letters)
}

function withLetters(state: State, letters: Record<string, OutgoingLetter>): State {
  const edit = beginTransaction(state)
  edit.index.letters = letters
  return edit.state
}
