// What was never acknowledged is told once the call has expired: it is not offered any more.
import { expect, test } from 'vitest'
import { CHUNK } from '../../src/call/file-transfer.ts'
import { itemsOf } from '../../src/call/inbox-items.ts'
import type { Intent } from '../../src/call/intent.ts'
import { markRead } from '../../src/state/read-marks.ts'
import {
  callIn,
  hears,
  inCall,
  logIn,
  receipt,
  type Side,
  STATUS,
  says,
  send,
  T,
  turn,
} from '../support/conversation.ts'

const PEOPLE = { contacts: [], owner: undefined, names: {} }
const LATER = T + 8 * 86_400
const FILE: Intent = {
  type: 'sendfile',
  files: [{ name: 'rows.csv', content: { type: 'bytes', bytes: Buffer.alloc(3 * CHUNK, 'x') } }],
}

function undelivered(who: Side, id: string) {
  turn(who, STATUS, { now: LATER })
  const items = itemsOf(logIn(who, id), callIn(who, id, LATER), PEOPLE)
  return items.filter(({ type }) => type === 'undelivered').map(({ ref, text }) => `${ref} ${String(text)}`)
}

test('a message, and a file once', () => {
  const { ada, id } = inCall()
  says(ada, send('it rains'))
  expect(says(ada, FILE)).toHaveLength(3)
  expect(undelivered(ada, id)).toEqual(['me/2 it rains', 'me/3 rows.csv'])
  expect(logIn(ada, id).undeliveredToldAt).toBe(LATER)
})

test('once: whoever has read it is not told again', () => {
  const { ada, id } = inCall()
  says(ada, send('it rains'))
  turn(ada, STATUS, { now: LATER })
  const items = itemsOf(logIn(ada, id), callIn(ada, id, LATER), PEOPLE)
  ada.state = markRead(ada.state, items, { me: ada.key, now: LATER })
  turn(ada, STATUS, { now: LATER + 60 })
  expect(logIn(ada, id).unread).toEqual([])
})

test('a file of which the other side has the first parts alone', () => {
  const { ada, ben, id } = inCall()
  says(ada, FILE)
  hears(ada, [receipt(ben, id, ada.key, 3)])
  expect(undelivered(ada, id)).toEqual(['me/2 rows.csv'])
})

test('nothing that was acknowledged', () => {
  const { ada, ben, id } = inCall()
  says(ada, FILE)
  hears(ada, [receipt(ben, id, ada.key, 4)])
  expect(undelivered(ada, id)).toEqual([])
})
