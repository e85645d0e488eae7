// Who speaks in a call without its key: a thief of an identity, another machine of ours, and we ourselves after a loss.
import { describe, expect, test } from 'vitest'
import { agentOf } from '../../src/call/agents.ts'
import { type Body, NOTHING } from '../../src/call/signal.ts'
import { parseSignal } from '../../src/call/signal-codec.ts'
import { secrecyText } from '../../src/call/transcript/entry.ts'
import { transcriptOf } from '../../src/call/transcript/transcript.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import type { State } from '../../src/state/state.ts'
import {
  ACCEPT,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  mailOf,
  policyOf,
  rawIn,
  receipt,
  ringing,
  type Side,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'
import { must } from '../support/must.ts'

const inTheOpen = (...rumors: readonly Rumor[]): OpenedWrap[] =>
  mailOf(...rumors).opened.map(({ openedWithKeyOf: _, ...wrap }) => wrap)

describe('an end in the open under number 2 that has not seen the accept', () => {
  const cancel = { type: 'end', text: 'signed by a thief', expired: false } as const

  test('hangs up while nothing shows that its author has', () => {
    const { ada, ben, id } = ringing()
    says(ben, ACCEPT)
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, cancel, { ack: NOTHING })) } })
    expect(callIn(ben, id).phase).toBe('cancelled')
  })

  // The attack: the call has forked by then, so that it is no cancelled one any more, and says that every word in it is secret.
  test('is never said to be secret, whatever else comes of the call', () => {
    const { ada, ben, id } = ringing()
    hears(ada, says(ben, ACCEPT))
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, cancel, { ack: NOTHING })) } })
    hears(ben, says(ada, send('the true one')))
    const [call, log] = [callIn(ben, id), logIn(ben, id)]
    expect([call.phase, ben.state.index.calls[id]?.secrecy]).toEqual(['forked', 'call'])
    expect(ben.state.index.calls[id]).toMatchObject({ hungUp: true })
    const people = { contacts: [], owner: undefined, names: {} }
    const shown = transcriptOf(call, log, agentOf(people, ben.key), people)
    expect(secrecyText(shown)).toMatch(/^identity .*the caller hung up before it knew of the accept/)
  })

  // The attack: a thief of the caller's identity hangs up before the callee has heard what the caller says under the call's key.
  test.each(['before', 'after'])('is a downgrade in one lot with what acknowledges the accept, %s that', (order) => {
    const { ada, ben, id } = ringing()
    hears(ada, says(ben, ACCEPT))
    const lot = [...inTheOpen(rawIn(ada, id, cancel, { ack: NOTHING })), ...mailOf(...says(ada, send('true'))).opened]
    hears(ben, [], { mail: { opened: order === 'before' ? lot : lot.reverse() } })
    expect([callIn(ben, id).phase, ben.state.index.dropped]).toEqual(['active', { downgraded: 1 }])
  })

  // The attack: a thief of the caller's identity ends, with words of its own, a call that says that it is secret.
  test('is a downgrade once its author has acknowledged the accept', () => {
    const { ada, ben, id } = inCall()
    hears(ben, [receipt(ada, id, ben.key, 1)])
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, cancel, { ack: NOTHING })) } })
    expect([callIn(ben, id).phase, ben.state.index.dropped.downgraded]).toEqual(['active', 1])
    // Whoever has said it may be another machine of the caller's, which has not the accept: it is offered once more.
    expect(Object.values(logIn(ben, id).outbox)).toMatchObject([{ offeredAgain: true }])
    // The honest one, which its receipt has overtaken, comes again under the key.
    hears(ben, says(ada, END))
    expect(callIn(ben, id).phase).toBe('ended')
  })
})

// The attack: what has no place in a call is kept beside it and shown there, and these may have gone in the open.
describe('a call that says it is secret holds no word beside it', () => {
  const cancel = { type: 'end', text: 'words in the open', expired: false } as const
  const asides = (who: Side, id: string) => [callIn(who, id).phase, Object.keys(logIn(who, id).aside)]

  test('of a hang-up that shows another branch', () => {
    const { ada, ben, id } = ringing()
    hears(ada, says(ben, ACCEPT))
    const elsewhere = { ack: NOTHING, prev: 'e'.repeat(64) }
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, cancel, elsewhere)) } })
    expect(asides(ben, id)).toEqual(['forked', []])
  })

  test('of a hang-up after somebody has said in the open that the call has forked', () => {
    const { ada, ben, id } = ringing()
    hears(ada, says(ben, ACCEPT))
    const fork: Body = { type: 'receipt', text: '', missing: [], fork: { seq: 1, id } }
    const place = { seq: 0, prev: undefined, ack: NOTHING }
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, fork, place)) } })
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, cancel, { ack: NOTHING })) } })
    expect(asides(ben, id)).toEqual(['forked', []])
  })

  test('of a farewell that another machine has said in the open, and then once more under the key', () => {
    const { ada, ben, id } = ringing()
    const copy = { ...ada, state: structuredClone(ada.state) }
    hears(ada, says(ben, ACCEPT))
    hears(ben, says(ada, send('one')))
    const farewell = says(copy, END)
    hears(ben, [], { mail: { opened: inTheOpen(...farewell) } })
    hears(ben, farewell)
    expect(asides(ben, id)).toEqual(['forked', []])
  })

  test('of a reject beside its accept', () => {
    const { ada, ben, id } = ringing()
    hears(ada, says(ben, ACCEPT))
    hears(ben, says(ada, send('hello')))
    const reject: Body = { type: 'reject', text: 'words in the open', reason: 'busy' }
    const place = { seq: 1, prev: undefined, ack: { seq: 1, id } }
    hears(ada, [], { mail: { opened: inTheOpen(rawIn(ben, id, reject, place)) } })
    expect(asides(ada, id)[1]).toEqual([])
  })
})

