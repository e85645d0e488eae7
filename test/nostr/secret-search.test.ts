// Our own secret in what is about to leave: found in every form in which keys are passed around, wherever it stands and however
// it is cut; and nothing else is taken for it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomKeys, toHex } from '../../src/nostr/crypto.ts'
import { npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { holdsSecret, openSecretSearch } from '../../src/nostr/secret-search.ts'
import { SECRET_FORMS } from '../support/secret-forms.ts'

const keys = randomKeys()
const text = (words: string) => Buffer.from(words)

describe('it is found', () => {
  it.each(Object.entries(SECRET_FORMS))('as %s', (_, form) => {
    const bytes = form(keys.secret)
    expect(holdsSecret(keys.secret, [bytes])).toBe(true)
    expect(holdsSecret(keys.secret, ['nothing', Buffer.concat([Buffer.alloc(1_000, 'a'), bytes, text('!')])])).toBe(
      true,
    )
  })

  it('of any key, in any form, anywhere, in pieces of any size', () => {
    const forms = fc.constantFrom(...Object.values(SECRET_FORMS))
    const around = fc.uint8Array({ maxLength: 200 })
    const size = fc.integer({ min: 1, max: 100 })
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        forms,
        around,
        around,
        size,
        (raw, form, a, b, most) => {
          // A key of few different bytes is none that dice give.
          fc.pre(new Set(raw).size > 8 && raw[0] !== 0)
          const all = Buffer.concat([a, text(' '), form(raw), text(' '), b])
          const search = openSecretSearch(raw)
          let seen = false
          for (let at = 0; at < all.length && !seen; at += most) seen = search.sees(all.subarray(at, at + most))
          expect(seen).toBe(true)
        },
      ),
    )
  })
})

describe('nothing else is taken for it', () => {
  it.each([
    ['the public key', keys.pubkey],
    ['the npub', npubEncode(keys.pubkey)],
    ['another key', toHex(randomKeys().secret)],
    ["another key's nsec", nsecEncode(randomKeys().secret)],
    ['half of it', toHex(keys.secret).slice(0, 32)],
    ['nothing', ''],
  ])('%s', (_, words) => {
    expect(holdsSecret(keys.secret, [words, text(words).toString('base64')])).toBe(false)
  })

  it('nor any other bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => !holdsSecret(keys.secret, [bytes])))
  })
})
