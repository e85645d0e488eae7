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
  const of = (pubkey: string): PeerMemory => edit.index.peers[pubkey] ?? { inbox: [], looked: 0, hints: [], name: '' }
  for (const [pubkey, relays] of Object.entries(hints)) edit.index.peers[pubkey] = { ...of(pubkey), hints: [...relays] }
  for (const pubkey of looked) {
    const inbox = readInboxList(events, pubkey)
    const present = presences.find((p) => p.pubkey === pubkey)
    const about = present === undefined ? {} : { hints: present.relays, name: present.name }
    edit.index.peers[pubkey] = { ...of(pubkey), inbox: inbox ?? of(pubkey).inbox, looked: now, ...about }
  }
  const all = Object.entries(edit.index.peers)
  if (all.length > MOST)
    edit.index.peers = Object.fromEntries(all.sort(([, a], [, b]) => b.looked - a.looked).slice(0, MOST))
  return looked.length === 0 && Object.keys(hints).length === 0 ? book : edit.book
}

/** What agents have called themselves, by pubkey. */
export function namesOf({ index }: Book): Record<string, string> {
  return Object.fromEntries(Object.entries(index.peers).map(([pubkey, peer]) => [pubkey, peer.name]))
}
