// Cron at a relay that counts connections, as the whole program: how often it goes there, what it says of that, and that its agent
// stays on line there all the same.
import { expect, test } from 'vitest'
import { tag } from '../../src/nostr/event.ts'
import { withPair } from '../support/two-programs.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const HOURS = 2.5

test.each([
  ['alone', undefined],
  ['with other commands between', 7 * MINUTE],
])('an announce every two minutes, %s', async (_, others) => {
  const faults = { dialLimit: { seconds: 300, burst: 10 } }
  await withPair({ faults }, async ({ relay, ada }) => {
    const tries: { at: number; cron: boolean }[] = []
    let limitedAt: number | undefined
    for (let at = 0; at < HOURS * HOUR; at += 2 * MINUTE) {
      const before = relay.connectionsSoFar()
      const { stdout, stderr, code } = await ada.run(['announce'], at)
      for (let n = before; n < relay.connectionsSoFar(); n++) tries.push({ at, cron: true })
      expect([code, stderr]).toEqual([0, ''])
      if (stdout.includes('429')) limitedAt ??= at
      // It says no more than it must: cron mails each line.
      else if (limitedAt !== undefined) expect(stdout).toMatch(/^announced on 1 of 1 relays.*; nothing unread\n$/)
      if (limitedAt !== undefined && at > limitedAt + 10 * MINUTE && others === undefined) {
        const [presence] = relay.events().filter(({ kind }) => kind === 30315)
        expect(Number(presence && tag(presence, 'expiration'))).toBeGreaterThan((Date.now() + at) / 1000)
      }
      if (others !== undefined && at % others < 2 * MINUTE) await ada.run(['status'], at + MINUTE)
    }
    const crons = tries.flatMap(({ at }) => (limitedAt !== undefined && at >= limitedAt ? [at] : []))
    for (const from of crons)
      expect(crons.filter((at) => at >= from && at <= from + HOUR).length).toBeLessThanOrEqual(12)
    expect(crons.length).toBeGreaterThan(12)
    const { checks } = await ada.json(['doctor'], HOURS * HOUR)
    expect(JSON.stringify(checks)).toMatch(
      /it limits how often we connect, last at .* goes there once in 6 minutes, and a presence is good for 15 minutes/,
    )
  })
})
