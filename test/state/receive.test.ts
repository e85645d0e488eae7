// What came in, merged: into the right call, once, whatever comes first and whoever sent it.
import { describe, expect, test } from 'vitest'
import type { Body } from '../../src/call/signal.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import {
  ACCEPT,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  mailOf,
  policyOf,
  REJECT,
  raw,
  rawIn,
  receipt,
  ringing,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'

const FILE = { transferId: 'f', name: 'a', mime: '', size: 2, sha256: 'c'.repeat(64), remote: undefined }

const WEEK = 7 * 86_400

test('the state that was there before is not changed', () => {
  const { ada, ben } = inCall()
  const before = JSON.stringify(ben.state)
  const held = ben.state
  hears(ben, [...says(ada, send('one')), ...says(ada, send('two')), ...says(ada, END)])
  expect(JSON.stringify(held)).toBe(before)
})

describe('who is heard in a call', () => {
  test('a third party is not, and confirms nothing', () => {
    const { ada, id } = inCall()
    says(ada, send('hello'))
    const eve = side('e')
    const evil = { call: id, to: ada.key, prev: id, ack: logIn(ada, id).peerAcked }
    const { own } = callIn(ada, id)
    hears(ada, [
      raw(eve, { type: 'message', text: 'I am ben' }, { ...evil, seq: 2, ack: own }),
      raw(eve, { type: 'end', text: '', expired: false }, { ...evil, seq: 3 }),
      raw(eve, { type: 'receipt', text: '', missing: [] }, { ...evil, ack: own }),
    ])
    expect(callIn(ada, id)).toMatchObject({ phase: 'active', taken: { seq: 1 } })
    expect(logIn(ada, id).peerAcked.seq).toBe(1)
    expect(ada.state.index.dropped).toEqual({ 'third-party': 3 })
  })

  test('nobody who writes to somebody else, or in our own name', () => {
    const { ada, ben, id } = inCall()
    hears(ben, [
      raw(ada, { type: 'message', text: 'x' }, { call: id, to: side('c').key, seq: 2, prev: id }),
      raw(ben, { type: 'message', text: 'x' }, { call: id, to: ben.key, seq: 2, prev: id }),
    ])
    expect(callIn(ben, id).lines).toHaveLength(2)
    expect(ben.state.index.dropped).toEqual({ 'not-for-us': 1, 'own-copy': 1 })
  })

  test('nobody whom we block', () => {
    const { ada, ben, id } = inCall()
    const policy = policyOf({ trust: () => 'blocked' })
    hears(ben, says(ada, send('hello')), { context: { policy } })
    expect(callIn(ben, id).lines.map(({ signal }) => signal.body.type)).toEqual(['request', 'accept', 'end'])
    expect(ben.state.index.dropped).toEqual({ blocked: 1 })
  })
})

describe('the same again', () => {
  test('an envelope that was opened before is passed over', () => {
    const { ada, ben, id } = inCall()
    const mail = mailOf(...says(ada, send('once')))
    turn(ben, STATUS, { mail })
    const after = JSON.stringify(logIn(ben, id))
    expect(turn(ben, STATUS, { mail }).callsHeard).toEqual([])
    expect(JSON.stringify(logIn(ben, id))).toBe(after)
    expect(ben.state.index.dropped).toEqual({})
  })

  test('a rumor in a new envelope is there once; its sender has missed our receipt and gets another', () => {
    const { ada, ben, id } = inCall()
    const said = says(ada, send('once'))
    const first = hears(ben, said)
    expect(first.receiptsOwed.map((a) => a.ack.seq)).toEqual([2])
    // A relay says that it has it, and has not.
    ben.state = {
      ...ben.state,
      logs: {
        [id]: { ...logIn(ben, id), receipts: { ...logIn(ben, id).receipts, ackTaken: 2, ackTried: 2, ackTriedAt: T } },
      },
    }
    expect(turn(ben, STATUS).receiptsOwed).toEqual([])
    expect(hears(ben, said).receiptsOwed.map((a) => a.ack.seq)).toEqual([2])
    expect(callIn(ben, id).lines).toHaveLength(3)
    expect(ben.state.index.dropped).toEqual({ duplicate: 1 })
  })

  test('so does a request that comes again', () => {
    const { ada, ben, id } = ringing()
    ben.state = {
      ...ben.state,
      logs: {
        [id]: { ...logIn(ben, id), receipts: { ...logIn(ben, id).receipts, ackTaken: 1, ackTried: 1, ackTriedAt: T } },
      },
    }
    const request = Object.values(logIn(ada, id).entries).map((e) => e.rumor)
    expect(hears(ben, request).receiptsOwed.map((a) => a.ack.seq)).toEqual([1])
  })
})

describe('a run that died between the call files and the index', () => {
  test('has left a call that nobody knew of: its request finds it, and it rings', () => {
    const { ada, ben, id } = ringing()
    ben.state = { index: { ...stateCodec.empty(), agent: ben.key }, logs: ben.state.logs }
    hears(
      ben,
      Object.values(logIn(ada, id).entries).map((e) => e.rumor),
    )
    expect(ben.state.index.calls[id]).toMatchObject({ phase: 'ringing', open: true, unread: 1 })
    expect(says(ben, ACCEPT)).toHaveLength(1)
  })

  test('has left a message that is heard again, and counted once', () => {
    const { ada, ben, id } = inCall()
    const said = says(ada, send('one'))
    const { index } = ben.state
    hears(ben, said)
    ben.state = { index, logs: ben.state.logs }
    hears(ben, said)
    expect(callIn(ben, id).lines).toHaveLength(3)
    expect(logIn(ben, id).unread).toHaveLength(1)
    expect(ben.state.index.calls[id]?.unread).toBe(1)
  })
})

