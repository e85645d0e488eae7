// For bytes that need not be in memory all at once: their SHA-256, and NIP-17's encryption of files (kind 15, `aes-gcm`).
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'

/** Bytes of GCM's tag, which follows the ciphertext. */
export const TAG = 16

export type Sha256Stream = { update(bytes: Uint8Array): void; hex(): string }

/** SHA-256 of what `update` is given piece by piece; `hex` ends it and gives lowercase hex. */
export function createSha256(): Sha256Stream {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
}

export type Encryption = { update(bytes: Uint8Array): Uint8Array; final(): Uint8Array }

/**
 * AES-256-GCM: `final` gives what is left, and the tag behind it. A nonce must never serve twice under one key. Throws on a key that is
 * not 32 bytes.
 */
export function createEncryption(key: Uint8Array, nonce: Uint8Array): Encryption {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return {
    update: (bytes) => cipher.update(bytes),
    final: () => Buffer.concat([cipher.final(), cipher.getAuthTag()]),
  }
}

export type Decryption = { update(bytes: Uint8Array): Uint8Array; final(): boolean }

/**
 * The inverse of `createEncryption`. What `update` gives is not to be believed before `final` has said true. Throws on a key that is not
 * 32 bytes and on a tag that is not 16.
 */
export function createDecryption(key: Uint8Array, nonce: Uint8Array, tag: Uint8Array): Decryption {
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
  cipher.setAuthTag(tag)
  return {
    update: (bytes) => cipher.update(bytes),
    final() {
      try {
        cipher.final()
        return true
      } catch {
        return false
      }
    },
  }
}
