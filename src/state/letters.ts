// Our direct messages outside of calls, as those to our owner: owed like anything else that we say, until a relay has taken
// one, or for as long as relays keep it. In the outbox they stand under the call "".
import { CHAT } from '../call/signal.ts'
import { type Rumor, rumorOf } from '../nostr/event.ts'
import { type State, OPEN_AFTER_END, type OutgoingLetter } from './book.ts'
import { beginTransaction } from './edit.ts'
import { type PublishResult, entryAfterPublish, type PendingPublish, isClaimed, nextPublish } from './owed.ts'
import type { Speaker } from './say.ts'

/** NIP-17's chat message to one receiver, which any client shows. */
export function directMessage(text: string, to: string, { me, now }: Pick<Speaker, 'me' | 'now'>): Rumor {
  return rumorOf({ kind: CHAT, created_at: now, tags: [['p', to]], content: text }, me)
}

/** Writes a letter down, before anybody hears of it. */
export function oweLetter(book: State, rumor: Rumor, to: string): State {
  if (book.index.letters[rumor.id] !== undefined) return book
  const posting = { wrapped: 0, wraps: 0, accepted: [], failed: [] }
  return withLetters(book, { ...book.index.letters, [rumor.id]: { to, rumor, posting } })
}

/** The letters to publish now, claimed by this process. */
export function lettersDue(book: State, speaker: Speaker, alive: (pid: number) => boolean): { book: State; dues: PendingPublish[] } {
  const { now, pid } = speaker
  const held = Object.entries(book.index.letters).filter(([, { rumor }]) => now - rumor.created_at < OPEN_AFTER_END)
  const letters: State['index']['letters'] = Object.fromEntries(held)
  const dues = held.flatMap(([id, letter]): PendingPublish[] => {
    const { to, rumor, posting } = letter
    const turn = isClaimed(posting, now, alive) ? undefined : nextPublish(posting, now)
    if (turn === undefined) return []
    letters[id] = { ...letter, posting: { ...posting, claim: { pid, at: now } } }
    return [{ call: '', to, rumor, ...turn }]
  })
  const kept = dues.length === 0 && held.length === Object.keys(book.index.letters).length
  return { book: kept ? book : withLetters(book, letters), dues }
}

/** Writes down what the relays answered. One that a relay has taken is forgotten: nobody acks it. */
export function recordLettersSent(book: State, credits: readonly PublishResult[], { now }: Speaker): State {
  const mine = credits.filter(({ call, rumor }) => call === '' && book.index.letters[rumor] !== undefined)
  if (mine.length === 0) return book
  const letters = { ...book.index.letters }
  for (const { rumor, wrap, receipts } of mine) {
    const held = letters[rumor]
    if (held === undefined) continue
    const posting = entryAfterPublish(held.posting, wrap, receipts, now)
    if (posting.accepted.length > 0) delete letters[rumor]
    else letters[rumor] = { ...held, posting }
  }
  return withLetters(book, letters)
}

function withLetters(book: State, letters: Record<string, OutgoingLetter>): State {
  const edit = beginTransaction(book)
  edit.index.letters = letters
  return edit.state
}