// The attack: a receipt in the open, which acknowledges nothing or the request alone, says that somebody there has read all that we said.
test('what a receipt says was read counts up to what it acknowledges', () => {
  const { ada, ben, id } = inCall()
  says(ben, send('read me'))
  says(ada, send('read me too'))
  hears(ben, [receipt(ada, id, ben.key, 2)])
  hears(ada, [receipt(ben, id, ada.key, 2)])
  const body: Body = { type: 'receipt', text: '', missing: [] }
  const request = { seq: 1, id }
  hears(ben, [], {
    mail: { opened: inTheOpen(rawIn(ada, id, body, { seq: 0, prev: undefined, ack: NOTHING, read: 9 })) },
  })
  const dated = rawIn(ben, id, body, { seq: 0, prev: undefined, ack: request, read: 9 }, T - 60)
  hears(ada, [], { mail: { opened: inTheOpen(dated) } })
  expect([callIn(ben, id).peerRead, callIn(ada, id).peerRead]).toEqual([0, 1])
})

// The attack: a thief of an identity takes back that the agent there has lost the call, or has words wrapped anew that it cannot open.
describe('a receipt in the open, in a call that has a key', () => {
  const missing: Body = { type: 'receipt', text: '', missing: [[1, 9]] }
  const nowhere = { seq: 0, prev: undefined, read: undefined }

  /** Ada and ben have each said and acknowledged a word, and each has told the other that it has lost the call. */
  function lostCall() {
    const { ada, ben, id } = inCall()
    const [one, two] = [says(ada, send('one')), says(ben, send('two'))]
    hears(ben, one)
    hears(ada, two)
    hears(ben, [receipt(ada, id, ben.key, 2)])
    hears(ada, [receipt(ben, id, ada.key, 2)])
    const lost: Body = { type: 'receipt', text: '', missing: [], lost: true }
    const place = { ...nowhere, ack: NOTHING }
    hears(ada, [], { mail: { opened: inTheOpen(rawIn(ben, id, lost, place)) } })
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, lost, place)) } })
    expect([ada, ben].map((who) => logIn(who, id).peerLostAt)).toEqual([T, T])
    expect([ada, ben].map((who) => Object.keys(logIn(who, id).outbox))).toEqual([[], []])
    return { ada, ben, id }
  }

  test('clears no loss, and asks for nothing but the first word of the other side', () => {
    const { ada, ben, id } = lostCall()
    const early = rawIn(ben, id, missing, { ...nowhere, ack: { seq: 1, id } }, T - 60)
    hears(ada, [], { now: T + 90, mail: { opened: inTheOpen(early) } })
    hears(ben, [], { now: T + 90, mail: { opened: inTheOpen(rawIn(ada, id, missing, { ...nowhere, ack: NOTHING })) } })
    for (const who of [ada, ben]) {
      const { peerLostAt: lost, outbox, entries } = logIn(who, id)
      const types = Object.keys(outbox).map((one) => must(parseSignal(must(entries[one]).rumor)).body.type)
      expect([lost, types]).toEqual([T, [who === ada ? 'request' : 'accept']])
    }
  })

  // The attack: it asks once a minute, so that what is missing there is never offered again.
  test('does not hold up what is asked for under the key', () => {
    const { ada, ben, id } = lostCall()
    const early = rawIn(ben, id, missing, { ...nowhere, ack: { seq: 1, id } }, T - 60)
    hears(ada, [], { now: T + 90, mail: { opened: inTheOpen(early) } })
    const word = must(callIn(ada, id).own.id)
    hears(ada, [rawIn(ben, id, missing, { ...nowhere, ack: { seq: 2, id: word } })], { now: T + 100 })
    expect(Object.keys(logIn(ada, id).outbox)).toContain(word)
  })

  test('does both under the key', () => {
    const { ada, ben, id } = lostCall()
    hears(ada, [rawIn(ben, id, missing, { ...nowhere, ack: { seq: 2, id: callIn(ada, id).own.id } })], { now: T + 90 })
    expect([logIn(ada, id).peerLostAt, Object.keys(logIn(ada, id).outbox).length]).toEqual([undefined, 2])
  })
})

