// Whom a word may mean, by what is kept: contacts, calls, names that have led to somebody, and names that agents gave themselves.
import type { AgentDirectory, Contact } from '../call/agents.ts'
import type { Acquaintance } from '../call/listing.ts'
import { isPastConversation, type Phase } from '../call/rules.ts'
import type { NamedKey, SelectorDirectory } from '../call/selector.ts'
import { unsafeTextOf } from '../call/wording.ts'
import { latestFirst } from './call-index.ts'
import type { Index } from './state.ts'

/** Whether both sides have spoken in a call: whoever only rang is still a stranger. */
function isConversation(phase: Phase): boolean {
  return phase === 'active' || isPastConversation(phase)
}

/**
 * Everybody and every call that a word may name.
 * @param whose whose claimed names count: those of everybody with whom there is a call, where a call is meant; or only of those with whom
 * we have spoken, where somebody is called
 */
export function directoryOf(
  { calls, peers }: Pick<Index, 'calls' | 'peers'>,
  { contacts }: Pick<AgentDirectory, 'contacts'>,
  whose: 'callers' | 'spoken',
): SelectorDirectory {
  const petnames = contacts.map(({ pubkey, petname }) => ({ pubkey, name: petname }))
  const calledBefore = Object.entries(peers).flatMap(([pubkey, { called = [] }]) =>
    called.map((name) => ({ pubkey, name })),
  )
  return { petnames, calls, calledBefore, claimed: claimedNames({ calls, peers }, contacts, whose) }
}

function claimedNames(
  { calls, peers }: Pick<Index, 'calls' | 'peers'>,
  contacts: readonly Contact[],
  whose: 'callers' | 'spoken',
): NamedKey[] {
  const blocked = new Set(contacts.filter(({ trust }) => trust === 'blocked').map(({ pubkey }) => pubkey))
  const names = new Map<string, Set<string>>()
  for (const { peer, name = '', phase } of Object.values(calls)) {
    if (blocked.has(peer) || (whose === 'spoken' && !isConversation(phase))) continue
    // What it called itself when we spoke, and what it calls itself now.
    const held = names.get(peer) ?? new Set([unsafeTextOf(peers[peer]?.name ?? '')])
    names.set(peer, held.add(name))
  }
  return [...names].flatMap(([pubkey, all]) => [...all].flatMap((name) => (name === '' ? [] : [{ pubkey, name }])))
}

/** The directory of a command that names nobody and no call. */
export const NO_DIRECTORY: SelectorDirectory = { petnames: [], calls: {}, calledBefore: [], claimed: [] }

/** Contacts, and agents we have spoken with: the first by petname, the latter by when they last said something, the latest first. */
export function acquaintances(
  { calls }: Pick<Index, 'calls'>,
  { contacts }: Pick<AgentDirectory, 'contacts'>,
): Map<string, Acquaintance> {
  const known = new Map<string, Acquaintance>()
  const blocked = new Set<string>()
  for (const { pubkey, petname, trust } of contacts)
    if (trust === 'blocked') blocked.add(pubkey)
    else known.set(pubkey, { petname })
  for (const [, { peer, phase }] of latestFirst({ calls }))
    if (isConversation(phase) && !blocked.has(peer)) known.set(peer, { ...known.get(peer), spoken: true })
  return known
}
