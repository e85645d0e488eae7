// The work that a first word costs: said before, told on the way, and given up in time.
import { expect, test } from 'vitest'
import { eventId } from '../../src/nostr/event.ts'
import { leadingZeroBits } from '../../src/nostr/nip13.ts'
import type { RunContext } from '../../src/run/context.ts'
import { mineFor } from '../../src/run/proof-of-work.ts'
import { must } from '../support/must.ts'
import { alice, now } from '../support/people.ts'

const wrap = { pubkey: alice.pubkey, created_at: now, kind: 1059, tags: [['p', alice.pubkey]], content: 'sealed' }

/** A environment in which every look at the clock takes a while, and what is said in it. */
function worldWith(msPerLook: number): {
  context: { environment: Pick<RunContext['environment'], 'clock' | 'say'> }
  said: string[]
} {
  const said: string[] = []
  let ms = 0
  const clock = () => {
    ms += msPerLook
    return ms
  }
  return { context: { environment: { clock, say: (line) => void said.push(line) } }, said }
}

test('work that can be done is done, and said before', () => {
  const { context, said } = worldWith(0)
  const mined = must(must(mineFor(context, 8))(wrap))
  expect(leadingZeroBits(eventId(mined))).toBeGreaterThanOrEqual(8)
  expect(said).toEqual(['the other side asks strangers for 8 bits of work; this may take up to 30 s'])
})

test('work that takes long says how far it is, and is given up after half a minute', () => {
  const { context, said } = worldWith(1_000)
  expect(must(mineFor(context, 32))(wrap)).toBeUndefined()
  expect(
    said.filter((line) => /^working: \d+ hashes tried in \d+ s, 4294967296 on average$/.test(line)).length,
  ).toBeGreaterThan(3)
  expect(said.at(-1)).toBe('32 bits of work are not to be had in 30 s: it goes out without, and may be dropped unread')
})

test('work that nobody can do is not begun', () => {
  const { context, said } = worldWith(0)
  expect(must(mineFor(context, 33))(wrap)).toBeUndefined()
  expect(said).toHaveLength(1)
})
