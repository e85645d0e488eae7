// A peer that has lost its keys says so and, accepting once more, forks the call: both are told, whichever of it all is heard first.
import { describe, expect, test } from 'vitest'
import { CONTROL } from '../../src/call/signal.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { ACCEPT, hears, inCall, logIn, receipt, type Side, says, send, side, T } from '../support/conversation.ts'

const HOUR = 3600

/** Ada waits for what a peer says that has accepted, has read her word, and then has lost everything but its identity. */
function afterLoss(): { ada: Side; ben: Side; id: string; said: Record<'read' | 'lost' | 'accept', Rumor> } {
  const { ada, ben, id } = inCall()
  says(ada, send('hello'))
  const read = receipt(ben, id, ada.key, 2)
  const anew = side('b')
  const request = logIn(ada, id).entries[id]?.rumor
  hears(anew, request === undefined ? [] : [request])
  const [accept] = says(anew, ACCEPT, { now: T + 9 })
  if (accept === undefined) throw new Error('no accept')
  return { ada, ben, id, said: { read, lost: keysLost(ben, ada.key), accept } }
}

function keysLost(from: Side, to: string): Rumor {
  const tags = [
    ['p', to],
    ['op', 'receipt'],
    ['seq', '0'],
    ['lost', '1'],
  ]
  return rumorOf({ kind: CONTROL, created_at: T, tags, content: '' }, from.key)
}

function marksOf(who: Side, id: string): string[] {
  return logIn(who, id)
    .unread.filter((mark) => mark === 'forked' || mark === 'lost')
    .toSorted()
}

const ORDERS: ('read' | 'lost' | 'accept')[][] = [
  ['read', 'lost', 'accept'],
  ['read', 'accept', 'lost'],
  ['lost', 'read', 'accept'],
  ['lost', 'accept', 'read'],
  ['accept', 'read', 'lost'],
  ['accept', 'lost', 'read'],
]

describe.each(ORDERS)('%s, %s, %s', (...order) => {
  test('in one run', () => {
    const { ada, id, said } = afterLoss()
    hears(
      ada,
      order.map((name) => said[name]),
    )
    expect(marksOf(ada, id)).toEqual(['forked', 'lost'])
  })

  test('in a run each', () => {
    const { ada, id, said } = afterLoss()
    for (const name of order) hears(ada, [said[name]])
    expect(marksOf(ada, id)).toEqual(['forked', 'lost'])
  })
})

test('what a peer lost the day before explains no fork of today', () => {
  const { ada, id, said } = afterLoss()
  hears(ada, [said.read, said.lost])
  hears(ada, [said.accept], { now: T + 25 * HOUR })
  expect(marksOf(ada, id)).toEqual(['forked'])
})
