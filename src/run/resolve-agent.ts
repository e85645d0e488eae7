// Whom a command means by <agent>: a key, a petname, a NIP-05 name, or the unique name of an agent on line.
import type { AgentDirectory } from '../call/agents.ts'
import type { Presence } from '../call/presence.ts'
import { EXIT, Failure } from '../errors.ts'
import { foldName } from '../input-text.ts'
import { isPubkey } from '../nostr/crypto.ts'
import { type Nip05Address, type Nip05Entry, parseAddress } from '../nostr/nip05.ts'
import { decodeNip19, npubEncode } from '../nostr/nip19.ts'
import type { RunContext } from './context.ts'

/** A key and where it may be found, or a name that must be looked for among the agents on line. */
export type ResolvedAgent = { pubkey: string; relays: readonly string[] } | { name: string }

/** Throws BAD_AGENT for a broken key, AGENT_AMBIGUOUS for a petname that two contacts have, NIP05_FAILED. */
export async function resolveAgent(word: string, context: RunContext): Promise<ResolvedAgent> {
  const known = resolveLocally(word, context.people)
  return 'address' in known ? await lookUpNip05(known.address, word, context) : known
}

/** The same as far as it can be told without asking anybody: a NIP-05 name is only recognised. */
export function resolveLocally(word: string, people: AgentDirectory): ResolvedAgent | { address: Nip05Address } {
  const text = word.trim().replace(/^nostr:/, '')
  const contacts = people.contacts.filter((c) => foldName(c.petname) === foldName(text))
  if (contacts.length > 1)
    throw ambiguousFailure(
      text,
      contacts.map((c) => c.pubkey),
    )
  if (contacts[0] !== undefined) return { pubkey: contacts[0].pubkey, relays: [] }
  if (/^n(pub|profile|sec)1/.test(text.toLowerCase())) return fromBech32(text)
  if (/^[0-9a-f]{64}$/i.test(text)) {
    if (isPubkey(text.toLowerCase())) return { pubkey: text.toLowerCase(), relays: [] }
    throw badAgent('this is no public key: no point on the curve has it', 'copy the key again')
  }
  if (text === '') throw badAgent('no agent is named', '`p2p list` shows who is on line')
  // Before the names on line: an agent may call itself "bob@example.com", and be believed by nobody.
  const address = parseAddress(text)
  return address === undefined ? { name: text } : { address }
}

/** The agent on line with that name. Names are the agents' own words, so only a unique one will do. */
export function agentNamed(presences: readonly Presence[], name: string): string {
  const matches = presences.filter((p) => foldName(p.name) === foldName(name))
  if (matches.length > 1)
    throw ambiguousFailure(
      name,
      matches.map((p) => p.pubkey),
    )
  const [match] = matches
  if (match !== undefined) return match.pubkey
  throw new Failure(
    'NO_SUCH_AGENT',
    EXIT.impossible,
    `no agent named "${name}" is on line, and no contact has that name`,
    '`p2p list` shows who is on line; an npub reaches an agent that is not',
  )
}

async function lookUpNip05(
  address: Nip05Address,
  word: string,
  { environment, deadline }: RunContext,
): Promise<Nip05Entry> {
  const entry = await environment.nip05(address, deadline - environment.clock())
  if ('pubkey' in entry) return entry
  throw new Failure(
    'NIP05_FAILED',
    EXIT.impossible,
    `the name "${word}" could not be looked up: ${entry.why}`,
    'check the name, or use the npub; `p2p list` shows who is on line',
  )
}

function fromBech32(text: string): ResolvedAgent {
  const decoded = decodeNip19(text)
  if (decoded?.type === 'npub') return { pubkey: decoded.pubkey, relays: [] }
  if (decoded?.type === 'nprofile') return { pubkey: decoded.pubkey, relays: decoded.relays }
  // A secret key typed as an agent is in the shell's history by now: say so without repeating it.
  if (decoded?.type === 'nsec')
    throw badAgent('this is a secret key, not an agent', 'treat it as leaked; an agent is named by its npub')
  throw badAgent('this npub is damaged: its checksum does not fit', 'copy the key again, whole')
}

function badAgent(message: string, hint: string): Failure {
  return new Failure('BAD_AGENT', EXIT.usage, message, hint)
}

function ambiguousFailure(name: string, pubkeys: readonly string[]): Failure {
  const list = pubkeys.slice(0, 5).map(npubEncode).join(', ')
  return new Failure(
    'AGENT_AMBIGUOUS',
    EXIT.impossible,
    `${pubkeys.length} agents are called "${name}": ${list}`,
    'use the npub of the one you mean',
  )
}
