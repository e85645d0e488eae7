// Bytes and keys that anybody can make again from a name.
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'

/** A source of bytes in place of a random one: blocks of SHA-256 over the name and a counter. */
export function seededBytes(name: string): (length: number) => Uint8Array {
  let count = 0
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 32)
      bytes.set(sha256(Buffer.from(`${name} ${count++}`)).subarray(0, length - at), at)
    return bytes
  }
}

/** The key pair whose secret is the SHA-256 of the name. */
export function keysOf(name: string): Keys {
  const keys = keysFrom(sha256(Buffer.from(name)))
  if (keys === undefined) throw new Error('no key')
  return keys
}
