// NIP-59: a rumor in a seal in a gift wrap, for one receiver, and opened again. Nobody else knows who wrote it, and the receiver
// cannot be lied to about that. What belongs to a call with keys of its own is sealed with those (call-key.ts).
import { parseJson } from '../json.ts'
import { type CallKey, isOfCall } from './call-key.ts'
import { type Dice, fromHex, type Keys, randomBytes, randomInt, randomKeys, verify } from './crypto.ts'
import {
  type Event,
  eventId,
  finalize,
  parseEvent,
  parseRumor,
  type Rumor,
  tags,
  verifyEvent,
  verifyEvents,
} from './event.ts'
import { difficulty } from './nip13.ts'
import { conversationKey, decrypt, decryptParts, encrypt, lastingKey, payloadLength, payloadParts } from './nip44.ts'

export const sealKind = 13
export const wrapKind = 1059

const twoDays = 2 * 24 * 60 * 60

/** What is written on the outside. Times are Unix seconds. */
export type WrapOptions = {
  now: number
  /** NIP-40: when relays may drop it. */
  expiration?: number
  /** Dated now instead of up to two days ago, for relays that refuse old stamps. They learn when it was sent. */
  recent?: boolean
  /** Where the receiver reads, as the p tag's hint. */
  relay?: string
  /** NIP-13: adds the proof of work that the receiver asks for; the wrap goes out without where there was no time. */
  work?: ((wrap: Omit<Rumor, 'id'>) => Omit<Rumor, 'id'> | undefined) | undefined
  /** The key of the call that the rumor belongs to, which the seal is made with instead of the identities'. */
  callKey?: CallKey | undefined
}

/** `stamp`: the seal's created_at. `callKey`: as in WrapOptions. */
export type SealOptions = { stamp: number; callKey?: CallKey | undefined }

/**
 * The kind 13 event that carries a rumor to one receiver, signed by its author whatever key it is encrypted with.
 * Throws RangeError when the rumor is not that of `keys` or was changed since, has more than `maxPlaintext` bytes of JSON,
 * `to` is no point on the curve, or the key is that of another call or of a call with somebody else.
 */
export function seal(
  rumor: Rumor,
  keys: Keys,
  to: string,
  { stamp, callKey }: SealOptions,
  dice: Dice = randomBytes,
): Event {
  if (rumor.pubkey !== keys.pubkey) throw new RangeError('a rumor is sealed by its author')
  if (rumor.id !== eventId(rumor)) throw new RangeError('the rumor was changed after its id was taken')
  // Sealed with the key of another call it would be opened there, and be as secret as that one.
  if (callKey !== undefined && (callKey.peer !== to || !isOfCall(rumor, callKey)))
    throw new RangeError('the key is that of another call')
  const content = encryptTo(to, callKey?.key ?? lastingKey(keys, to), rumorJson(rumor), dice)
  // NIP-59, 2: "Tags MUST always be empty in a kind:13". NIP-17 would put the expiration here too; the MUST wins.
  return finalize({ kind: sealKind, created_at: stamp, tags: [], content }, keys, dice)
}

/** The kind 1059 event that carries a rumor to one receiver, under a key used once. Throws as `seal` does. */
export function wrap(rumor: Rumor, keys: Keys, to: string, postage: WrapOptions, dice: Dice = randomBytes): Event {
  const sealed = seal(rumor, keys, to, { stamp: past(postage.now, dice), callKey: postage.callKey }, dice)
  const once = randomKeys(dice)
  const created_at = postage.recent ? postage.now : past(postage.now, dice)
  const content = encryptTo(to, conversationKey(once.secret, to), JSON.stringify(sealed), dice)
  const bare = { pubkey: once.pubkey, kind: wrapKind, created_at, tags: wrapTags(to, postage), content }
  return finalize(postage.work?.(bare) ?? bare, once, dice)
}

/**
 * Bytes of the JSON of the event that `wrap` makes of a rumor, without making it. It is exact for every rumor that can be
 * wrapped, as long as stamps have ten digits (until 2286); one that is too large to be sealed comes out above 65,536.
 */
export function wrapSize(rumor: Rumor, postage: Pick<WrapOptions, 'expiration' | 'relay'> = {}): number {
  const sealSize = bareSize(sealKind, []) + payloadLength(Buffer.byteLength(rumorJson(rumor)))
  return bareSize(wrapKind, wrapTags('0'.repeat(64), postage)) + payloadLength(sealSize)
}

// Field by field, because a signed event is a Rumor to the compiler. "The inner event MUST always be unsigned" (NIP-59, 2).
function rumorJson({ id, pubkey, created_at, kind, tags, content }: Rumor): string {
  return JSON.stringify({ id, pubkey, created_at, kind, tags, content })
}

