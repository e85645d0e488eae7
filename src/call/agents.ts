// Who is who: what our owner has said of a key, and beside it what the key calls itself.
import { npubEncode } from '../nostr/nip19.ts'
import { type Foreign, foreignLine, foreignText, isBlank, mixesAlphabets } from '../sanitize.ts'

/** How far our owner trusts a key: `unknown` is a stranger's. */
export type Trust = 'owner' | 'trusted' | 'known' | 'unknown' | 'blocked'

/** `pubkey` in hex; `petname` is ours, 1 to 64 characters, never what the peer calls itself. */
export type Contact = { pubkey: string; petname: string; trust: 'known' | 'trusted' | 'blocked' }

/**
 * `name`: a petname of ours; where there is none, what the agent calls itself, or its short key. `mixedAlphabets`: what it calls itself
 * has letters of several alphabets, and may look like another name.
 */
export type Agent = { npub: string; pubkey: string; name: Foreign; trust: Trust; mixedAlphabets?: true }

/** `names`: what agents have called themselves, by pubkey. */
export type AgentDirectory = {
  contacts: readonly Contact[]
  owner: string | undefined
  names: Readonly<Record<string, Foreign>>
}

/**
 * An agent as our owner knows it: by petname and trust, else by what its key calls itself, else by the key.
 * @param claimed what the key calls itself; a petname of ours goes before it
 */
export function agentOf(people: AgentDirectory, pubkey: string, claimed: Foreign | string = ''): Agent {
  const contact = contactOf(people, pubkey)
  const npub = npubEncode(pubkey)
  const trust = trustOf(people, pubkey)
  if (contact !== undefined) return { npub, pubkey, name: foreignText(contact.petname, 64), trust }
  const [told, remembered] = [claimed, people.names[pubkey] ?? ''].map((name) => foreignLine(String(name), 64))
  const name = told === undefined || isBlank(told) ? remembered : told
  if (name === undefined || isBlank(name)) return { npub, pubkey, name: foreignLine(shortNpub(npub)), trust }
  return { npub, pubkey, name, trust, ...(mixesAlphabets(name) ? { mixedAlphabets: true } : {}) }
}

/** Our owner: by its key, or without one where none is set, since what it says then does not come over Nostr. */
export function ownerOf(people: AgentDirectory): Agent {
  if (people.owner !== undefined) return agentOf(people, people.owner)
  return { npub: '', pubkey: '', name: foreignLine('your owner'), trust: 'owner' }
}

/** How far we trust a key: the owner's, a contact's, or nobody's (`unknown`). */
export function trustOf(people: AgentDirectory, pubkey: string): Trust {
  if (people.owner === pubkey) return 'owner'
  return contactOf(people, pubkey)?.trust ?? 'unknown'
}

/** The contact with this key (hex), undefined where there is none. */
function contactOf(people: AgentDirectory, pubkey: string): Contact | undefined {
  return people.contacts.find((c) => c.pubkey === pubkey)
}

/** Enough of an npub for a person to recognise, not enough to rely on. */
export function shortNpub(npub: string): string {
  return `${npub.slice(0, 12)}…${npub.slice(-4)}`
}
