// What a relay says of itself: as relays say it, and as nobody should.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRelayInfo } from '../../src/nostr/nip11.ts'

const NO_LIMITS = { auth: false, payment: false, restricted: false }
const read = (document: unknown) => parseRelayInfo(JSON.stringify(document))

describe('relay information', () => {
  test('is read field by field', () => {
    const limitation = {
      ...{ max_message_length: 524288, max_content_length: 8196, max_event_tags: 4000, max_subscriptions: 50 },
      ...{
        max_subid_length: 71,
        min_pow_difficulty: 30,
        created_at_lower_limit: 94608000,
        created_at_upper_limit: 300,
      },
      ...{ auth_required: true, payment_required: true, restricted_writes: true, something_new: [1] },
    }
    const document = { software: 'https://nostr.wine', version: '0.3.3', supported_nips: [1, 11, 42], limitation }
    expect(read(document)).toEqual({
      software: 'https://nostr.wine 0.3.3',
      nips: [1, 11, 42],
      limits: {
        ...{ message: 524288, content: 8196, tags: 4000, subscriptions: 50, subscriptionId: 71, work: 30 },
        ...{ oldest: 94608000, newest: 300, auth: true, payment: true, restricted: true },
      },
    })
  })

  test('may say nothing', () => expect(read({})).toEqual({ software: '', nips: [], limits: NO_LIMITS }))

  test('is believed only where a field is what it should be', () => {
    const limitation = {
      ...{ max_message_length: '65536', max_content_length: -1, max_event_tags: 1.5, max_subscriptions: null },
      ...{ max_subid_length: 1e300, min_pow_difficulty: 0, created_at_lower_limit: 1_700_000_000 },
      ...{ auth_required: 'true', payment_required: 1, restricted_writes: {} },
    }
    expect(read({ software: 7, supported_nips: ['1', 2, null, 3.5], limitation })).toEqual({
      software: '',
      nips: [2],
      limits: NO_LIMITS,
    })
    expect(parseRelayInfo('{"limitation":{"__proto__":{"auth_required":true}}}')?.limits).toEqual(NO_LIMITS)
    expect(parseRelayInfo('{"__proto__":{"limitation":{"auth_required":true}}}')?.limits).toEqual(NO_LIMITS)
  })

  test.each(['', 'null', '[]', '7', '"x"', '<html>', '{'])('is not %s', (text) => {
    expect(parseRelayInfo(text)).toBeUndefined()
  })

  test('of any shape does not throw', () => {
    fc.assert(fc.property(fc.json(), (json) => void parseRelayInfo(json)))
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.anything()), (limitation) => void read({ limitation })))
  })
})
