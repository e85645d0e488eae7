// What commands ask relays, in one place: `doctor` asks the same, so that what a relay makes of it is what commands meet.
import { AGENT_TOPIC, INBOX_LIST_KIND, PRESENCE_KIND } from '../call/presence.ts'
import type { Filter } from '../nostr/filter.ts'
import { WRAP_KIND } from '../nostr/nip59.ts'

/** The mailbox of `me`. @param span stamps of wraps, Unix s. Kind 1059 stands alone: some relays leave it out of a mixed answer without a word. */
export function mailboxFilter(me: string, span: { since: number; until?: number }): Filter {
  return { kinds: [WRAP_KIND], '#p': [me], ...span }
}

/** The list of our own relays. */
export function ownListFilter(me: string): Filter {
  return { kinds: [INBOX_LIST_KIND], authors: [me], limit: 1 }
}

/** Whoever is on line. @param tags what is wanted of them */
export function presenceFilter(since: number, tags: Filter = {}): Filter {
  return { kinds: [PRESENCE_KIND], '#t': [AGENT_TOPIC], ...tags, since }
}
