// What relays publish about peers, kept for a day: where they read and what they call themselves.
import { type Presence, readInboxList } from '../call/presence.ts'
import type { Event } from '../nostr/event.ts'
import type { Book, PeerMemory } from './book.ts'
import { editBook } from './edit.ts'

/** Most peers kept; the ones looked up longest ago go first. */
const MOST = 500

export type Sightings = {
  /** Whom we looked up, if a relay answered. */
  looked: readonly string[]
  public: readonly Event[]
  presences: readonly Presence[]
  /** Relays that an nprofile named. */
  hints: Readonly<Record<string, readonly string[]>>
}

export function remember(book: Book, { looked, public: events, presences, hints }: Sightings, now: number): Book {
  const edit = editBook(book)
  const of = (pubkey: string): PeerMemory =>
    edit.index.peers[pubkey] ?? { inbox: [], looked: 0, hints: [], name: '', pow: 0 }
  for (const [pubkey, relays] of Object.entries(hints)) {
    edit.index.peers[pubkey] = { ...of(pubkey), ...seen(presences, pubkey), hints: [...relays] }
  }
  for (const pubkey of looked) {
    const inbox = readInboxList(events, pubkey)
    edit.index.peers[pubkey] = {
      ...of(pubkey),
      inbox: inbox ?? of(pubkey).inbox,
      looked: now,
      ...seen(presences, pubkey),
    }
  }
  const all = Object.entries(edit.index.peers)
  if (all.length > MOST)
    edit.index.peers = Object.fromEntries(all.sort(([, a], [, b]) => b.looked - a.looked).slice(0, MOST))
  return looked.length === 0 && Object.keys(hints).length === 0 ? book : edit.book
}

function seen(presences: readonly Presence[], pubkey: string): Partial<PeerMemory> {
  const present = presences.find((p) => p.pubkey === pubkey)
  return present === undefined ? {} : { hints: present.relays, name: present.name, pow: present.pow }
}

/** What agents have called themselves, by pubkey. */
export function namesOf({ index }: Book): Record<string, string> {
  return Object.fromEntries(Object.entries(index.peers).map(([pubkey, peer]) => [pubkey, peer.name]))
}
