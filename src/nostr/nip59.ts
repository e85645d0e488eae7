// NIP-59, sending: a rumor in a seal in a gift wrap. Who wrote it is known to nobody but the receiver, who opens it with
// `unwrap`.
import { type Dice, type Keys, randomBytes, randomInt, randomKeys } from './crypto.ts'
import { type Event, eventId, finalize, type Rumor } from './event.ts'
import { conversationKey, encrypt, lastingKey, payloadLength } from './nip44.ts'

export const sealKind = 13
export const wrapKind = 1059

const twoDays = 2 * 24 * 60 * 60

/** What is written on the outside. Times are Unix seconds. */
export type Postage = {
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
export function wrap(rumor: Rumor, keys: Keys, to: string, postage: Postage, dice: Dice = randomBytes): Event {
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
export function wrapSize(rumor: Rumor, postage: Pick<Postage, 'expiration' | 'relay'> = {}): number {
  const sealSize = bareSize(sealKind, []) + payloadLength(Buffer.byteLength(rumorJson(rumor)))
  return bareSize(wrapKind, wrapTags('0'.repeat(64), postage)) + payloadLength(sealSize)
}

// Field by field, because a signed event is a Rumor to the compiler. "The inner event MUST always be unsigned" (NIP-59, 2).
function rumorJson({ id, pubkey, created_at, kind, tags, content }: Rumor): string {
  return JSON.stringify({ id, pubkey, created_at, kind, tags, content })
}

function wrapTags(to: string, { expiration, relay }: Pick<Postage, 'expiration' | 'relay'>): string[][] {
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
