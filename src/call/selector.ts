// What a word that names an agent or a call means. Every command that takes one asks here, so that no two answer differently:
// an exact key (or a whole call id), a petname, the beginning of a call id, a NIP-05 name, and last a name that an agent gave itself,
// only where the word does not look like a key and is nobody's petname. Where two fit, that is an error that names them; none is chosen.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { isPubkey } from '../nostr/crypto.ts'
import { type Nip05Address, parseAddress } from '../nostr/nip05.ts'
import { decodeNip19, npubEncode } from '../nostr/nip19.ts'
import { isSameName, nameMatcher } from './name.ts'

export type NamedKey = { pubkey: string; name: string }

/** What a word may mean. */
export type SelectorDirectory = {
  /** Our owner's names for agents. */
  petnames: readonly NamedKey[]
  /** The peers of the calls there are, by the call's id. */
  calls: Readonly<Record<string, { readonly peer: string }>>
  /** Names by which our agent has called somebody: each of them leads to nobody else any more. */
  calledBefore: readonly NamedKey[]
  /** What the agents that may be meant call themselves. */
  claimed: readonly NamedKey[]
}

/**
 * `relays`: where an nprofile says that the agent is found; `claimed`: a name that it gave itself, by which it was found. `address`: a
 * NIP-05 name, to be looked up. `name`: a name that nobody known here has.
 */
export type Selection =
  | { type: 'agent'; pubkey: string; relays: readonly string[]; claimed?: string }
  | { type: 'call'; id: string; peer: string }
  | { type: 'address'; address: Nip05Address }
  | { type: 'name'; name: string }

/** What a word means, or why it means nothing (BAD_AGENT, AGENT_AMBIGUOUS, SEVERAL_CALLS, NO_SUCH_CALL). It asks no relay. */
export function resolveSelector(word: string, directory: SelectorDirectory): Selection | Failure {
  const text = word.trim().replace(/^nostr:/i, '')
  if (text === '') return badAgentFailure('no agent is named', `\`${P2P} list\` shows who is on line`)
  return (
    selectExact(text, directory) ??
    selectByPetname(text, directory) ??
    (hasKeyForm(text) ? brokenKeyFailure(text) : undefined) ??
    selectByCallId(text.toLowerCase(), directory) ??
    selectByAddress(text) ??
    selectByName(text, directory)
  )
}

/** Least characters of a call's id. A stranger makes an id that begins with fewer given ones in a moment: 6 of them took 46 s. */
const MIN_ID_LENGTH = 8

// A call's whole id looks like a key, and half of all ids are one. Nobody can make one that is another's key.
function selectExact(text: string, { calls }: SelectorDirectory): Selection | undefined {
  const hex = text.toLowerCase()
  const call = Object.hasOwn(calls, hex) ? calls[hex] : undefined
  if (call !== undefined) return { type: 'call', id: hex, peer: call.peer }
  const isKnown = Object.values(calls).some(({ peer }) => peer === hex)
  if (isKnown || isPubkey(hex)) return { type: 'agent', pubkey: hex, relays: [] }
  const decoded = decodeNip19(text)
  if (decoded?.type === 'npub') return { type: 'agent', pubkey: decoded.pubkey, relays: [] }
  return decoded?.type === 'nprofile' ? { type: 'agent', pubkey: decoded.pubkey, relays: decoded.relays } : undefined
}

function selectByPetname(text: string, { petnames }: SelectorDirectory): Selection | Failure | undefined {
  return onlyOne(
    text,
    petnames.filter(({ name }) => isSameName(name, text)),
  )
}

// The attack: an agent calls itself "npub1bob…", and a key that was copied wrongly leads to it.
function hasKeyForm(text: string): boolean {
  return /^n(pub|profile|sec)1/i.test(text) || /^[0-9a-f]{64}$/i.test(text)
}

