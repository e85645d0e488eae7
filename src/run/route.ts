// Which relays carry a letter to a peer: its own list, else what it told us, else ours.
import type { Call } from '../call/call.ts'
import { usable } from '../nostr/url.ts'
import type { Book } from '../state/book.ts'
import type { Place } from './place.ts'

/** `pow`: the bits of work that it asks of strangers. `known`: whether the peer has said where it reads. If not, our own relays are a guess that the user is told of. */
export type Route = { relays: string[]; known: boolean; pow: number }

/** NIP-17: a kind 10050 list goes before hints in a presence or a request; our own relays come last. */
export function routeTo({ world }: Place, book: Book, calls: readonly Call[], peer: string): Route {
  const own = [...world.relays.inbox, ...world.relays.presence]
  const memory = book.index.peers[peer]
  const pow = memory?.pow ?? 0
  const told = calls.findLast((c) => c.peer === peer && c.peerRelays.length > 0)?.peerRelays
  for (const urls of [memory?.inbox, told, memory?.hints]) {
    const relays = usable(urls ?? [], own, world.config.relays.allowPrivate)
    if (relays.length > 0) return { relays, known: true, pow }
  }
  return { relays: [...world.relays.inbox], known: false, pow }
}
