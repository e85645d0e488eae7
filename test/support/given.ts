// What the tests of this room start from: three people, official vectors where they are, and a way to insist.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { type Keys, keysFrom, sha256, toHex } from '../../src/nostr/crypto.ts'

export const alice = person('alice')
export const bob = person('bob')
export const mallory = person('mallory')

/** A moment for tests, in Unix seconds. */
export const now = 1_760_000_000

/** The value, which must be there. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test needs a value here')
  return value
}

/** The error a call throws; undefined when it throws none. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}

/** Tests over a file of official vectors: $P2P_VECTORS, else ../shared/vectors beside the project; skipped where there is none. */
export function describeVectors(file: string, body: (text: string) => void): void {
  const folder = process.env.P2P_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))
  const path = join(folder, file)
  describe(file, () => {
    if (existsSync(path)) body(readFileSync(path, 'utf8'))
    else test.skip(`official vectors are not at ${path}; set P2P_VECTORS to the folder that has them`, () => {})
  })
}

function person(name: string): Keys {
  return must(keysFrom(sha256(Buffer.from(name))))
}

/** Lowercase hex of the SHA-256 of a text in UTF-8. */
export function sha256Of(text: string): string {
  return toHex(sha256(Buffer.from(text, 'utf8')))
}
