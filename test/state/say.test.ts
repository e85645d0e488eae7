// What we say gets its number under the lock, and is owed before anybody hears it.
import { describe, expect, test } from 'vitest'
import { LIMIT } from '../../src/call/signal.ts'
import { say } from '../../src/state/say.ts'
import { ACCEPT, callIn, END, hears, inCall, logIn, raw, ringing, says, send, T } from '../support/conversation.ts'

const numbers = (tags: string[][] | undefined) =>
  ['seq', 'lc', 'ack'].map((name) => tags?.find((t) => t[0] === name)?.[1])

test('seq counts what we say, lc what anybody says, ack what we have without a gap', () => {
  const { ada, ben } = inCall()
  expect(numbers(says(ada, send('one'))[0]?.tags)).toEqual(['2', '3', '1'])
  const [two] = says(ada, send('two'))
  expect(numbers(two?.tags)).toEqual(['3', '4', '1'])
  hears(ben, two === undefined ? [] : [two])
  // Ben has the third and not the second.
  expect(numbers(says(ben, send('hm?'))[0]?.tags)).toEqual(['2', '5', '1'])
})

test('two processes that decided at the same time take two numbers', () => {
  const { ada, id } = inCall()
  const body = { type: 'message' as const, text: 'one' }
  const draft = [{ to: callIn(ada, id).peer, call: id, body }]
  const first = say(ada.state, draft, { me: ada.key, now: T, pid: 1 })
  const second = say(first.state, draft, { me: ada.key, now: T, pid: 2 })
  expect([first.said[0]?.seq, second.said[0]?.seq]).toEqual([2, 3])
  expect(Object.keys(second.state.logs[id]?.entries ?? {})).toHaveLength(4)
})

test('several rumors of one turn are numbered one after the other', () => {
  const { ada, ben, id } = inCall()
  const body = { type: 'message' as const, text: 'one' }
  const drafts = Array.from({ length: 3 }, () => ({ to: ben.key, call: id, body }))
  const { said } = say(ada.state, drafts, { me: ada.key, now: T, pid: 1 })
  expect(said.map((s) => numbers(s.rumor.tags))).toEqual([
    ['2', '3', '1'],
    ['3', '4', '1'],
    ['4', '5', '1'],
  ])
})

test('it is written down as owed and claimed, and the index knows', () => {
  const { ada, id } = inCall()
  const [rumor] = says(ada, send('one'))
  expect(logIn(ada, id).outbox[rumor?.id ?? '']).toEqual({
    ...{ wrapped: 0, wraps: 0, accepted: [], failed: [] },
    claim: { pid: 1, at: T },
  })
  expect(ada.state.index.calls[id]?.own).toEqual({ queued: 1, relayed: 0, delivered: 1 })
})

describe('an end', () => {
  test('cuts off what we have said and what we have without a gap', () => {
    const { ada, ben } = inCall()
    says(ada, send('lost'))
    hears(ben, says(ada, send('one')))
    expect(says(ben, END)[0]?.tags).toContainEqual(['cut', '1', '1'])
  })

  test('of one who hangs up before an answer has said one thing and heard nothing', () => {
    const { ada, ben, id } = ringing()
    const end = says(ada, END)
    expect(end[0]?.tags).toContainEqual(['cut', '1', '0'])
    hears(ben, end)
    expect(callIn(ben, id).phase).toBe('cancelled')
  })
})

test('the Lamport clock stops at the last number that can be read', () => {
  const { ben, ada, id } = inCall()
  hears(ben, [raw(ada, { type: 'message', text: 'x' }, { call: id, to: ben.key, seq: 2, lc: LIMIT.seq })])
  expect(numbers(says(ben, send('one'))[0]?.tags)).toEqual(['2', String(LIMIT.seq), '2'])
})

test('a long call is not read again for every chunk of a file', () => {
  const { ada, id } = inCall()
  const draft = { to: callIn(ada, id).peer, call: id, body: { type: 'message' as const, text: 'x' } }
  const drafts = Array.from({ length: 4_000 }, () => draft)
  const { user } = cpu(() => say(ada.state, drafts, { me: ada.key, now: T, pid: 1 }))
  // Read again for each, it takes many times as long.
  expect(user).toBeLessThan(1_500)
})

test('an accept is said once: the next one has nothing to answer', () => {
  const { ben } = ringing()
  says(ben, ACCEPT)
  expect(() => says(ben, ACCEPT)).toThrow('nobody is calling you')
})

function cpu(work: () => void): { user: number } {
  const before = process.cpuUsage()
  work()
  return { user: process.cpuUsage(before).user / 1000 }
}
