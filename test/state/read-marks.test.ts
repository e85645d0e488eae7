// What was shown is read, and the other side hears up to where.
import { expect, test } from 'vitest'
import { chunksOf } from '../../src/call/file-transfer.ts'
import type { Log } from '../../src/call/log.ts'
import { markRead, shownUpTo } from '../../src/state/read-marks.ts'
import { callIn, hears, inCall, logIn, rawIn, type Side, says, send, T, turn } from '../support/conversation.ts'

function show(who: Side, id: string, ...items: { id: string; type: Parameters<typeof markRead>[1][number]['type'] }[]) {
  who.state = markRead(
    who.state,
    items.map((item) => ({ ...item, call: id })),
    { me: who.key, now: T },
  )
}

test('up to the last signal below which nothing is unread', () => {
  const { ada, ben, id } = inCall()
  const [one] = says(ada, send('one'))
  const [two] = says(ada, send('two'))
  if (one === undefined || two === undefined) throw new Error('nothing was said')
  hears(ben, [one, two])
  show(ben, id, { id: two.id, type: 'message' })
  expect(logIn(ben, id).read).toBe(1)
  show(ben, id, { id: one.id, type: 'message' })
  expect(logIn(ben, id).read).toBe(3)
  // The next word of ben carries it.
  hears(ada, says(ben, send('yes')))
  expect(callIn(ada, id)).toMatchObject({ acked: 3, peerRead: 3 })
  expect(ada.state.index.calls[id]?.own).toMatchObject({ delivered: 0, read: 3 })
})

test('a receipt carries it where nothing is said, and not where the owner does not want that', () => {
  for (const tellRead of [true, false]) {
    const { ada, ben, id } = inCall()
    const said = says(ada, send('one'))
    hears(ben, said)
    show(ben, id, { id: said[0]?.id ?? '', type: 'message' })
    const { receiptsOwed } = turn(ben, { type: 'status' }, { now: T + 120, context: { tellRead } })
    expect(receiptsOwed.map(({ read }) => read)).toEqual([tellRead ? 2 : undefined])
    expect(
      says(ben, send('yes'), { now: T + 121, context: { tellRead } })[0]?.tags.some(([name]) => name === 'read'),
    ).toBe(tellRead)
  }
})

test('a file that is still to come holds it back', () => {
  const { ada, ben, id } = inCall()
  const [body] = chunksOf('a.txt', 'text/plain', new Uint8Array(10), 'x')
  if (body === undefined) throw new Error('no chunk')
  const file = rawIn(ada, id, body)
  hears(ben, [file])
  show(ben, id, { id, type: 'request' })
  expect(logIn(ben, id).read).toBe(1)
})

test('words in the archive count as shown', () => {
  const { ben, ada, id } = inCall()
  const log: Log = {
    ...logIn(ben, id),
    entries: {},
    unread: [],
    archive: {
      segments: [1, 1],
      entries: 9,
      own: 0,
      messages: 9,
      last: T,
      tails: { [ada.key]: { seq: 9, id, clock: 9 } },
    },
  }
  expect(shownUpTo(log, ben.key)).toBe(9)
})

test('what is no signal is read too: a fork, a lost call, words that never got there', () => {
  const { ada, id } = inCall()
  const log = logIn(ada, id)
  ada.state = {
    ...ada.state,
    logs: { ...ada.state.logs, [id]: { ...log, unread: ['forked', 'lost', `undelivered:${id}`] } },
  }
  show(ada, id, { id, type: 'forked' }, { id, type: 'undelivered' })
  expect(logIn(ada, id).unread).toEqual(['lost'])
  show(ada, id, { id, type: 'lost' })
  expect(logIn(ada, id).unread).toEqual([])
})
