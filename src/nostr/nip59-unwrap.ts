// NIP-59, receiving: opens gift wraps, so that nobody can lie to the receiver about who wrote what is in them. What belongs to
// a call with keys of its own opens with those (call-key.ts).
import { parseJson } from '../json.ts'
import { type CallKey, isOfCall } from './call-key.ts'
import { fromHex, type Keys, verify } from './crypto.ts'
import { type Event, parseEvent, parseRumor, type Rumor, tags, verifyEvent, verifyEvents } from './event.ts'
import { difficulty } from './nip13.ts'
import { cachedConversationKey, conversationKey, decryptParts, payloadParts } from './nip44.ts'
import { SEAL_KIND, WRAP_KIND } from './nip59.ts'

/** How many seals are verified together: the more, the less each costs, and the later a run notices that its time is up. */
const BATCH_SIZE = 256

/** Why a wrap was not opened. `misplaced`: a call's key opened what belongs to another call, or to none. */
export type UnwrapRefusal =
  | 'not-a-wrap'
  | 'not-for-us'
  | 'undecryptable'
  | 'bad-seal'
  | 'forged'
  | 'bad-rumor'
  | 'misplaced'

/** Whose key a seal was encrypted with: that of the two identities, or that of one call. */
export type SealedWith = { key: 'identity' } | { key: 'call'; call: string }

/**
 * A seal with a good signature that no key has opened so far. `tried`: the calls whose keys were tried; `left`: how many calls with its
 * author are left for a later run to try; `seal`: the seal itself, where the keyring wants it kept.
 */
export type UnopenedSeal = { from: string; tried: readonly string[]; left: number; seal?: Event }

/** What was in a wrap, or why nobody knows. `unopened` comes with 'undecryptable' where the wrap itself could be opened. */
export type Unwrapped =
  | ({ ok: true; rumor: Rumor; from: string } & SealedWith)
  | { ok: false; reason: UnwrapRefusal; unopened?: UnopenedSeal }

/** The keys of calls that may open what an author has sealed for us. Its functions may throw what reading a secret can throw. */
export type CallKeyring = {
  /** Every author with whom there is a call to try, or whose seals may be kept. */
  authors: readonly string[]
  /** The calls with an author whose keys are tried on what is in this wrap, in this order, and how many are left for a later run. */
  callsFor(author: string, wrap: string): { calls: readonly string[]; left: number }
  /** The key of a call; undefined where it is lost. */
  keyOf(call: string): CallKey | undefined
  /** Is told that the key of this call has opened a seal of this author: the next one is likely to be of the same call. */
  fitted?(author: string, call: string): void
  /** Whether a seal that nothing opens is handed back, because its key may still come. Counts it as kept, so it is asked once a seal. */
  keeps(seal: Event): boolean
}

/** `late`: asked between two wraps whether time is up. Without a keyring no call has keys of its own. */
export type UnwrapOptions = { late?: () => boolean; keyring?: CallKeyring | undefined }

/**
 * Opens a gift wrap for us and names its author, or says why not. Never throws, unless the keyring does.
 *
 * The wrap's own signature is not looked at: its key is used once and known to nobody, so anybody can make a good one. What
 * is believed rests on the seal: NIP-44's MAC binds the wrap's content, and the seal's signature names the author.
 */
export function unwrap(wrapped: Event, keys: Keys, keyring?: CallKeyring): Unwrapped {
  const sealed = sealIn(wrapped, keys)
  if (typeof sealed === 'string') return refusal(sealed)
  return verifyEvent(sealed) ? openSeal(sealed, keys, { wrap: wrapped.id, keyring }) : refusal('forged')
}

/** `unwrap` of each, and much faster than one after the other. Where time was up, only the first ones are answered. */
export function unwrapAll(wraps: readonly Event[], keys: Keys, { late, keyring }: UnwrapOptions = {}): Unwrapped[] {
  return openWraps(wraps, keys, {
    ...(late && { late }),
    inside: (sealed, wrap) => openSeal(sealed, keys, { wrap, keyring }),
  })
}

/** `late`: as in UnwrapOptions; `inside`: makes the answer from a seal whose signature is good, and the id of its wrap. */
export type OpenWrapsOptions<T> = { late?: () => boolean; inside: (sealed: Event, wrap: string) => T }

/** Takes the seals out of wraps and verifies them together. @returns as unwrapAll */
export function openWraps<T>(
  wraps: readonly Event[],
  keys: Keys,
  { late = () => false, inside }: OpenWrapsOptions<T>,
): (T | Unwrapped)[] {
  const opened: (T | Unwrapped)[] = []
  while (opened.length < wraps.length) {
    const taken: { wrap: string; sealed: Event | UnwrapRefusal }[] = []
    for (const wrapped of wraps.slice(opened.length, opened.length + BATCH_SIZE)) {
      if (opened.length + taken.length > 0 && late()) break
      taken.push({ wrap: wrapped.id, sealed: sealIn(wrapped, keys) })
    }
    if (taken.length === 0) return opened
    const seals = taken.flatMap(({ sealed }) => (typeof sealed === 'string' ? [] : [sealed]))
    const good = new Map(verifyEvents(seals).map((isGood, index) => [seals[index], isGood]))
    for (const { wrap, sealed } of taken) {
      if (typeof sealed === 'string') opened.push(refusal(sealed))
      // The attack: whoever has got hold of our secret makes a seal in somebody's name, with a MAC that is right. Only the
      // author can sign; and NIP-44, Decryption, wants the signature validated before anything is decrypted.
      else opened.push(good.get(sealed) === true ? inside(sealed, wrap) : refusal('forged'))
    }
  }
  return opened
}

