// Direct messages to us, outside of calls.
import { CHAT, callId, FILE, onlyRecipient, parseRemote } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import type { AdmissionPolicy } from './admit.ts'
import type { ReceivedLetters } from './book.ts'
import type { Transaction } from './edit.ts'

const MAX_LETTERS = 200

/** Takes in a rumor that is no signal of a call; why it was dropped, if it was. */
export function receiveLetter(edit: Transaction, rumor: Rumor, { me, now }: { me: string; now: number }): string | undefined {
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
