// NIP-77: two implementations, the library that we ask with and the relay's own, find what one has and the other has not;
// and whatever else a relay may say ends the talk.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { answerNegMessage, type Item } from '../../scripts/relay/negentropy.ts'
import { reconcile } from '../../src/nostr/nip77.ts'

const NOW = 1_790_000_000

/** Items whose stamps collide now and then. */
function items(from: number, to: number): Item[] {
  for (let n = made.length; n < to; n++) {
    const id = createHash('sha256').update(`item ${n}`).digest('hex')
    made.push({ id, stamp: NOW + Math.floor(n / 3) })
  }
  return made.slice(from, to)
}

const made: Item[] = []

function reconcileBoth(
  ours: readonly Item[],
  theirs: readonly Item[],
): { need: string[]; rounds: number; longest: number } {
  const { first, next } = reconcile(ours.map(({ id, stamp }) => [id, stamp] as const))
  const need: string[] = []
  let [message, rounds, longest]: [string | undefined, number, number] = [first, 0, 0]
  while (message !== undefined) {
    rounds += 1
    longest = Math.max(longest, message.length)
    const answer = answerNegMessage(theirs, message)
    const step = answer === undefined ? undefined : next(answer)
    if (step === undefined) throw new Error(`no sense after ${rounds} rounds`)
    need.push(...step.need)
    message = step.reply
  }
  return { need: need.sort(), rounds, longest }
}

const ids = (list: readonly Item[]) => list.map(({ id }) => id).sort()

describe('what the relay has and we have not', () => {
  test.each<[string, Item[], Item[], Item[]]>([
    ['nothing on either side', [], [], []],
    ['nothing of ours', [], items(0, 700), items(0, 700)],
    ['nothing of theirs', items(0, 700), [], []],
    ['the same', items(0, 5_000), items(0, 5_000), []],
    ['one more', items(0, 5_000), items(0, 5_001), items(5_000, 5_001)],
    ['one in the middle', [...items(0, 2_000), ...items(2_001, 5_000)], items(0, 5_000), items(2_000, 2_001)],
    ['half of each', items(0, 4_000), items(2_000, 6_000), items(4_000, 6_000)],
    ['nothing in common', items(0, 2_000), items(2_000, 4_000), items(2_000, 4_000)],
    [
      'all at one second',
      items(0, 90).map((i) => ({ ...i, stamp: NOW })),
      items(0, 99).map((i) => ({ ...i, stamp: NOW })),
      items(90, 99),
    ],
  ])('%s', (_, ours, theirs, lacking) => {
    const { need, rounds, longest } = reconcileBoth(ours, theirs)
    expect(need).toEqual(ids(lacking))
    expect(rounds).toBeLessThan(10)
    expect(longest).toBeLessThan(125_000)
  })

  test('the same is found to be the same in one message', () => {
    expect(reconcileBoth(items(0, 5_000), items(0, 5_000)).rounds).toBe(1)
  })
})

describe('a relay that means ill', () => {
  const { first } = reconcile([])
  const open = () => reconcile(items(0, 100).map(({ id, stamp }) => [id, stamp] as const))

  test.each([
    ['another version', '62'],
    ['no version', '00'],
    ['half a range', '6101'],
    ['a list that is longer than the message', `610000028f${'ff'.repeat(4)}`],
    ['a mode that there is not', '61000007'],
    ['a bound that is too long', `610021${'00'.repeat(33)}00`],
    ['a length that is negative in 32 bits', `61008f8080800000`],
    ['a count that is negative in 32 bits', `6100000288808080808000`],
  ])('%s ends it', (_, message) => {
    expect(open().next(message)).toBeUndefined()
  })

  test('random bytes never make it throw', () => {
    let state = 7
    const dice = () => {
      state = (state * 48_271) % 2_147_483_647
      return state
    }
    for (let n = 0; n < 2_000; n++) {
      const length = 1 + (dice() % 80)
      const bytes = Buffer.from(Array.from({ length }, () => dice() % 256))
      if (n % 2 === 0) bytes[0] = 0x61
      open().next(bytes.toString('hex'))
    }
  })

  test('one that never comes to an end is left', () => {
    const { next } = open()
    // A fingerprint that fits nothing, again and again.
    const never = `61000001${'ab'.repeat(16)}`
    let rounds = 0
    while (next(never) !== undefined) rounds += 1
    expect(rounds).toBe(40)
  })

  test('one that fills its messages with ranges of nothing is left before it costs a second', () => {
    const ranges: Record<string, string> = { skipped: '010000', unlike: `010001${'ab'.repeat(16)}`, empty: '01000200' }
    for (const range of Object.values(ranges)) {
      const { next } = open()
      const most = `61${range.repeat(Math.floor(1_040_000 / range.length))}`
      const parts = `${most}000001${'ab'.repeat(16)}`
      const began = process.cpuUsage()
      while (next(parts) !== undefined);
      expect(process.cpuUsage(began).user).toBeLessThan(1_500_000)
    }
  })

  test('more ids than we would take are too many', () => {
    const many = items(0, 20_001)
    const list = `610000029c21${many.map(({ id }) => id).join('')}`.replace('9c21', '819c21')
    expect(reconcile([]).next(list)).toBeUndefined()
    expect(first).toMatch(/^61/)
  })
})

test('what a damaged file gives for ids and times is left out', () => {
  const bad: [string, number][] = [
    ['x', NOW],
    ['AB'.repeat(32), NOW],
    ...[-1, 0.5, 2 ** 31, 2 ** 60, Number.NaN].map((stamp, n): [string, number] => [`${n}`.repeat(64), stamp]),
  ]
  const good = items(0, 300).map(({ id, stamp }): [string, number] => [id, stamp])
  expect(reconcile([...bad, ...good]).first).toBe(reconcile(good).first)
})
