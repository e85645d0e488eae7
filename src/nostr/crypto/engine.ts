// What an engine is: the mathematics of `crypto.ts`, computed in one way or another, with the same bytes and the same
// refusals. Keys on the curve are 32-byte x coordinates (BIP-340); secrets are 32 bytes.

export type Engine = {
  /** The public key of a secret; undefined for what is no secret: any other length, zero, the group order and above. */
  publicKey(secret: Uint8Array): Uint8Array | undefined
  /** Whether 32 bytes are the x of a point. */
  isPoint(key: Uint8Array): boolean
  /** The x coordinate of secret · key; undefined when either is none. */
  sharedX(secret: Uint8Array, key: Uint8Array): Uint8Array | undefined
  /** BIP-340, Default Signing. Throws on what is no secret and on `aux` of any length but 32. */
  sign(hash: Uint8Array, secret: Uint8Array, aux: Uint8Array): Uint8Array
  /** BIP-340, Verification, of 64 bytes under 32. */
  verify(item: SignedByKey): boolean
  /** `verify` of each, in whatever way is fastest for that many. */
  verifyAll(items: readonly SignedByKey[]): boolean[]
  sha256(bytes: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, messages: readonly Uint8Array[]): Uint8Array
  hkdfExtract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array
  /** Throws RangeError above 8,160 bytes. */
  hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** Throws on a key that is not 32 bytes and on a nonce that is not 12. */
  chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array
}

export type SignedByKey = { signature: Uint8Array; hash: Uint8Array; key: Uint8Array }
