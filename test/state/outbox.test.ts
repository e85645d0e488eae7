// The outbox: what goes out when, to whom, in which envelope, and what the relays' answers make of it.
import { describe, expect, test } from 'vitest'
import type { Log, OutboxEntry } from '../../src/call/log.ts'
import type { Body } from '../../src/call/signal.ts'
import { foreign } from '../../src/sanitize.ts'
import { delivery, dueRumors, entryAfterPublish, nextPublish, recordPublished } from '../../src/state/outbox.ts'
import { OPEN_AFTER_END } from '../../src/state/state.ts'
import {
  answered,
  END,
  envelope,
  hears,
  inCall,
  logIn,
  rawIn,
  receipt,
  recordResults,
  type Side,
  STATUS,
  says,
  send,
  T,
  turn,
} from '../support/conversation.ts'
import { must } from '../support/must.ts'

const [HOUR, DAY] = [3600, 86_400]
const wrap = envelope(1)

/** An entry that was wrapped at T and taken by these relays, refused by those. */
function posted(took: string[], not: string[], more: Partial<OutboxEntry> = {}): OutboxEntry {
  return {
    ...{ wrappedAt: T, wrapCount: 1, accepted: took, failed: not.map((url) => ({ url, reason: foreign`silent` })) },
    ...(took.length === 0 || not.length > 0 ? { wrap } : {}),
    ...more,
  }
}

const NO = { url: 'b', reason: foreign`blocked: no wraps`, final: true as const }
const FAILED = { url: 'c', reason: foreign`silent` }
const RECEIPT: Body = { type: 'receipt', text: '', missing: [] }
const ANEW = { wrap: undefined, skip: [] }

describe('when an entry is due', () => {
  test.each<[string, OutboxEntry, number, ReturnType<typeof nextPublish>]>([
    ['never sent: at once', { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] }, 0, ANEW],
    ['nobody took it: the same wrap, for five minutes', posted([], ['a', 'b']), 300, { wrap, skip: [] }],
    ['nobody took it: wrapped anew after that', posted([], ['a', 'b']), 301, ANEW],
    ['one took it: the same wrap to the others', posted(['a'], ['b']), 300, { wrap, skip: ['a'] }],
    [
      'one took it, another has refused it for good: not to that one',
      posted(['a'], [], { wrap, failed: [NO, FAILED] }),
      300,
      { wrap, skip: ['a', 'b'] },
    ],
    ['and not at all where nobody else is left', posted(['a'], [], { wrap, failed: [NO] }), 300, undefined],
    [
      'one has refused it for good and nobody took it: to all',
      posted([], [], { failed: [NO] }),
      300,
      { wrap, skip: [] },
    ],
    [
      'one took it: the others get their own a quarter of an hour later',
      posted(['a'], ['b'], { wrapCount: 3 }),
      900,
      { wrap: undefined, skip: ['a'] },
    ],
    ['not before', posted(['a'], ['b'], { wrapCount: 3 }), 899, undefined],
    [
      'and a quarter of an hour after the last try',
      posted(['a'], ['b'], { wrapCount: 3, retriedAt: T + 900 }),
      1_799,
      undefined,
    ],
    ['all took it: not again soon', posted(['a'], []), 599, undefined],
    ['all took it and the peer says nothing: anew after ten minutes', posted(['a'], []), 600, ANEW],
    ['then after an hour', posted(['a'], [], { wrapCount: 2 }), HOUR, ANEW],
    ['not before it', posted(['a'], [], { wrapCount: 2 }), HOUR - 1, undefined],
    ['then six', posted(['a'], [], { wrapCount: 3 }), 6 * HOUR, ANEW],
    ['then a day', posted(['a'], [], { wrapCount: 4 }), DAY, ANEW],
    ['then every two', posted(['a'], [], { wrapCount: 9 }), 2 * DAY, ANEW],
    ['not before', posted(['a'], [], { wrapCount: 9 }), 2 * DAY - 1, undefined],
    ['taken by none a while ago: not yet', posted(['a'], [], { retriedAt: T + 600 }), 601, undefined],
    ['missed by the peer: anew', posted(['a'], [], { reportedMissing: true }), 60, ANEW],
    ['missed by the peer, perhaps on its way: not yet', posted(['a'], [], { reportedMissing: true }), 59, undefined],
  ])('%s', (_, entry, age, expected) => {
    expect(nextPublish(entry, T + age)).toEqual(expected)
  })

  test('a clock that was set back by a year stops nothing', () => {
    expect(nextPublish(posted(['a'], []), T - 365 * DAY)).toEqual(ANEW)
    expect(nextPublish(posted([], ['a']), T - 365 * DAY)).toEqual(ANEW)
  })
})

