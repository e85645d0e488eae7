// Official vectors of the protocols, where they are: $P2P_VECTORS, else ../shared/vectors beside the project.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { sha256, toHex } from '../../src/nostr/crypto.ts'

/** Tests over a file of official vectors: $P2P_VECTORS, else ../shared/vectors beside the project; skipped where there is none. */
export function describeVectors(file: string, body: (text: string) => void): void {
  const folder = process.env.P2P_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))
  const path = join(folder, file)
  describe(file, () => {
    if (existsSync(path)) body(readFileSync(path, 'utf8'))
    else test.skip(`official vectors are not at ${path}; set P2P_VECTORS to the folder that has them`, () => {})
  })
}

/** Lowercase hex of the SHA-256 of a text in UTF-8. */
export function sha256Of(text: string): string {
  return toHex(sha256(Buffer.from(text, 'utf8')))
}
