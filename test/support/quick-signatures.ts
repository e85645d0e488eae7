// Good signatures (BIP-340) that take one hash to make, for floods of events from people who are made up. The nonce of all of them is 1,
// whose point is known; whoever sees one knows the secret.
import { getPublicKey, Point } from '@noble/secp256k1'
import { modOrder, taggedHash, toBytes, toNumber } from '../../src/nostr/crypto/openssl-curve.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { type Event, rumorOf, type Template } from '../../src/nostr/event.ts'

/** The nonce's point: the base point, whose y is even. */
const R = toBytes(Point.BASE.x)

const scalars = new WeakMap<Keys, bigint>()

/** `finalize` by somebody whose secret need not stay one. */
export function finalizeQuickly(template: Template, keys: Keys): Event {
  const rumor = rumorOf(template, keys.pubkey)
  return { ...rumor, sig: quickSignature(rumor.id, keys) }
}

/** The signature of an event's id, in hex as the id is. */
export function quickSignature(id: string, keys: Keys): string {
  const e = toNumber(taggedHash('challenge', R, Buffer.from(keys.pubkey, 'hex'), Buffer.from(id, 'hex')))
  return Buffer.concat([R, toBytes(modOrder(1n + e * scalarOf(keys)))]).toString('hex')
}

/** The secret, or its negative where the point of the secret has an odd y. */
function scalarOf(keys: Keys): bigint {
  const known = scalars.get(keys)
  if (known !== undefined) return known
  const secret = toNumber(keys.secret)
  const scalar = getPublicKey(keys.secret)[0] === 2 ? secret : modOrder(-secret)
  scalars.set(keys, scalar)
  return scalar
}