describe('while the peer is there', () => {
  const due = (entry: OutboxEntry, age: number) => nextPublish(entry, T + age, true)

  test.each<[string, OutboxEntry, number, ReturnType<typeof nextPublish>]>([
    ['a second wrap after twenty seconds, to those that have taken the first too', posted(['a'], ['b']), 20, ANEW],
    ['not before', posted(['a'], []), 19, undefined],
    ['a third forty seconds later', posted(['a'], [], { wrapCount: 2, earlyWraps: 1 }), 40, ANEW],
    ['not before', posted(['a'], [], { wrapCount: 2, earlyWraps: 1 }), 39, undefined],
    ['then as ever: ten minutes', posted(['a'], [], { wrapCount: 3, earlyWraps: 2 }), 600, ANEW],
    ['and not sooner', posted(['a'], [], { wrapCount: 3, earlyWraps: 2 }), 599, undefined],
    ['then an hour', posted(['a'], [], { wrapCount: 4, earlyWraps: 2 }), HOUR - 1, undefined],
    ['what nobody has taken goes out in the same wrap', posted([], ['a']), 20, { wrap, skip: [] }],
    [
      'what the peer asks for, as often as it asks: once a minute',
      posted(['a'], [], { reportedMissing: true }),
      59,
      undefined,
    ],
    ['an early one that nobody took: not at once again', posted(['a'], [], { retriedAt: T + 21 }), 40, undefined],
  ])('%s', (_, entry, age, expected) => {
    expect(due(entry, age)).toEqual(expected)
  })

  test('no more than three wraps of one rumor within ten minutes, whatever the peer does', () => {
    const { ada, ben, id } = inCall()
    const [rumor] = says(ada, send('one'))
    const key = rumor?.id ?? ''
    let name = 0
    const made: number[] = []
    for (let age = 0; age <= 1_300; age += 5) {
      const now = T + age
      // It speaks of other things all the time.
      const receipts = age % 60 === 0 ? [rawIn(ben, id, RECEIPT, { seq: 0, prev: undefined }, now)] : []
      const { signalsDue } = hears(ada, receipts, { now })
      const mine = age === 0 ? [{ wrap: undefined }] : signalsDue.filter((d) => d.rumor.id === key)
      if (mine.length === 0) continue
      expect(mine).toMatchObject([{ wrap: undefined }])
      made.push(age)
      recordResults(ada, [answered(id, key, envelope(++name), ['a'])], now)
    }
    expect(made).toEqual([0, 20, 60, 660])
    for (const at of made) expect(made.filter((other) => other >= at && other < at + 600).length).toBeLessThan(4)
    // The relay is remembered for what it did not bring.
    expect(ada.state.index.peers[ben.key]?.record).toEqual({ a: { acked: 0, unacked: 3 } })
    hears(ada, [receipt(ben, id, ada.key, 2)], { now: T + 1_301 })
    expect(ada.state.index.peers[ben.key]?.record).toEqual({ a: { acked: 1, unacked: 3 } })
  })

  test('who has not been heard for minutes is not there', () => {
    const { ada, id } = inCall()
    const [rumor] = says(ada, send('one'))
    recordResults(ada, [answered(id, rumor?.id ?? '', envelope(1), ['a'])])
    const dues = (now: number) => turn(ada, STATUS, { now }).signalsDue.filter((d) => d.rumor.id === rumor?.id)
    expect(dues(T + 320)).toEqual([])
    expect(dues(T + 600)).toHaveLength(1)
  })
})