function brokenKeyFailure(text: string): Failure {
  // A secret key typed as an agent is in the shell's history by now: say so without repeating it.
  if (/^nsec1/i.test(text))
    return badAgentFailure('this is a secret key, not an agent', 'treat it as leaked; an agent is named by its npub')
  if (/^[0-9a-f]{64}$/i.test(text))
    return badAgentFailure(
      'this is no public key (no point on the curve), and no call has this id',
      'copy the key again',
    )
  const what = /^nprofile1/i.test(text) ? 'nprofile' : 'npub'
  const cut = text.includes('…') || text.includes('...')
  return badAgentFailure(
    cut
      ? `this ${what} is shortened: enough to tell agents apart, not to call one`
      : `this ${what} is damaged: its checksum does not fit, or it holds no public key`,
    'copy the key again, whole',
  )
}

function selectByCallId(hex: string, { calls }: SelectorDirectory): Selection | Failure | undefined {
  if (!/^[0-9a-f]{6,64}$/.test(hex)) return undefined
  const fitting = Object.keys(calls).filter((id) => id.startsWith(hex))
  const [id, second] = fitting
  // Nor is it a name. The attack: an agent calls itself by the id of a call that is gone.
  if (hex.length >= MIN_ID_LENGTH && id === undefined)
    return new Failure(
      'NO_SUCH_CALL',
      `no call here begins with ${hex.slice(0, 16)}`,
      `\`${P2P} status\` shows the calls that are open or ring, \`${P2P} transcript\` all; an agent whose name looks like an id is meant by its npub`,
    )
  if (id === undefined) return undefined
  if (hex.length < MIN_ID_LENGTH)
    return new Failure(
      'NO_SUCH_CALL',
      `${hex} is too short for the id of a call: ${MIN_ID_LENGTH} characters at least`,
      `calls that begin so: ${fitting.map((one) => one.slice(0, 16)).join(', ')}`,
    )
  if (second === undefined) return { type: 'call', id, peer: calls[id]?.peer ?? '' }
  const list = fitting.slice(0, MAX_NAMED).join(', ')
  return new Failure(
    'SEVERAL_CALLS',
    `${fitting.length} calls begin with ${hex}: ${list}`,
    'type more of the id, or the npub of the agent',
  )
}

// Before claimed names: an agent may call itself "bob@example.com", and nobody should believe it.
function selectByAddress(text: string): Selection | undefined {
  const address = parseAddress(text)
  return address === undefined ? undefined : { type: 'address', address }
}

function selectByName(text: string, { calledBefore, petnames, claimed }: SelectorDirectory): Selection | Failure {
  const { same: isSame, alike: isAlike } = nameMatcher(text)
  const before = calledBefore.filter(({ name }) => isSame(name))
  if (before.length > 0) return selectClaimed(text, before)
  const same = claimed.filter(({ name }) => isSame(name))
  // The attack: "bоb" with a letter of another alphabet leads to somebody else than "bob".
  const alike = [...petnames, ...calledBefore, ...claimed].find(
    ({ name, pubkey }) => isAlike(name) && !same.some((one) => one.pubkey === pubkey),
  )
  if (alike !== undefined)
    return new Failure(
      'AGENT_AMBIGUOUS',
      `that name looks like the one of ${npubEncode(alike.pubkey)}, in other letters`,
      'use the npub of the one you mean',
    )
  return selectClaimed(text, same)
}

function selectClaimed(text: string, fitting: readonly NamedKey[]): Selection | Failure {
  const one = onlyOne(text, fitting)
  if (one === undefined) return { type: 'name', name: text }
  return one instanceof Failure ? one : { ...one, claimed: text }
}

function onlyOne(
  text: string,
  fitting: readonly NamedKey[],
): Extract<Selection, { type: 'agent' }> | Failure | undefined {
  const keys = [...new Set(fitting.map(({ pubkey }) => pubkey))]
  const [pubkey] = keys
  if (pubkey === undefined) return undefined
  return keys.length === 1 ? { type: 'agent', pubkey, relays: [] } : ambiguousFailure(text, keys)
}

/** Most candidates that an error names. */
const MAX_NAMED = 5

function ambiguousFailure(name: string, keys: readonly string[]): Failure {
  const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : ''
  return new Failure(
    'AGENT_AMBIGUOUS',
    `${keys.length} agents are called "${name}": ${keys.slice(0, MAX_NAMED).map(npubEncode).join(', ')}${more}`,
    'use the npub of the one you mean',
  )
}

function badAgentFailure(message: string, hint: string): Failure {
  return new Failure('BAD_AGENT', message, hint)
}
