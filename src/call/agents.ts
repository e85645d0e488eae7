// Who is who: what we have verified and what our owner has said of a key, and beside it what the key calls itself.
import { npubEncode } from '../nostr/nip19.ts'
import { cleanLine } from '../sanitize.ts'

export type Trust = 'owner' | 'trusted' | 'known' | 'unknown' | 'blocked'

/** `pubkey` in hex; `petname` is ours, 1 to 64 characters, never what the peer calls itself. */
export type Contact = { pubkey: string; petname: string; trust: 'known' | 'trusted' | 'blocked' }

export type Agent = { npub: string; pubkey: string; name: string; trust: Trust }

/** `names`: what agents have called themselves, by pubkey. */
export type AgentDirectory = {
  contacts: readonly Contact[]
  owner: string | undefined
  names: Readonly<Record<string, string>>
}

/** @param claimed what the key calls itself; a petname of ours goes before it */
export function agentOf(people: AgentDirectory, pubkey: string, claimed = ''): Agent {
  const contact = contactOf(people, pubkey)
  const npub = npubEncode(pubkey)
  const name = contact?.petname ?? cleanLine(claimed === '' ? (people.names[pubkey] ?? '') : claimed, 64)
  return { npub, pubkey, name: name === '' ? shortNpub(npub) : name, trust: trustOf(people, pubkey) }
}

export function trustOf(people: AgentDirectory, pubkey: string): Trust {
  if (people.owner === pubkey) return 'owner'
  return contactOf(people, pubkey)?.trust ?? 'unknown'
}

export function contactOf(people: AgentDirectory, pubkey: string): Contact | undefined {
  return people.contacts.find((c) => c.pubkey === pubkey)
}

/** Enough of an npub for a person to recognise, not enough to rely on. */
export function shortNpub(npub: string): string {
  return `${npub.slice(0, 12)}…${npub.slice(-4)}`
}