describe('what relays answer', () => {
  const receipts = (took: string[], not: string[], event = wrap) => answered('', '', event, took, not).oks
  const fresh: OutboxEntry = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [], claim: { pid: 1, at: T } }

  test('the first wrap starts the clock, and is kept while there is somebody to offer it to', () => {
    expect(entryAfterPublish(fresh, wrap, receipts(['a'], ['b']), T)).toEqual(
      posted(['a'], ['b'], { failed: [{ url: 'b', reason: foreign`blocked`, final: true }] }),
    )
    expect(entryAfterPublish(fresh, wrap, receipts(['a'], []), T)).toEqual(posted(['a'], []))
    expect(entryAfterPublish(fresh, wrap, receipts([], ['a']), T)).toMatchObject({ wrapCount: 1, wrappedAt: T, wrap })
  })

  test('the same wrap again counts no further', () => {
    const again = entryAfterPublish(posted(['a'], ['b']), wrap, receipts(['b'], []), T + 60)
    expect(again).toEqual(posted(['a', 'b'], []))
  })

  test('a no for good is remembered for that wrap, until another one is made', () => {
    const held = posted(['a'], [], { wrap, failed: [NO, FAILED] })
    const next = entryAfterPublish(held, wrap, receipts(['c'], []), T + 60)
    expect(next).toMatchObject({ accepted: ['a', 'c'], failed: [NO] })
    expect(nextPublish(next, T + 61)).toBeUndefined()
    const anew = entryAfterPublish(next, envelope(2), receipts(['a', 'b'], [], envelope(2)), T + 600)
    expect(anew).toMatchObject({ failed: [] })
  })

  test('a new wrap to all moves the clock on', () => {
    expect(entryAfterPublish(posted(['a'], []), envelope(2), receipts(['a'], [], envelope(2)), T + 600)).toEqual(
      posted(['a'], [], { wrapCount: 2, wrappedAt: T + 600 }),
    )
  })

  test('a new wrap that nobody takes does not: it is tried again in a quarter of an hour', () => {
    const untaken = entryAfterPublish(posted(['a'], []), envelope(2), receipts([], ['a'], envelope(2)), T + 600)
    expect(untaken).toMatchObject({ wrapCount: 1, wrappedAt: T, accepted: ['a'], retriedAt: T + 600 })
    expect(nextPublish(untaken, T + 600 + 899)).toBeUndefined()
    expect(nextPublish(untaken, T + 600 + 900)).toEqual(ANEW)
  })

  test('what the peer misses and nobody takes is still missed', () => {
    const missed = posted(['a'], [], { reportedMissing: true })
    expect(entryAfterPublish(missed, envelope(2), receipts([], ['a'], envelope(2)), T + 60)).toMatchObject({
      reportedMissing: true,
    })
    expect(entryAfterPublish(missed, envelope(2), receipts(['a'], [], envelope(2)), T + 60)).not.toHaveProperty(
      'missing',
    )
  })

  test('a wrap for the rest leaves the schedule of the others alone', () => {
    const { ada, id } = inCall()
    const [rumor] = says(ada, send('one'))
    const key = rumor?.id ?? ''
    recordResults(ada, [answered(id, key, wrap, ['liar'], ['honest'])])
    const at = T + 600 + 900
    recordResults(ada, [answered(id, key, envelope(2), ['liar'], ['honest'])], T + 600)
    expect(logIn(ada, id).outbox[key]).toMatchObject({ wrapCount: 2, wrappedAt: T + 600 })
    const { signalsDue } = turn(ada, STATUS, { now: at })
    expect(signalsDue.filter((d) => d.rumor.id === key)).toMatchObject([{ skip: ['liar'], wrap: undefined }])
    recordResults(ada, [answered(id, key, envelope(3), ['honest'])], at)
    expect(logIn(ada, id).outbox[key]).toMatchObject({ wrapCount: 2, wrappedAt: T + 600, accepted: ['liar', 'honest'] })
    // Both have taken it by now: the schedule goes on from the last wrap that all of them got.
    expect(nextPublish(logIn(ada, id).outbox[key] ?? fresh, T + 600 + HOUR)).toEqual(ANEW)
  })
})

