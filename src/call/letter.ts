// A letter: a direct message outside of calls, which any NIP-17 client shows.
import { type Rumor, rumorOf } from '../nostr/event.ts'
import { CHAT } from './signal.ts'

/** NIP-17's chat message to one receiver. `from`, `to`: hex keys; `at`: unix seconds. */
export function letterRumor(text: string, { from, to, at }: { from: string; to: string; at: number }): Rumor {
  return rumorOf({ kind: CHAT, created_at: at, tags: [['p', to]], content: text }, from)
}
