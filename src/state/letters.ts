// Our direct messages outside of calls, as those to our owner: owed like anything else that we say, until a relay has taken
// one, or for as long as relays keep it. In the outbox they stand under the call "".
// Direct messages to us, outside of calls.
import { CHAT, FILE } from '../call/signal.ts'
import { callId, onlyRecipient, parseRemote } from '../call/signal-codec.ts'
import { type Rumor, rumorOf } from '../nostr/event.ts'
import type { AdmissionPolicy } from './admission.ts'
import { entryAfterPublish, isClaimed, nextPublish, type PendingPublish, type PublishResult } from './outbox.ts'
import type { Speaker } from './say.ts'
import { OPEN_AFTER_END, type OutgoingLetter, type ReceivedLetters, type State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'

/** NIP-17's chat message to one receiver, which any client shows. */
export function directMessage(text: string, to: string, { me, now }: Pick<Speaker, 'me' | 'now'>): Rumor {
  return rumorOf({ kind: CHAT, created_at: now, tags: [['p', to]], content: text }, me)
}

/** Writes a letter down, before anybody hears of it. */
export function oweLetter(state: State, rumor: Rumor, to: string): State {
  if (state.index.letters[rumor.id] !== undefined) return state
  const posting = { wrapped: 0, wraps: 0, accepted: [], failed: [] }
  return withLetters(state, { ...state.index.letters, [rumor.id]: { to, rumor, posting } })
}

/** The letters to publish now, claimed by this process. */
export function lettersDue(
  state: State,
  speaker: Speaker,
  alive: (pid: number) => boolean,
): { state: State; dues: PendingPublish[] } {
  const { now, pid } = speaker
  const held = Object.entries(state.index.letters).filter(([, { rumor }]) => now - rumor.created_at < OPEN_AFTER_END)
  const letters: State['index']['letters'] = Object.fromEntries(held)
  const dues = held.flatMap(([id, letter]): PendingPublish[] => {
    const { to, rumor, posting } = letter
    const turn = isClaimed(posting, now, alive) ? undefined : nextPublish(posting, now)
    if (turn === undefined) return []
    letters[id] = { ...letter, posting: { ...posting, claim: { pid, at: now } } }
    return [{ call: '', to, rumor, ...turn }]
  })
  const kept = dues.length === 0 && held.length === Object.keys(state.index.letters).length
  return { state: kept ? state : withLetters(state, letters), dues }
}

/** Writes down what the relays answered. One that a relay has taken is forgotten: nobody acks it. */
export function recordLettersSent(state: State, credits: readonly PublishResult[], { now }: Speaker): State {
  const mine = credits.filter(({ call, rumor }) => call === '' && state.index.letters[rumor] !== undefined)
  if (mine.length === 0) return state
  const letters = { ...state.index.letters }
  for (const { rumor, wrap, receipts } of mine) {
    const held = letters[rumor]
    if (held === undefined) continue
    const posting = entryAfterPublish(held.posting, wrap, receipts, now)
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

const MAX_LETTERS = 200

/** Takes in a rumor that is no signal of a call; why it was dropped, if it was. */
export function receiveLetter(
  edit: Transaction,
  rumor: Rumor,
  { me, now }: { me: string; now: number },
): string | undefined {
  if (rumor.kind !== CHAT && rumor.kind !== FILE) return 'unknown'
  if (rumor.kind === FILE && parseRemote(rumor) === undefined) return 'malformed'
  if (callId(rumor) !== undefined) return 'malformed'
  if (onlyRecipient(rumor) !== me) return 'not-for-us'
  if (edit.index.dms[rumor.id] !== undefined) return 'duplicate'
  edit.table('dms')[rumor.id] = { rumor, heard: now, unread: true }
  return undefined
}

export function boundLetters(edit: Transaction, { trust }: AdmissionPolicy): void {
  const letters = Object.entries(edit.index.dms)
  if (letters.length <= MAX_LETTERS) return
  // The attack: strangers write so much that the owner's word falls out before anybody has read it.
  const weight = ({ unread, rumor }: ReceivedLetters[string]) => (!unread ? 0 : trust(rumor.pubkey) === 'owner' ? 2 : 1)
  const recent = letters.sort(([, a], [, b]) => weight(b) - weight(a) || b.heard - a.heard).slice(0, MAX_LETTERS)
  edit.replace('dms', Object.fromEntries(recent))
}