describe('who sends it', () => {
  const dueOf = ({ state }: Side, now: number, alive: boolean) => dueRumors(state, now, () => alive)

  test('what a process is sending is left alone by another, for as long as it may live', () => {
    const { ada } = inCall()
    says(ada, send('one'))
    expect(dueOf(ada, T + 19, true)).toEqual([])
    expect(dueOf(ada, T + 20, true).length).toBeGreaterThan(0)
  })

  test('what a dead process has left is sent at once', () => {
    const { ada } = inCall()
    says(ada, send('one'))
    expect(dueOf(ada, T, false).map((d) => d.rumor.content)).toContain('one')
  })

  test('what a turn sends is claimed by it, whether it is new or was owed', () => {
    const { ada, id } = inCall()
    says(ada, send('one'))
    const dead = { ...ada, pid: 2 }
    const { signalsDue } = turn(dead, send('two'), { now: T + 5 })
    expect(signalsDue.map((d) => d.rumor.content)).toEqual(['one', 'two'])
    expect(Object.values(logIn(dead, id).outbox).every((p) => p.claim?.pid === 2)).toBe(true)
  })

  test('what a disk has damaged is not sealed, and holds nothing else up; a wrap that was sealed before goes out', () => {
    const { ada, id } = inCall()
    const [one] = says(ada, send('one'))
    const key = one?.id ?? ''
    says(ada, send('two'))
    const log = logIn(ada, id)
    const spoilt = { ...log.entries[key], rumor: { ...must(one), content: 'other' } }
    const outbox = { ...log.outbox, [key]: { ...must(log.outbox[key]), wrap, wrapCount: 1, wrappedAt: T } }
    const damaged = (changes: Partial<Log>): Side => ({
      ...ada,
      state: { ...ada.state, logs: { [id]: { ...log, entries: { ...log.entries, [key]: spoilt }, ...changes } } },
    })
    expect(dueOf(damaged({}), T + 600, false).map((d) => d.rumor.content)).toEqual(['two'])
    expect(dueOf(damaged({ outbox }), T + 60, false).map((d) => d.wrap)).toEqual([wrap, undefined])
  })

  test('nothing is owed 7 days after the last word', () => {
    const { ada } = inCall()
    says(ada, END)
    expect(dueOf(ada, T + OPEN_AFTER_END, false).length).toBeGreaterThan(0)
    expect(dueOf(ada, T + OPEN_AFTER_END + 1, false)).toEqual([])
  })
})

describe('how far it has come', () => {
  test('queued, relayed, delivered', () => {
    const { ada, ben, id } = inCall()
    const [rumor] = says(ada, send('one'))
    const key = rumor?.id ?? ''
    const stage = () => delivery(logIn(ada, id), key)
    expect(stage()).toEqual({ state: 'queued', accepted: [], failed: [] })
    recordResults(ada, [answered(id, key, wrap, [], ['b'])])
    expect(stage()).toEqual({ state: 'queued', accepted: [], failed: [{ url: 'b', reason: foreign`blocked` }] })
    recordResults(ada, [answered(id, key, wrap, ['a'], ['b'])])
    expect(stage()).toEqual({ state: 'relayed', accepted: ['a'], failed: [{ url: 'b', reason: foreign`blocked` }] })
    hears(ada, [receipt(ben, id, ada.key, 2)])
    expect(stage()).toEqual({ state: 'delivered', accepted: [], failed: [] })
    expect(ada.state.index.calls[id]?.own).toEqual({ queued: 0, relayed: 0, delivered: 2, read: 0 })
  })

  test('an answer of a relay for what has been acked meanwhile changes nothing', () => {
    const { ada, ben, id } = inCall()
    const [rumor] = says(ada, send('one'))
    hears(ada, [receipt(ben, id, ada.key, 2)])
    const speaker = { me: ada.key, now: T, pid: 1 }
    const after = recordPublished(ada.state, [answered(id, rumor?.id ?? '', wrap, ['a'])], speaker)
    expect(after.logs[id]?.outbox).toEqual({})
  })
})
