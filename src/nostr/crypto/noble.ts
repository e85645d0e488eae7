// The reference engine: noble, audited and in plain JavaScript, so it works on every Node. Where engines differ, it is right.
//
// Of timing: noble's multiplications by a secret always take the same steps, but they are steps of BigInt, whose time
// depends on its numbers. That is the best plain JavaScript offers, and no promise.
import { chacha20 } from '@noble/ciphers/chacha.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { getSharedSecret, hashes, schnorr, utils } from '@noble/secp256k1'
import type { Engine, SignedByKey } from './engine.ts'

// noble-secp256k1 brings no hash of its own and throws at the first signature until it is given one.
hashes.sha256 = sha256
hashes.hmacSha256 = (key, message) => hmac(sha256, key, message)

export const noble: Engine = {
  publicKey: (secret) => (utils.isValidSecretKey(secret) ? schnorr.getPublicKey(secret) : undefined),

  isPoint: (key) => utils.isValidPublicKey(evenPoint(key), true),

  sharedX(secret, key) {
    if (!utils.isValidSecretKey(secret)) return undefined
    try {
      return getSharedSecret(secret, evenPoint(key)).subarray(1)
    } catch {
      return undefined
    }
  },

  sign: (hash, secret, aux) => schnorr.sign(hash, secret, aux),
  verify,
  verifyAll: (items) => items.map(verify),
  sha256: (bytes) => sha256(bytes),

  hmacSha256(key, messages) {
    const mac = hmac.create(sha256, key)
    for (const message of messages) mac.update(message)
    return mac.digest()
  },

  hkdfExtract: (salt, keyMaterial) => extract(sha256, keyMaterial, salt),
  hkdfExpand: (key, info, length) => expand(sha256, key, info, length),
  chacha20: (key, nonce, data) => chacha20(key, nonce, data),
}

function verify({ signature, hash, key }: SignedByKey): boolean {
  try {
    return schnorr.verify(signature, hash, key)
  } catch {
    return false
  }
}

// BIP-340: an x-only key stands for the point with that x and an even y, which SEC 1 writes with the prefix 02.
function evenPoint(key: Uint8Array): Uint8Array {
  return Uint8Array.of(2, ...key)
}
