// NIP-59, sending: a rumor in a seal in a gift wrap, for one receiver. Nobody else knows who wrote it. What belongs to a call with
// keys of its own is sealed with those (call-key.ts). nip59-unwrap.ts opens it again.
import { type CallKey, isOfCall } from './call-key.ts'
import { type Keys, type RandomBytes, randomBytes, randomInt, randomKeys } from './crypto.ts'
import { type Event, eventId, finalize, type Rumor } from './event.ts'
import { cachedConversationKey, conversationKey, encrypt, payloadLength } from './nip44.ts'

/** NIP-59's seal and gift wrap. */
export const SEAL_KIND = 13
export const WRAP_KIND = 1059

const TWO_DAYS = 2 * 24 * 60 * 60

/** How a rumor is wrapped. Times are Unix seconds. */
export type WrapOptions = {
  now: number
  /** NIP-40: when relays may drop it. */
  expiration?: number
  /** Seconds by which our clock may be slow: the stamps lie back by that much less than NIP-59's two days. */
  lag?: number
  /** Dated now instead of up to two days ago, for relays that refuse old stamps. They learn when it was sent. */
  recent?: boolean
  /** Where the receiver reads, as the p tag's hint. */
  relay?: string
  /** NIP-13: adds the proof of work that the receiver asks for; undefined where time was up, and the wrap goes out without it. */
  work?: ((wrap: Omit<Rumor, 'id'>) => Omit<Rumor, 'id'> | undefined) | undefined
  /** The key of the call that the rumor belongs to, with which the seal is encrypted instead of the identities'. */
  callKey?: CallKey | undefined
}

/** `stamp`: the seal's created_at. `callKey`: as in WrapOptions. */
export type SealOptions = { stamp: number; callKey?: CallKey | undefined }

/**
 * The kind 13 event that carries a rumor to one receiver, signed by its author whatever key it is encrypted with.
 * Throws RangeError when the rumor is not that of `keys` or was changed since, has more than `MAX_PLAINTEXT` bytes of JSON,
 * `to` is no point on the curve, or the key is that of another call or of a call with somebody else.
 */
export function seal(
  rumor: Rumor,
  keys: Keys,
  to: string,
  { stamp, callKey }: SealOptions,
  random: RandomBytes = randomBytes,
): Event {
  if (rumor.pubkey !== keys.pubkey) throw new RangeError('a rumor is sealed by its author')
  if (rumor.id !== eventId(rumor)) throw new RangeError('the rumor was changed after its id was taken')
  // Sealed with the key of another call, it would open there and be no more secret than that call.
  if (callKey !== undefined && (callKey.peer !== to || !isOfCall(rumor, callKey)))
    throw new RangeError('the key is that of another call')
  const content = encryptTo(to, callKey?.key ?? cachedConversationKey(keys, to), rumorJson(rumor), random)
  // NIP-59, 2: "Tags MUST always be empty in a kind:13". NIP-17 would put the expiration here too; the MUST wins.
  return finalize({ kind: SEAL_KIND, created_at: stamp, tags: [], content }, keys, random)
}

/** The kind 1059 event that carries a rumor to one receiver, under a key used once. Throws as `seal` does. */
export function wrap(
  rumor: Rumor,
  keys: Keys,
  to: string,
  options: WrapOptions,
  random: RandomBytes = randomBytes,
): Event {
  const sealed = seal(rumor, keys, to, { stamp: pastStamp(options, random), callKey: options.callKey }, random)
  const throwaway = randomKeys(random)
  const created_at = options.recent ? options.now : pastStamp(options, random)
  const content = encryptTo(to, conversationKey(throwaway.secret, to), JSON.stringify(sealed), random)
  const bare = { pubkey: throwaway.pubkey, kind: WRAP_KIND, created_at, tags: wrapTags(to, options), content }
  return finalize(options.work?.(bare) ?? bare, throwaway, random)
}

/**
 * Bytes of the JSON of the event that `wrap` makes of a rumor without proof of work, which it does not make. Exact for every rumor that
 * can be wrapped, as long as stamps have ten digits (until 2286); one that is too large to be sealed comes out above 65,536.
 */
export function wrapSize(rumor: Rumor, options: Pick<WrapOptions, 'expiration' | 'relay'> = {}): number {
  const sealSize = bareSize(SEAL_KIND, []) + payloadLength(Buffer.byteLength(rumorJson(rumor)))
  return bareSize(WRAP_KIND, wrapTags('0'.repeat(64), options)) + payloadLength(sealSize)
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
function pastStamp({ now, lag = 0 }: Pick<WrapOptions, 'now' | 'lag'>, random: RandomBytes): number {
  return Math.max(0, now - randomInt(Math.max(1, TWO_DAYS - lag), random))
}

function encryptTo(to: string, key: Uint8Array | undefined, text: string, random: RandomBytes): string {
  if (key === undefined) throw new RangeError(`not a public key: ${to}`)
  return encrypt(text, key, random(32))
}

/** How long a relay is asked to keep a wrap (NIP-40), in seconds. */
export const RETENTION = 7 * 24 * 3600

/** strfry's default for the largest event, as normalised JSON in bytes. */
export const WRAP_LIMIT = 65_536

/**
 * As WrapOptions. `callKey` has to be given, be it undefined: if it could be left out by mistake, what a call keeps secret would go out
 * under the identities' key. `keptFor`: seconds for which relays are asked to keep it, if not RETENTION.
 */
export type GiftWrapOptions = Pick<WrapOptions, 'now' | 'recent' | 'work' | 'lag'> & {
  callKey: CallKey | undefined
  keptFor?: number
}

/** A wrap for one receiver that relays may drop after a while (NIP-40). Throws as `seal` does. */
export function giftWrap(rumor: Rumor, to: string, keys: Keys, options: GiftWrapOptions): Event {
  return wrap(rumor, keys, to, { ...options, expiration: options.now + (options.keptFor ?? RETENTION) })
}

/** Whether the wrap of this rumor stays below the usual limit of relays. */
export function fitsRelays(rumor: Rumor): boolean {
  return wrapSize(rumor, { expiration: rumor.created_at + RETENTION }) < WRAP_LIMIT
}
