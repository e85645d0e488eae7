// A Node whose OpenSSL lacks the curve (BoringSSL, FIPS builds): noble does it all.
import { expect, test, vi } from 'vitest'
import { engineName, keysFrom, sha256, sharedX, sign, verify, verifyAll } from '../../../src/nostr/crypto.ts'
import { must } from '../../support/must.ts'

vi.mock('node:crypto', async (original) => ({
  ...(await original<typeof import('node:crypto')>()),
  createECDH: () => {
    throw new Error('Invalid EC curve name')
  },
}))

test('without the curve noble computes', () => {
  expect(engineName()).toBe('noble')
  const keys = must(keysFrom(new Uint8Array(32).fill(7)))
  const hash = sha256(Buffer.from('a message'))
  const signature = sign(hash, keys.secret)
  expect(verify(signature, hash, keys.pubkey)).toBe(true)
  expect(verifyAll([{ signature, hash, pubkey: keys.pubkey }])).toEqual([true])
  expect(sharedX(keys.secret, keys.pubkey)).toHaveLength(32)
})