/**
 * What is in a seal, whose signature must have been found good. The keys of calls with its author are tried first, then the identities'
 * (docs/PROTOCOL.md, "Calls that stay secret"); because of the MAC no seal opens with two of them.
 */
export function openSeal(
  sealed: Event,
  keys: Keys,
  { wrap, keyring }: { wrap: string; keyring?: CallKeyring | undefined },
): Unwrapped {
  const parts = payloadParts(sealed.content)
  if (parts === undefined) return refusal('undecryptable')
  // Both sides of a call have the same key, which would open our own words as if a peer had said them.
  const own = sealed.pubkey === keys.pubkey
  const { calls, left } = (own ? undefined : keyring?.callsFor(sealed.pubkey, wrap)) ?? { calls: [], left: 0 }
  for (const call of calls) {
    const callKey = keyring?.keyOf(call)
    if (callKey?.peer !== sealed.pubkey) continue
    const json = decryptParts(parts, callKey.key)
    if (json === undefined) continue
    keyring?.fitted?.(sealed.pubkey, call)
    const opened = parseSealedRumor(json, sealed.pubkey, { key: 'call', call: callKey.call })
    // The attack: what belongs to one call, sealed with the key of another, would pass for as secret as its own call.
    return opened.ok && !isOfCall(opened.rumor, callKey) ? refusal('misplaced') : opened
  }
  const key = cachedConversationKey(keys, sealed.pubkey)
  const json = key && decryptParts(parts, key)
  if (json !== undefined) return parseSealedRumor(json, sealed.pubkey, { key: 'identity' })
  const kept = !own && keyring?.keeps(sealed) === true ? { seal: sealed } : {}
  return { ok: false, reason: 'undecryptable', unopened: { from: sealed.pubkey, tried: calls, left, ...kept } }
}

/** `openSeal` of a seal that was kept. Somebody may have changed it on the disk, so its signature is checked once more. */
export function openKeptSeal(
  sealed: Event,
  keys: Keys,
  { wrap, keyring }: { wrap: string; keyring: CallKeyring },
): Unwrapped {
  if (sealed.kind !== SEAL_KIND) return refusal('bad-seal')
  return verifyEvent(sealed) ? openSeal(sealed, keys, { wrap, keyring }) : refusal('forged')
}

function sealIn(wrapped: Event, keys: Keys): Event | UnwrapRefusal {
  if (wrapped.kind !== WRAP_KIND) return 'not-a-wrap'
  if (!tags(wrapped, 'p').some((entry) => entry[1] === keys.pubkey)) return 'not-for-us'
  // Taken apart first, which costs little: junk should not cost an ECDH.
  const parts = payloadParts(wrapped.content)
  const key = parts && conversationKey(keys.secret, wrapped.pubkey)
  const sealJson = key && decryptParts(parts, key)
  if (sealJson === undefined) return 'undecryptable'
  const sealed = parseEvent(parseJson(sealJson))
  // A seal with tags is against NIP-59 and taken nevertheless: NIP-17 asks for an expiration there, and nothing here reads them.
  return sealed?.kind === SEAL_KIND ? sealed : 'bad-seal'
}

function parseSealedRumor(json: string, author: string, sealedWith: SealedWith): Unwrapped {
  const rumor = parseRumor(parseJson(json))
  if (rumor === undefined) return refusal('bad-rumor')
  // NIP-17, Encrypting: clients "MUST verify if pubkey of the kind:13 is the same pubkey"; "otherwise any sender can
  // impersonate any other by simply changing the pubkey on the rumor".
  if (rumor.pubkey !== author) return refusal('forged')
  return { ok: true, rumor, from: author, ...sealedWith }
}

function refusal(reason: UnwrapRefusal): Unwrapped {
  return { ok: false, reason }
}

/**
 * A wrap that was opened, or why it could not be. `stamp` is its created_at, `bits` its proof of work; `pubkey` and `sig` are those of
 * the one-time key, and nobody has checked the signature yet. `openedWithKeyOf`: the call whose key opened the seal; without it, it
 * was the identities'.
 */
export type OpenedWrap = {
  id: string
  stamp: number
  bits: number
  pubkey?: string
  sig?: string
  rumor?: Rumor
  openedWithKeyOf?: string
  reason?: string
  unopened?: UnopenedSeal
}

/** What is on the outside of a wrap. */
export type WrapHeader = Pick<OpenedWrap, 'id' | 'stamp' | 'bits' | 'pubkey' | 'sig'>

/** What is kept of a wrap while it is opened. */
export function wrapHeaderOf(event: Event): WrapHeader {
  const { id, created_at, pubkey, sig } = event
  return { id, stamp: created_at, bits: difficulty(event), pubkey, sig }
}

/**
 * Whether a wrap is signed by its one-time key. The attack: a relay puts a new date or tag on a wrap that it keeps, so that an old seal
 * comes in a wrap that nobody has seen, as often as the relay likes.
 */
export function isWrapSigned({ id, pubkey, sig }: WrapHeader): boolean {
  const [hash, signature] = [fromHex(id), fromHex(sig ?? '')]
  return hash !== undefined && signature !== undefined && pubkey !== undefined && verify(signature, hash, pubkey)
}

/** A wrap with what `unwrap` has said of it. */
export function openedWrapOf(header: WrapHeader, result: Unwrapped): OpenedWrap {
  if (!result.ok) return { ...header, reason: result.reason, ...(result.unopened && { unopened: result.unopened }) }
  return { ...header, rumor: result.rumor, ...(result.key === 'call' && { openedWithKeyOf: result.call }) }
}
