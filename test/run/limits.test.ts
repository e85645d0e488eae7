// Which of a relay's limits are told: those that we would hit, and no others.
import { describe, expect, test } from 'vitest'
import type { AnnouncedLimits } from '../../src/nostr/nip11.ts'
import { eventNeeds, limitsHit } from '../../src/run/relay-limits.ts'

const open = { auth: false, payment: false, restricted: false }
const hit = (limits: Partial<AnnouncedLimits>) => limitsHit({ ...open, ...limits }, eventNeeds(12))

describe('a limit', () => {
  test.each([
    [{ payment: true }, /paid/],
    [{ restricted: true }, /whom it knows/],
    [{ work: 20 }, /20 bits/],
    [{ message: 65_536 }, /65536 bytes/],
    [{ content: 8_196 }, /8196/],
    [{ tags: 10 }, /10 tags, and our presence has 12/],
    [{ subscriptions: 1 }, /1 of our questions/],
    [{ subscriptionId: 3 }, /3 characters/],
    [{ oldest: 3_600 }, /older than 3600 s/],
    [{ newest: 3 }, /3 s ahead/],
  ])('%o is in our way', (limits, line) => expect(hit(limits)).toEqual([expect.stringMatching(line)]))

  test.each([
    {},
    { auth: true },
    { message: 131_072, content: 65_535, tags: 100, subscriptions: 20, subscriptionId: 64 },
    { oldest: 94_608_000, newest: 900 },
  ])('%o is not', (limits) => expect(hit(limits)).toEqual([]))
})
