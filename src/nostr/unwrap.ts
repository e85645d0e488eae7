// NIP-59, receiving: that the receiver of a gift wrap cannot be lied to about who wrote what is in it.
import type { Keys } from './crypto.ts'
import { type Event, parseEvent, parseRumor, type Rumor, tags, verifyEvent, verifyEvents } from './event.ts'
import { conversationKey, decrypt, lastingKey } from './nip44.ts'
import { sealKind, wrapKind } from './nip59.ts'

/** How many seals are verified at once: more cost less each, and what is late is later by as many. */
const together = 256

export type Refusal = 'not-a-wrap' | 'not-for-us' | 'undecryptable' | 'bad-seal' | 'forged' | 'bad-rumor'

export type Unwrapped = { ok: true; rumor: Rumor; from: string } | { ok: false; reason: Refusal }

/**
 * Opens a gift wrap for us and names its author, or says why not. Never throws.
 *
 * The wrap's own signature is not looked at: its key is used once and known to nobody, so anybody can make a good one. What
 * is believed rests on the seal: NIP-44's MAC binds the wrap's content, and the seal's signature names the author.
 */
export function unwrap(wrapped: Event, keys: Keys): Unwrapped {
  const sealed = sealIn(wrapped, keys)
  if (typeof sealed === 'string') return refuse(sealed)
  return rumorIn(sealed, verifyEvent(sealed), keys)
}

/**
 * `unwrap` of each, and much faster than one after the other: the seals are verified together, and an author's key is worked
 * out once. `late` is asked after each wrap whether to stop: then there are fewer answers than wraps, for the first ones.
 */
export function unwrapAll(wraps: readonly Event[], keys: Keys, late: () => boolean = () => false): Unwrapped[] {
  const opened: Unwrapped[] = []
  while (opened.length < wraps.length) {
    const seals: (Event | Refusal)[] = []
    for (const wrapped of wraps.slice(opened.length, opened.length + together)) {
      if (opened.length + seals.length > 0 && late()) break
      seals.push(sealIn(wrapped, keys))
    }
    if (seals.length === 0) return opened
    opened.push(...openSeals(seals, keys))
  }
  return opened
}

function openSeals(seals: readonly (Event | Refusal)[], keys: Keys): Unwrapped[] {
  const events = seals.filter((sealed) => typeof sealed !== 'string')
  const good = new Map(verifyEvents(events).map((isGood, index) => [events[index], isGood]))
  return seals.map((sealed) =>
    typeof sealed === 'string' ? refuse(sealed) : rumorIn(sealed, good.get(sealed) === true, keys),
  )
}

function sealIn(wrapped: Event, keys: Keys): Event | Refusal {
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
  if (!isGood) return refuse('forged')
  const json = decryptWith(lastingKey(keys, sealed.pubkey), sealed.content)
  if (json === undefined) return refuse('undecryptable')
  const rumor = parseRumor(parseJson(json))
  if (rumor === undefined) return refuse('bad-rumor')
  // NIP-17, Encrypting: clients "MUST verify if pubkey of the kind:13 is the same pubkey"; "otherwise any sender can
  // impersonate any other by simply changing the pubkey on the rumor".
  if (rumor.pubkey !== sealed.pubkey) return refuse('forged')
  return { ok: true, rumor, from: sealed.pubkey }
}

function decryptWith(key: Uint8Array | undefined, payload: string): string | undefined {
  return key === undefined ? undefined : decrypt(payload, key)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(reason: Refusal): Unwrapped {
  return { ok: false, reason }
}
