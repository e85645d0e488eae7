// NIP-77: which events of a filter a relay has and we do not, found by comparing fingerprints instead of sending all of them.
// The reconciliation itself is nostr-tools'; here stand its bounds, since a relay may say anything.
// The package holds the module and leaves it out of its exports; its index would bring all of nostr-tools into the bundle.
import { Negentropy, NegentropyStorageVector } from '../../node_modules/nostr-tools/lib/esm/nip77.js'
import { isHex32 } from './crypto.ts'

/** What we have: ids, and their created_at in Unix seconds. All of it must match the filter that the relay is told. */
export type Held = Iterable<readonly [id: string, stamp: number]>

/** A talk with one relay. Messages are hex, as they stand in NEG-OPEN and NEG-MSG. */
export type Reconciliation = {
  /** Opens the talk. */
  readonly first: string
  /** What follows from a message of the relay's; undefined for one that makes no sense, or one too many. Never throws. */
  next(message: string): Step | undefined
}

/** The ids that the relay has and we lack, and what to say next; nothing when we are through. */
export type Step = { need: string[]; reply: string | undefined }

/** Bytes of our messages at the most: strfry's default for a WebSocket message is 131,072 characters, and hex has two a byte. */
const frameBytes = 60_000

/**
 * The attack: a relay that goes on for ever. Each round parts a range in sixteen, so 20,000 events take four; the library cuts
 * what does not fit into a frame and goes on in the next round.
 */
const mostRounds = 40

/** Most ids that we let ourselves be told of: as many events as are taken of one answer. */
export const mostNeeded = 20_000

export function reconcile(held: Held): Reconciliation {
  const storage = new NegentropyStorageVector()
  for (const [id, stamp] of new Map(held)) storage.insert(stamp, id)
  storage.seal()
  const negentropy = new Negentropy(storage, frameBytes)
  let rounds = 0
  const told = new Set<string>()
  return {
    first: negentropy.initiate(),
    next(message) {
      rounds += 1
      if (rounds > mostRounds || !isWellFormed(Buffer.from(message, 'hex'))) return undefined
      const need: string[] = []
      try {
        // Asked again in a later round, a range may name an id twice.
        const reply = negentropy.reconcile(message, undefined, (id) => {
          if (isHex32(id) && !told.has(id)) need.push(id)
          told.add(id)
        })
        return told.size > mostNeeded ? undefined : { need, reply: reply ?? undefined }
      } catch {
        return undefined
      }
    },
  }
}

/**
 * Whether bytes are a message of version 1: ranges one after the other, each an upper bound, a mode and its payload.
 *
 * The attack: lengths that are negative in 32 bits, on which the library reads the same bytes for ever.
 */
function isWellFormed(bytes: Uint8Array): boolean {
  let at = 1
  // "Varints (variable-sized unsigned integers) are represented as base-128 digits, most significant digit first".
  const varint = (): number => {
    let value = 0
    for (let digits = 1; digits <= 5; digits++) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      value = value * 128 + (byte % 128)
      // Stamps need 31 bits until 2038, and the library counts in no more.
      if (byte < 128) return value < 2 ** 31 ? value : Number.NaN
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const stamp = varint()
    const prefix = varint()
    if (Number.isNaN(stamp) || !(prefix <= 32)) return false
    at += prefix
    const mode = varint()
    if (!(mode <= 2)) return false
    const size = mode === 2 ? 32 * varint() : 16 * mode
    at += size
    if (!(at <= bytes.length)) return false
  }
  return bytes[0] === 0x61
}
