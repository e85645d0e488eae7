// Three people with fixed keys, and the moment at which they meet.
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import { must } from './must.ts'

export const alice = person('alice')
export const bob = person('bob')
export const mallory = person('mallory')

/** A moment for tests, in Unix seconds. */
export const now = 1_760_000_000

function person(name: string): Keys {
  return must(keysFrom(sha256(Buffer.from(name))))
}
