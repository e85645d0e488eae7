// What commands ask relays. `doctor` asks with the same filters, so that it meets what commands meet.
import { AGENT_TOPIC, INBOX_LIST_KIND, PRESENCE_KIND } from '../call/presence.ts'
import type { Filter } from '../nostr/filter.ts'
import { WRAP_KIND } from '../nostr/nip59.ts'

/**
 * Our mailbox: the wraps for `me` (NIP-59). Kind 1059 has a filter of its own, since some relays silently leave it out of a mixed answer.
 * @param span the created_at of wraps, Unix seconds
 */
export function mailboxFilter(me: string, span: { since: number; until?: number }): Filter {
  return { kinds: [WRAP_KIND], '#p': [me], ...span }
}

/** Our own list of inbox relays (NIP-17, kind 10050). */
export function ownListFilter(me: string): Filter {
  return { kinds: [INBOX_LIST_KIND], authors: [me], limit: 1 }
}

/** The presences since then, Unix seconds. @param tags what they must have: capability, name */
export function presenceFilter(since: number, tags: Filter = {}): Filter {
  return { kinds: [PRESENCE_KIND], '#t': [AGENT_TOPIC], ...tags, since }
}
