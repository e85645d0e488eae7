// What we say gets its number under the lock, and is owed before anybody hears it.
import { expect, test } from 'vitest'
import { recordSignals } from '../../src/state/record-signals.ts'
import { ACCEPT, callIn, END, hears, inCall, logIn, ringing, says, send, T } from '../support/conversation.ts'

const links = (tags: string[][] | undefined) =>
  ['seq', 'prev', 'ack'].map((name) => tags?.find((t) => t[0] === name)?.[1])

test('a signal names its own last one, and the last of the other side that is taken', () => {
  const { ada, ben, id } = inCall()
  const [one] = says(ada, send('one'))
  expect(links(one?.tags)).toEqual(['2', id, '1'])
  expect(one?.tags.find((t) => t[0] === 'ack')?.[2]).toBe(callIn(ada, id).taken.id)
  const [two] = says(ada, send('two'))
  expect(links(two?.tags)).toEqual(['3', one?.id, '1'])
  hears(ben, two === undefined ? [] : [two])
  // Ben has the third and not the second.
  const [hm] = says(ben, send('hm?'))
  expect(hm?.tags.find((t) => t[0] === 'ack')).toEqual(['ack', '1', id])
})

test('what our agent was shown is told beside, unless the owner does not want it', () => {
  const { ada, ben, id } = inCall()
  hears(ben, says(ada, send('one')))
  ben.state.logs[id] = { ...logIn(ben, id), read: 2 }
  expect(says(ben, send('yes'))[0]?.tags).toContainEqual(['read', '2'])
  expect(says(ben, send('no'), { context: { tellRead: false } })[0]?.tags.some((t) => t[0] === 'read')).toBe(false)
})

test('two processes that decided at the same time take two numbers', () => {
  const { ada, id } = inCall()
  const body = { type: 'message' as const, text: 'one' }
  const intended = [{ to: callIn(ada, id).peer, call: id, body }]
  const first = recordSignals(ada.state, intended, { me: ada.key, now: T, pid: 1 })
  const second = recordSignals(first.state, intended, { me: ada.key, now: T, pid: 2 })
  expect([first.said[0]?.seq, second.said[0]?.seq]).toEqual([2, 3])
  expect(Object.keys(second.state.logs[id]?.entries ?? {})).toHaveLength(4)
})

test('several rumors of one turn are numbered one after the other', () => {
  const { ada, ben, id } = inCall()
  const body = { type: 'message' as const, text: 'one' }
  const intended = Array.from({ length: 3 }, () => ({ to: ben.key, call: id, body }))
  const { said } = recordSignals(ada.state, intended, { me: ada.key, now: T, pid: 1 })
  expect(said.map((s) => links(s.rumor.tags))).toEqual([
    ['2', id, '1'],
    ['3', said[0]?.rumor.id, '1'],
    ['4', said[1]?.rumor.id, '1'],
  ])
})

test('it is written down as owed and claimed, and the index knows', () => {
  const { ada, id } = inCall()
  const [rumor] = says(ada, send('one'))
  expect(logIn(ada, id).outbox[rumor?.id ?? '']).toEqual({
    ...{ wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] },
    claim: { pid: 1, at: T },
  })
  expect(ada.state.index.calls[id]?.own).toEqual({ queued: 1, relayed: 0, delivered: 1, read: 0 })
})

test('whoever hangs up before an answer has taken nothing', () => {
  const { ada, ben, id } = ringing()
  const end = says(ada, END)
  expect(end[0]?.tags).toContainEqual(['ack', '0'])
  hears(ben, end)
  expect(callIn(ben, id).phase).toBe('cancelled')
})

test('a long call is not read again for every chunk of a file', () => {
  const { ada, id } = inCall()
  const signal = { to: callIn(ada, id).peer, call: id, body: { type: 'message' as const, text: 'x' } }
  const intended = Array.from({ length: 4_000 }, () => signal)
  const { user } = cpu(() => recordSignals(ada.state, intended, { me: ada.key, now: T, pid: 1 }))
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
