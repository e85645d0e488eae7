// NIP-59, receiving: opens gift wraps, so that the receiver cannot be lied to about who wrote what is in them. What belongs to
// a call with keys of its own opens with those (call-key.ts).
import { parseJson } from '../json.ts'
import { type CallKey, isOfCall } from './call-key.ts'
import { fromHex, type Keys, verify } from './crypto.ts'
import { type Event, parseEvent, parseRumor, type Rumor, tags, verifyEvent, verifyEvents } from './event.ts'
import { difficulty } from './nip13.ts'
import { cachedConversationKey, conversationKey, decryptParts, payloadParts } from './nip44.ts'
import { SEAL_KIND, WRAP_KIND } from './nip59.ts'

/** How many seals are verified at once: more cost less each, and what is late is later by as many. */
const BATCH_SIZE = 256

/** `misplaced`: a call's key opened what belongs to another call, or to none. */
export type UnwrapRefusal =
  | 'not-a-wrap'
  | 'not-for-us'
  | 'undecryptable'
  | 'bad-seal'
  | 'forged'
  | 'bad-rumor'
  | 'misplaced'

/** With whose key a seal was encrypted: the two identities', or those of one call. */
export type SealedWith = { key: 'identity' } | { key: 'call'; call: string }

/**
 * A seal with a good signature that no key tried so far opens. `tried`: the calls whose keys were; `left`: how many calls with its
 * author a later run is to try; `seal`: itself, where the keyring says that it is worth keeping.
 */
export type UnopenedSeal = { from: string; tried: readonly string[]; left: number; seal?: Event }

/** What was in a wrap, or why nobody knows. `unopened` stands beside 'undecryptable' where the wrap itself could be opened. */
export type Unwrapped =
  | ({ ok: true; rumor: Rumor; from: string } & SealedWith)
  | { ok: false; reason: UnwrapRefusal; unopened?: UnopenedSeal }

/** The keys of calls that may open what an author has sealed for us. Its functions may throw what reading a secret can throw. */
export type CallKeyring = {
  /** Everybody for whom the functions below have another answer than none. */
  authors: readonly string[]
  /** The calls with an author whose keys are tried on what is in this wrap, in this order, and how many are left for a later run. */
  callsFor(author: string, wrap: string): { calls: readonly string[]; left: number }
  /** The key of a call; undefined where it is lost. */
  keyOf(call: string): CallKey | undefined
  /** Hears that the key of this call has opened a seal of its author: the next is likely to be of the same call. */
  fitted?(author: string, call: string): void
  /** Whether a seal that nothing opens is handed back, because its key may still come. Asked once a seal. */
  keeps(seal: Event): boolean
}

/** `late`: asked after each wrap whether to stop. Without a keyring there are no calls with keys of their own. */
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

/**
 * `unwrap` of each, and much faster than one after the other. When it is late there are fewer answers than wraps, for the first
 * ones.
 */
export function unwrapAll(wraps: readonly Event[], keys: Keys, { late, keyring }: UnwrapOptions = {}): Unwrapped[] {
  return openWraps(wraps, keys, {
    ...(late && { late }),
    inside: (sealed, wrap) => openSeal(sealed, keys, { wrap, keyring }),
  })
}

/** `inside`: what becomes of a seal whose signature is good, with the id of its wrap. */
export type OpenWrapsOptions<T> = { late?: () => boolean; inside: (sealed: Event, wrap: string) => T }

/** Takes the seals out of wraps and verifies them together; an author's key is worked out once. @returns as unwrapAll */
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
      // The attack: a seal in somebody's name by one who has got hold of our secret, which is enough for the MAC. Only the
      // author can sign; and NIP-44, Decryption, wants the signature validated before anything is decrypted.
      else opened.push(good.get(sealed) === true ? inside(sealed, wrap) : refusal('forged'))
    }
  }
  return opened
}

/**
 * What is in a seal, whose signature must have been found good. Every key is bound by the MAC to what it encrypted, so no seal
 * opens with two of them: "a receiver tries the call keys it has with the seal's author", then the identity's.
 */
export function openSeal(
  sealed: Event,
  keys: Keys,
  { wrap, keyring }: { wrap: string; keyring?: CallKeyring | undefined },
): Unwrapped {
  const parts = payloadParts(sealed.content)
  if (parts === undefined) return refusal('undecryptable')
  // "A seal of our own pubkey is never a peer's signal": both sides of a call have the same key, so it would open our own words.
  const own = sealed.pubkey === keys.pubkey
  const { calls, left } = (own ? undefined : keyring?.callsFor(sealed.pubkey, wrap)) ?? { calls: [], left: 0 }
  for (const call of calls) {
    const callKey = keyring?.keyOf(call)
    if (callKey?.peer !== sealed.pubkey) continue
    const json = decryptParts(parts, callKey.key)
    if (json === undefined) continue
    keyring?.fitted?.(sealed.pubkey, call)
    const opened = parseSealedRumor(json, sealed.pubkey, { key: 'call', call: callKey.call })
    // The attack: what belongs to one call, sealed with the key of another, would be said to be as secret as its own call.
    return opened.ok && !isOfCall(opened.rumor, callKey) ? refusal('misplaced') : opened
  }
  const key = cachedConversationKey(keys, sealed.pubkey)
  const json = key && decryptParts(parts, key)
  if (json !== undefined) return parseSealedRumor(json, sealed.pubkey, { key: 'identity' })
  const kept = !own && keyring?.keeps(sealed) === true ? { seal: sealed } : {}
  return { ok: false, reason: 'undecryptable', unopened: { from: sealed.pubkey, tried: calls, left, ...kept } }
}

/** `openSeal` of a seal that was kept, on a disk that somebody may have changed: its signature is checked once more. */
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
  // First what costs nothing: junk should not cost an ECDH.
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
 * the one-time key, whose signature nobody has looked at yet. `openedWithKeyOf`: the call whose key its seal was made with; without
 * it, the identities'.
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

/** What stands on the outside of a wrap. */
export type WrapHeader = Pick<OpenedWrap, 'id' | 'stamp' | 'bits' | 'pubkey' | 'sig'>

/** What is kept of a wrap while it is opened. */
export function wrapHeaderOf(event: Event): WrapHeader {
  const { id, created_at, pubkey, sig } = event
  return { id, stamp: created_at, bits: difficulty(event), pubkey, sig }
}

/**
 * Whether a wrap was made by whoever holds its one-time key. The attack: a relay puts a new date or tag on a wrap that it keeps, so
 * that an old seal comes in an envelope that nobody has seen, as often as it likes.
 */
export function isWrapSigned({ id, pubkey, sig }: WrapHeader): boolean {
  const [hash, signature] = [fromHex(id), fromHex(sig ?? '')]
  return hash !== undefined && signature !== undefined && pubkey !== undefined && verify(signature, hash, pubkey)
}

/** What a wrap has come to. */
export function openedWrapOf(header: WrapHeader, result: Unwrapped): OpenedWrap {
  if (!result.ok) return { ...header, reason: result.reason, ...(result.unopened && { unopened: result.unopened }) }
  return { ...header, rumor: result.rumor, ...(result.key === 'call' && { openedWithKeyOf: result.call }) }
}
