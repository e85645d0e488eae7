// NIP-59, sending: a rumor in a seal in a gift wrap. Who wrote it is known to nobody but the receiver, who opens it with
// `unwrap`.
// NIP-59, receiving: that the receiver of a gift wrap cannot be lied to about who wrote what is in it.
// A rumor in its envelope: sealed and gift-wrapped for one receiver, and opened again.
import { parseJson } from '../json.ts'
import { type Dice, type Keys, randomBytes, randomInt, randomKeys } from './crypto.ts'
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
import { conversationKey, decrypt, encrypt, lastingKey, payloadLength } from './nip44.ts'

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
  work?: (wrap: Omit<Rumor, 'id'>) => Omit<Rumor, 'id'> | undefined
}

/**
 * The kind 13 event that carries a rumor to one receiver, signed by its author. `stamp` is its created_at.
 * Throws RangeError when the rumor is not that of `keys` or was changed since, has more than `maxPlaintext` bytes of JSON,
 * or `to` is no point on the curve.
 */
export function seal(rumor: Rumor, keys: Keys, to: string, stamp: number, dice: Dice = randomBytes): Event {
  if (rumor.pubkey !== keys.pubkey) throw new RangeError('a rumor is sealed by its author')
  if (rumor.id !== eventId(rumor)) throw new RangeError('the rumor was changed after its id was taken')
  const content = encryptTo(to, lastingKey(keys, to), rumorJson(rumor), dice)
  // NIP-59, 2: "Tags MUST always be empty in a kind:13". NIP-17 would put the expiration here too; the MUST wins.
  return finalize({ kind: sealKind, created_at: stamp, tags: [], content }, keys, dice)
}

/** The kind 1059 event that carries a rumor to one receiver, under a key used once. Throws as `seal` does. */
export function wrap(rumor: Rumor, keys: Keys, to: string, postage: WrapOptions, dice: Dice = randomBytes): Event {
  const sealed = seal(rumor, keys, to, past(postage.now, dice), dice)
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

export type UnwrapRefusal = 'not-a-wrap' | 'not-for-us' | 'undecryptable' | 'bad-seal' | 'forged' | 'bad-rumor'

export type Unwrapped = { ok: true; rumor: Rumor; from: string } | { ok: false; reason: UnwrapRefusal }

/**
 * Opens a gift wrap for us and names its author, or says why not. Never throws.
 *
 * The wrap's own signature is not looked at: its key is used once and known to nobody, so anybody can make a good one. What
 * is believed rests on the seal: NIP-44's MAC binds the wrap's content, and the seal's signature names the author.
 */
export function unwrap(wrapped: Event, keys: Keys): Unwrapped {
  const sealed = sealIn(wrapped, keys)
  if (typeof sealed === 'string') return refused(sealed)
  return rumorIn(sealed, verifyEvent(sealed), keys)
}

/**
 * `unwrap` of each, and much faster than one after the other: the seals are verified together, and an author's key is worked
 * out once. `late` is asked after each wrap whether to stop: then there are fewer answers than wraps, for the first ones.
 */
export function unwrapAll(wraps: readonly Event[], keys: Keys, late: () => boolean = () => false): Unwrapped[] {
  const opened: Unwrapped[] = []
  while (opened.length < wraps.length) {
    const seals: (Event | UnwrapRefusal)[] = []
    for (const wrapped of wraps.slice(opened.length, opened.length + together)) {
      if (opened.length + seals.length > 0 && late()) break
      seals.push(sealIn(wrapped, keys))
    }
    if (seals.length === 0) return opened
    opened.push(...openSeals(seals, keys))
  }
  return opened
}

function openSeals(seals: readonly (Event | UnwrapRefusal)[], keys: Keys): Unwrapped[] {
  const events = seals.filter((sealed) => typeof sealed !== 'string')
  const good = new Map(verifyEvents(events).map((isGood, index) => [events[index], isGood]))
  return seals.map((sealed) =>
    typeof sealed === 'string' ? refused(sealed) : rumorIn(sealed, good.get(sealed) === true, keys),
  )
}

function sealIn(wrapped: Event, keys: Keys): Event | UnwrapRefusal {
  if (wrapped.kind !== wrapKind) return 'not-a-wrap'
  if (!tags(wrapped, 'p').some((entry) => entry[1] === keys.pubkey)) return 'not-for-us'
  const sealJson = decryptWith(conversationKey(keys.secret, wrapped.pubkey), wrapped.content)
  if (sealJson === undefined) return 'undecryptable'
  const sealed = parseEvent(parseJson(sealJson))
  // A seal with tags is against NIP-59 and taken nevertheless: NIP-17 asks for an expiration there, and nothing here reads them.
  return sealed?.kind === sealKind ? sealed : 'bad-seal'
}

function rumorIn(sealed: Event, isGood: boolean, keys: Keys): Unwrapped {
  // The attack: a seal in somebody's name by one who has got hold of our secret, which is enough for the MAC. Only the
  // author can sign; and NIP-44, Decryption, wants the signature validated before anything is decrypted.
  if (!isGood) return refused('forged')
  const json = decryptWith(lastingKey(keys, sealed.pubkey), sealed.content)
  if (json === undefined) return refused('undecryptable')
  const rumor = parseRumor(parseJson(json))
  if (rumor === undefined) return refused('bad-rumor')
  // NIP-17, Encrypting: clients "MUST verify if pubkey of the kind:13 is the same pubkey"; "otherwise any sender can
  // impersonate any other by simply changing the pubkey on the rumor".
  if (rumor.pubkey !== sealed.pubkey) return refused('forged')
  return { ok: true, rumor, from: sealed.pubkey }
}

function decryptWith(key: Uint8Array | undefined, payload: string): string | undefined {
  return key === undefined ? undefined : decrypt(payload, key)
}

function refused(reason: UnwrapRefusal): Unwrapped {
  return { ok: false, reason }
}

/** How long a relay is asked to keep a wrap (NIP-40), in seconds. */
export const RETENTION = 7 * 24 * 3600

/** strfry's default: no event may be larger, as normalised JSON in bytes. */
export const WRAP_LIMIT = 65_536

/** `recent`: stamps of now, for a relay that refuses backdated ones. `work`: the proof of work that the receiver wants. */
export type GiftWrapOptions = { now: number; recent?: boolean; work?: WrapOptions['work'] }

/** A wrap for one receiver. */
export function giftWrap(rumor: Rumor, to: string, keys: Keys, { now, recent = false, work }: GiftWrapOptions): Event {
  return wrap(rumor, keys, to, { now, expiration: now + RETENTION, recent, ...(work === undefined ? {} : { work }) })
}

/** Whether every relay with the usual limit takes the wrap of this rumor. */
export function fitsRelays(rumor: Rumor): boolean {
  return wrapSize(rumor, { expiration: rumor.created_at + RETENTION }) < WRAP_LIMIT
}

/** A wrap that was opened, or why it could not be. `stamp` is its created_at, `bits` its proof of work. */
export type OpenedWrap = { wrap: string; stamp: number; bits: number; rumor?: Rumor; reason?: string }

/** What stands on the outside of a wrap. */
export type WrapHeader = Pick<OpenedWrap, 'wrap' | 'stamp' | 'bits'>

export function wrapHeaderOf(event: Event): WrapHeader {
  return { wrap: event.id, stamp: event.created_at, bits: difficulty(event) }
}

/** What a wrap has come to. */
export function openedWrap(cover: WrapHeader, result: Unwrapped): OpenedWrap {
  return result.ok ? { ...cover, rumor: result.rumor } : { ...cover, reason: result.reason }
}
