// Who may say that our clock is wrong, and what that is believed for.
import { describe, expect, test } from 'vitest'
import { RIGHT_CLOCK, readRelayClock } from '../../src/run/clock.ts'

const own = ['wss://a.example', 'wss://b.example', 'wss://c.example']
const YEARS = 9 * 365 * 86_400
const DAY = 86_400
const told = (...clocks: (number | undefined)[]) => own.map((url, n) => ({ url, clockAhead: clocks[n] }))

describe('our clock is wrong', () => {
  test.each<[string, ReturnType<typeof told>, number]>([
    ['where two say so and the third says nothing', told(DAY, DAY + 3), DAY],
    ['where two say so and the third says otherwise', told(-DAY, 2, -DAY - 10), -DAY - 10],
    ['where all say so', told(DAY, DAY - 20, DAY + 20), DAY],
  ])('%s', (_, relays, ahead) => {
    expect(readRelayClock(relays, own)).toEqual({ reportedAhead: ahead, ahead, lag: 0 })
  })
})

describe('our clock is taken for right', () => {
  test.each<[string, ReturnType<typeof told>]>([
    ['where nobody tells the time', told()],
    ['where the difference is one that deadlines forgive', told(50, -50, 60)],
    ['where one alone says otherwise', told(-YEARS)],
    ['where one says otherwise and one says nothing of it', told(-YEARS, 0)],
    ['where each says something else', told(-YEARS, DAY, 7_200)],
    ['where two say that it is right', told(0, -YEARS, 3)],
    [
      'where relays that we have not chosen say otherwise',
      [{ url: 'wss://x.example', clockAhead: -YEARS }, { url: 'wss://y.example', clockAhead: -YEARS }, ...told(0, 1)],
    ],
  ])('%s', (_, relays) => expect(readRelayClock(relays, own)).toEqual(RIGHT_CLOCK))

  test('where as many say the one thing as the other', () => {
    const urls = [...own, 'wss://d.example']
    const relays = urls.map((url, n) => ({ url, clockAhead: n < 2 ? DAY : 2 * DAY }))
    expect(readRelayClock(relays, urls)).toEqual(RIGHT_CLOCK)
  })
})

describe('the only relay that we have', () => {
  const only = ['wss://a.example']
  const by = (clockAhead: number) => readRelayClock([{ url: 'wss://a.example', clockAhead }], only)

  test('warns, and dates back what we publish', () => {
    expect(by(DAY)).toEqual({ reportedAhead: DAY, ahead: DAY, lag: 0 })
    expect(by(30)).toEqual(RIGHT_CLOCK)
  })

  test('never dates anything ahead of our clock: envelopes lie back by less instead', () => {
    expect(by(-YEARS)).toEqual({ reportedAhead: -YEARS, ahead: 0, lag: YEARS })
  })
})