function wrapTags(to: string, { expiration, relay }: Pick<WrapOptions, 'expiration' | 'relay'>): string[][] {
  const receiver = relay === undefined ? ['p', to] : ['p', to, relay]
  return expiration === undefined ? [receiver] : [receiver, ['expiration', String(expiration)]]
}

function bareSize(kind: number, tags: string[][]): number {
  const hex = '0'.repeat(64)
  const bare: Event = { id: hex, pubkey: hex, created_at: 1_000_000_000, kind, tags, content: '', sig: hex + hex }
  return Buffer.byteLength(JSON.stringify(bare))
}

// NIP-59, Other Considerations: all stamps in the past, each layer's drawn on its own.
function past(now: number, dice: Dice): number {
  return Math.max(0, now - randomInt(twoDays, dice))
}

function encryptTo(to: string, key: Uint8Array | undefined, text: string, dice: Dice): string {
  if (key === undefined) throw new RangeError(`not a public key: ${to}`)
  return encrypt(text, key, dice(32))
}

/** How many seals are verified at once: more cost less each, and what is late is later by as many. */
const together = 256

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
  /** Whether a seal that nothing opens is handed back, because its key may still come. Asked once a seal. */
  keeps(seal: Event): boolean
}

/** `late`: asked after each wrap whether to stop. Without a keyring there are no calls with keys of their own. */
export type UnwrapOptions = { late?: () => boolean; ring?: CallKeyring | undefined }

/**
 * Opens a gift wrap for us and names its author, or says why not. Never throws, unless the keyring does.
 *
 * The wrap's own signature is not looked at: its key is used once and known to nobody, so anybody can make a good one. What
 * is believed rests on the seal: NIP-44's MAC binds the wrap's content, and the seal's signature names the author.
 */
export function unwrap(wrapped: Event, keys: Keys, ring?: CallKeyring): Unwrapped {
  const sealed = sealIn(wrapped, keys)
  if (typeof sealed === 'string') return refused(sealed)
  return verifyEvent(sealed) ? openSeal(sealed, keys, { wrap: wrapped.id, ring }) : refused('forged')
}

/**
 * `unwrap` of each, and much faster than one after the other. When it is late there are fewer answers than wraps, for the first
 * ones.
 */
