// The tests of the codecs, official vectors among them, once more on the reference engine. Beside this they run on whatever
// this Node is fastest with.
import { expect, test } from 'vitest'
import { engineName } from '../../../src/nostr/crypto.ts'

process.env.P2P_CRYPTO = 'noble'

test('P2P_CRYPTO=noble asks for the reference', () => {
  expect(engineName()).toBe('noble')
})

await import('../crypto.test.ts')
await import('../nip44.test.ts')
