// For how long a relay wants to be left alone, as it says it in words or in a header.
import { describe, expect, test } from 'vitest'
import { retryAfter, secondsIn } from '../../src/nostr/rate-limit.ts'
import { foreignLine } from '../../src/sanitize.ts'

describe('the words of a relay', () => {
  test.each([
    ['rate-limited: retry in 30 seconds', 30],
    ['slow down, 5s', 5],
    ['come back in 2 min', 120],
    ['at most 12 per hour', undefined],
    ['1 hour', 3_600],
    ['rate-limited: slow down', undefined],
    ['99999999999 seconds', undefined],
  ])('"%s" name so many seconds: %s', (text, seconds) => expect(secondsIn(foreignLine(text))).toBe(seconds))

  test('in Retry-After are seconds or a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfter('120', now)).toBe(120)
    expect(retryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60)
    for (const header of [undefined, '', '0', '-5', 'soon', 'Thu, 01 Jan 2020 00:01:00 GMT'])
      expect(retryAfter(header, now)).toBeUndefined()
  })
})