// The attack: "accept" and "reject" are sealed with the identities' key by the protocol, and may be said by a thief at any time.
test('an accept or a reject that is no answer to the request takes no number in the open', () => {
  const { ada, ben, id } = inCall()
  const accept: Body = { type: 'accept', text: 'I agree to everything', name: '', relays: [] }
  const reject: Body = { type: 'reject', text: 'I agree to everything', reason: 'busy' }
  for (const body of [accept, reject]) {
    hears(ada, [], { mail: { opened: inTheOpen(rawIn(ben, id, body)) } })
    hears(ben, [], { mail: { opened: inTheOpen(rawIn(ada, id, body)) } })
  }
  expect([ada, ben].map(({ state }) => state.index.dropped.downgraded)).toEqual([2, 2])
  hears(ada, says(ben, send('the true one')))
  hears(ben, says(ada, END))
  expect([callIn(ada, id).phase, callIn(ben, id).phase]).toEqual(['ended', 'ended'])
  expect(callIn(ada, id).lines.map(({ signal }) => signal.body.type)).toEqual(['request', 'accept', 'message', 'end'])
})

// Another machine of the callee's has answered: this one has no key of the call, and what it says in the open is dropped there.
test('a call that nobody here has answered gets no end from here', () => {
  const { ada, ben, id } = ringing()
  turn(ben, STATUS, { now: T + 1_000 })
  expect(callIn(ben, id, T + 1_000).phase).toBe('missed')
  const hangUp = says(ada, END)
  const { said } = hears(ben, hangUp, { now: T + 1_001 })
  expect([said, Object.keys(logIn(ben, id).outbox)]).toEqual([[], []])
  // A contact that has hung up hears by a receipt that it has come.
  expect(turn(ben, STATUS, { now: T + 1_100, mail: mailOf(...hangUp) }).receiptsOwed).toMatchObject([
    { call: id, ack: { seq: 2 } },
  ])
})

describe('a peer whose words open with nothing here', () => {
  const unreadable = (from: string, n: number): OpenedWrap => ({
    ...{ id: `${n}`.padStart(64, 'd'), stamp: T, bits: 0, reason: 'undecryptable' },
    unopened: { from, tried: [], left: 0 },
  })
  const look = (who: Side, at: number, opened: OpenedWrap[] = []) =>
    turn(who, STATUS, { now: at, mail: { opened, completeReads: [{ relay: 'wss://r', cursor: at, began: at }] } })

  test('is told before a ringing request of its is accepted', () => {
    const { ben, id } = ringing()
    const peer = callIn(ben, id).peer
    expect(look(ben, T, [unreadable(peer, 1)]).receiptsOwed).not.toContainEqual(expect.objectContaining({ lost: true }))
    const { said, decision } = turn(ben, ACCEPT)
    expect([said, decision.refusal?.code]).toEqual([[], 'CALL_KEY_LOST'])
    look(ben, T + 1)
    expect(look(ben, T + 2).receiptsOwed).toContainEqual(
      expect.objectContaining({ call: undefined, to: peer, lost: true }),
    )
    // What still comes of it holds nothing up any more.
    look(ben, T + 3, [unreadable(peer, 2)])
    expect(says(ben, ACCEPT, { now: T + 4 })).toHaveLength(1)
  })

  test('is told before it is accepted without asking, and rejected at once', () => {
    const context = { policy: policyOf({ trust: () => 'trusted', autoAnswer: 'trusted' }) }
    const [ada, ben] = [side('a'), side('b')]
    ben.state = withUnreadable(ben.state, ada.key)
    const request = says(ada, { type: 'call', agent: '', topic: 'x', wait: undefined }, { peer: ben.key })
    expect(turn(ben, STATUS, { context, mail: mailOf(...request) }).said).toEqual([])
    expect(says(ben, { type: 'answer', accept: false, text: '' })).toHaveLength(1)
    const other = side('b')
    other.state = withUnreadable(other.state, ada.key)
    turn(other, STATUS, { context, mail: mailOf(...request) })
    for (const at of [1, 2, 3]) look(other, T + at)
    expect(turn(other, STATUS, { context, now: T + 4 }).said).toHaveLength(1)
  })

  test('is not waited for where no more strangers can be told today, and it is one', () => {
    const { ben, id } = ringing()
    const context = { policy: policyOf({ trust: () => 'unknown' }) }
    look(ben, T, [unreadable(callIn(ben, id).peer, 1)])
    const lostTold = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}`.padStart(64, 'e'), T]))
    ben.state = { ...ben.state, index: { ...ben.state.index, lossReportedAt: lostTold } }
    expect(turn(ben, ACCEPT).decision.refusal?.code).toBe('CALL_KEY_LOST')
    expect(says(ben, ACCEPT, { context })).toHaveLength(1)
  })
})

function withUnreadable(state: State, peer: string): State {
  return { ...state, index: { ...state.index, unreadable: { [peer]: { heard: T, completeReads: 0 } } } }
}