export function unwrapAll(wraps: readonly Event[], keys: Keys, { late, ring }: UnwrapOptions = {}): Unwrapped[] {
  return openWraps(wraps, keys, {
    ...(late && { late }),
    inside: (sealed, wrap) => openSeal(sealed, keys, { wrap, ring }),
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
    for (const wrapped of wraps.slice(opened.length, opened.length + together)) {
      if (opened.length + taken.length > 0 && late()) break
      taken.push({ wrap: wrapped.id, sealed: sealIn(wrapped, keys) })
    }
    if (taken.length === 0) return opened
    const seals = taken.flatMap(({ sealed }) => (typeof sealed === 'string' ? [] : [sealed]))
    const good = new Map(verifyEvents(seals).map((isGood, index) => [seals[index], isGood]))
    for (const { wrap, sealed } of taken) {
      if (typeof sealed === 'string') opened.push(refused(sealed))
      // The attack: a seal in somebody's name by one who has got hold of our secret, which is enough for the MAC. Only the
      // author can sign; and NIP-44, Decryption, wants the signature validated before anything is decrypted.
      else opened.push(good.get(sealed) === true ? inside(sealed, wrap) : refused('forged'))
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
  { wrap, ring }: { wrap: string; ring?: CallKeyring | undefined },
): Unwrapped {
  const parts = payloadParts(sealed.content)
  if (parts === undefined) return refused('undecryptable')
  // "A seal of our own pubkey is never a peer's signal": both sides of a call have the same key, so it would open our own words.
  const own = sealed.pubkey === keys.pubkey
  const { calls, left } = (own ? undefined : ring?.callsFor(sealed.pubkey, wrap)) ?? { calls: [], left: 0 }
  for (const call of calls) {
    const callKey = ring?.keyOf(call)
    if (callKey?.peer !== sealed.pubkey) continue
    const json = decryptParts(parts, callKey.key)
    if (json === undefined) continue
    const opened = rumorIn(json, sealed.pubkey, { key: 'call', call: callKey.call })
    // The attack: what belongs to one call, sealed with the key of another, would be said to be as secret as its own call.
    return opened.ok && !isOfCall(opened.rumor, callKey) ? refused('misplaced') : opened
  }
  const key = lastingKey(keys, sealed.pubkey)
  const json = key && decryptParts(parts, key)
  if (json !== undefined) return rumorIn(json, sealed.pubkey, { key: 'identity' })
  const kept = !own && ring?.keeps(sealed) === true ? { seal: sealed } : {}
  return { ok: false, reason: 'undecryptable', unopened: { from: sealed.pubkey, tried: calls, left, ...kept } }
}

/** `openSeal` of a seal that was kept, on a disk that somebody may have changed: its signature is checked once more. */
export function openKeptSeal(
  sealed: Event,
  keys: Keys,
  { wrap, ring }: { wrap: string; ring: CallKeyring },
): Unwrapped {
  if (sealed.kind !== sealKind) return refused('bad-seal')
  return verifyEvent(sealed) ? openSeal(sealed, keys, { wrap, ring }) : refused('forged')
}

function sealIn(wrapped: Event, keys: Keys): Event | UnwrapRefusal {
  if (wrapped.kind !== wrapKind) return 'not-a-wrap'
  if (!tags(wrapped, 'p').some((entry) => entry[1] === keys.pubkey)) return 'not-for-us'
  const key = conversationKey(keys.secret, wrapped.pubkey)
  const sealJson = key && decrypt(wrapped.content, key)
  if (sealJson === undefined) return 'undecryptable'
  const sealed = parseEvent(parseJson(sealJson))
  // A seal with tags is against NIP-59 and taken nevertheless: NIP-17 asks for an expiration there, and nothing here reads them.
  return sealed?.kind === sealKind ? sealed : 'bad-seal'
}

function rumorIn(json: string, author: string, sealedWith: SealedWith): Unwrapped {
  const rumor = parseRumor(parseJson(json))
  if (rumor === undefined) return refused('bad-rumor')
  // NIP-17, Encrypting: clients "MUST verify if pubkey of the kind:13 is the same pubkey"; "otherwise any sender can
  // impersonate any other by simply changing the pubkey on the rumor".
  if (rumor.pubkey !== author) return refused('forged')
  return { ok: true, rumor, from: author, ...sealedWith }
}

function refused(reason: UnwrapRefusal): Unwrapped {
  return { ok: false, reason }
}

/** How long a relay is asked to keep a wrap (NIP-40), in seconds. */
export const RETENTION = 7 * 24 * 3600

/** strfry's default: no event may be larger, as normalised JSON in bytes. */
export const WRAP_LIMIT = 65_536

/** `recent`, `work` and `callKey` are those of WrapOptions. */
export type GiftWrapOptions = Pick<WrapOptions, 'now' | 'recent' | 'work' | 'callKey'>

/** A wrap for one receiver. */
export function giftWrap(rumor: Rumor, to: string, keys: Keys, options: GiftWrapOptions): Event {
  return wrap(rumor, keys, to, { ...options, expiration: options.now + RETENTION })
}

/** Whether every relay with the usual limit takes the wrap of this rumor. */
export function fitsRelays(rumor: Rumor): boolean {
  return wrapSize(rumor, { expiration: rumor.created_at + RETENTION }) < WRAP_LIMIT
}

/**
 * A wrap that was opened, or why it could not be. `stamp` is its created_at, `bits` its proof of work; `pubkey` and `sig` are those of
 * the one-time key, whose signature nobody has looked at yet. `call`: the call whose key its seal was made with; without it, the
 * identities'.
 */
export type OpenedWrap = {
  wrap: string
  stamp: number
  bits: number
  pubkey?: string
  sig?: string
  rumor?: Rumor
  call?: string
  reason?: string
  unopened?: UnopenedSeal
}

/** What stands on the outside of a wrap. */
export type WrapHeader = Omit<OpenedWrap, 'rumor' | 'reason' | 'call' | 'unopened'>

/** What is kept of a wrap while it is opened. */
export function wrapHeaderOf(event: Event): WrapHeader {
  const { id, created_at, pubkey, sig } = event
  return { wrap: id, stamp: created_at, bits: difficulty(event), pubkey, sig }
}

/**
 * Whether a wrap was made by whoever holds its one-time key. The attack: a relay puts a new date or tag on a wrap that it keeps, so
 * that an old seal comes in an envelope that nobody has seen, as often as it likes.
 */
export function isWrapSigned({ wrap, pubkey, sig }: WrapHeader): boolean {
  const [hash, signature] = [fromHex(wrap), fromHex(sig ?? '')]
  return hash !== undefined && signature !== undefined && pubkey !== undefined && verify(signature, hash, pubkey)
}

/** What a wrap has come to. */
export function openedWrap(cover: WrapHeader, result: Unwrapped): OpenedWrap {
  if (!result.ok) return { ...cover, reason: result.reason, ...(result.unopened && { unopened: result.unopened }) }
  return { ...cover, rumor: result.rumor, ...(result.key === 'call' && { call: result.call }) }
}