describe('a call whose file was damaged', () => {
  test('and that is open: everything is read again, and its request makes it anew', () => {
    const { ada, ben, id } = inCall()
    const relays = { 'wss://r': { cursor: T, wholeReadAt: T, incompleteSince: 5 } }
    hears(ben, says(ada, send('one')))
    ben.state = { index: { ...ben.state.index, relays }, logs: {} }
    hears(ben, [])
    expect(ben.state.index).toMatchObject({ calls: {}, seen: {}, relays: { 'wss://r': { incompleteSince: 5 } } })
    expect(ben.state.index.relays['wss://r']).not.toHaveProperty('cursor')
    const theirs = Object.values(logIn(ada, id).entries).flatMap((e) => (e.rumor.pubkey === ada.key ? [e.rumor] : []))
    hears(ben, theirs)
    // It rings again: what we have answered was in the file, and the caller holds us to it.
    expect(callIn(ben, id).lines.map((l) => l.signal.body.text)).toEqual(['hello'])
    says(ben, ACCEPT, { now: T + 60 })
    hears(ben, theirs.slice(1))
    expect(callIn(ben, id).phase).toBe('forked')
  })

  test('and that is over: a deep look brings it back', () => {
    const { ada, ben, id } = ringing()
    const request = mailOf(...Object.values(logIn(ada, id).entries).map((e) => e.rumor))
    turn(ben, STATUS, { mail: request })
    says(ben, REJECT)
    const summary = { ...ben.state.index.calls[id], open: false }
    ben.state = {
      index: { ...ben.state.index, calls: { [id]: Object.assign({}, ben.state.index.calls[id], summary) } },
      logs: {},
    }
    turn(ben, STATUS, { mail: request })
    expect(ben.state.logs).toEqual({})
    turn(ben, STATUS, { mail: { ...request, deep: true } })
    expect(callIn(ben, id).topic).toBe('hello')
  })
})

describe('a ring that runs out', () => {
  const after = T + 901
  const completeReads = (began: number) => ({ mail: { completeReads: [{ relay: 'r', cursor: began, began }] } })

  test('is missed by the callee when its time is over, and that is the news', () => {
    const { ben, id } = ringing()
    hears(ben, [], { now: T + 900 })
    expect(callIn(ben, id, T + 900).phase).toBe('ringing')
    hears(ben, [], { now: after })
    expect(callIn(ben, id, after).phase).toBe('missed')
    expect(logIn(ben, id).unread).toEqual(['missed'])
  })

  test('is no news where its caller may not call, whatever the date that it has', () => {
    const { ben, id } = ringing()
    const policy = policyOf({ trust: () => 'unknown', calls: 'nobody' })
    const [ada, stranger] = [side('a'), side('b')]
    const late: Body = { type: 'request', text: 'Buy now', deadline: T - 10_000, name: '', relays: [] }
    const request = raw(ada, late, { to: stranger.key }, T - 20_000)
    hears(stranger, [request], { context: { policy } })
    expect(logIn(stranger, request.id).unread).toEqual([])
    hears(ben, [], { now: after, context: { policy } })
    expect(logIn(ben, id).unread).toEqual([])
  })

  test('is missed by the caller only after a whole mailbox has been read since', () => {
    const { ada, id } = ringing()
    hears(ada, [], { now: after })
    hears(ada, [], { now: after, ...completeReads(T + 900) })
    expect(callIn(ada, id, after).phase).toBe('ringing')
    hears(ada, [], { now: after, ...completeReads(after) })
    expect(callIn(ada, id, after).phase).toBe('missed')
    expect(logIn(ada, id).unread).toEqual(['missed'])
  })

  test('is taken by an answer that comes with that very mail', () => {
    const { ada, ben, id } = ringing()
    const mail = { ...mailOf(...says(ben, ACCEPT)), ...completeReads(after).mail }
    turn(ada, STATUS, { now: after, mail })
    expect(callIn(ada, id, after).phase).toBe('active')
  })
})

describe('what is news', () => {
  test('everything that the peer says, but the end that only confirms ours', () => {
    const { ada, ben, id } = inCall()
    const [one] = says(ada, send('one'))
    const end = says(ada, END)
    const { said } = hears(ben, [...(one === undefined ? [] : [one]), ...end])
    expect(logIn(ben, id).unread).toEqual([one?.id, end[0]?.id])
    const before = logIn(ada, id).unread
    hears(
      ada,
      said.map((s) => s.rumor),
    )
    expect(logIn(ada, id).unread).toEqual(before)
  })

  test('not a part of a file, nor what this version does not understand', () => {
    const { ada, ben, id } = inCall()
    const part: Body = { ...FILE, type: 'file', text: 'b2s=', chunk: [1, 2] }
    hears(ben, [rawIn(ada, id, part)])
    hears(ben, [rawIn(ada, id, { type: 'opaque', text: '', op: 'wave' }, { seq: 3, prev: callIn(ben, id).taken.id })])
    expect(callIn(ben, id).taken.seq).toBe(3)
    expect(logIn(ben, id).unread).toEqual([])
  })

  test('a request no longer, once it is answered', () => {
    const { ben, id } = ringing()
    expect(logIn(ben, id).unread).toEqual([id])
    says(ben, REJECT)
    expect(logIn(ben, id).unread).toEqual([])
  })
})

test('the index notices that a call has expired, and is rid of it', () => {
  const { ada, ben, id } = inCall()
  hears(ben, [receipt(ada, id, ben.key, 1)])
  expect(ben.state.index.calls[id]).toMatchObject({ phase: 'active', open: true })
  hears(ben, [], { now: T + WEEK + 1 })
  expect(ben.state.index.calls[id]).toMatchObject({ phase: 'expired', open: false })
})
