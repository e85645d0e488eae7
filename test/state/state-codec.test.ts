// What is read for every command, and what can be made of the call files alone.
import { describe, expect, test } from 'vitest'
import type { Log } from '../../src/call/log.ts'
import type { Phase } from '../../src/call/rules.ts'
import { isOpen } from '../../src/state/call-index.ts'
import { parseIndex } from '../../src/state/index-codec.ts'
import { type CallSummary, emptyIndex } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import {
  ACCEPT,
  CALL,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  receipt,
  type Side,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'

describe('which calls a command needs', () => {
  const summary = (open: boolean): CallSummary => ({
    ...{ peer: '', direction: 'incoming', topic: '', createdAt: 0, deadline: 0, phase: 'active' as Phase, unread: 0 },
    ...{ own: { queued: 0, relayed: 0, delivered: 0, read: 0 }, open, last: 0 },
  })

  test('those that are open, and those it asks for', () => {
    const calls = { a: summary(true), b: summary(false), c: summary(true) }
    expect(stateCodec.open({ ...emptyIndex(), calls }, []).sort()).toEqual(['a', 'c'])
    expect(stateCodec.open({ ...emptyIndex(), calls }, ['b', 'unknown']).sort()).toEqual(['a', 'b', 'c', 'unknown'])
  })
})

describe('a call that is over is looked at', () => {
  const over = (): { ada: Side; ben: Side; id: string } => {
    const { ada, ben, id } = inCall()
    hears(
      ada,
      hears(ben, says(ada, END)).said.map((s) => s.rumor),
    )
    hears(ben, [receipt(ada, id, ben.key, 2)])
    hears(ada, [receipt(ben, id, ada.key, 2)])
    for (const who of [ada, ben]) who.state = { ...who.state, logs: { [id]: { ...logIn(who, id), unread: [] } } }
    return { ada, ben, id }
  }
  const open = (who: Side, id: string, now = T) => isOpen(callIn(who, id, now), logIn(who, id), now)

  test('no more, when all is said, acked, read and confirmed', () => {
    const { ada, ben, id } = over()
    expect([open(ada, id), open(ben, id)]).toEqual([false, false])
  })

  test('while something is unread', () => {
    const { ben, id } = over()
    ben.state = { ...ben.state, logs: { [id]: { ...logIn(ben, id), unread: ['x'] } } }
    expect(open(ben, id)).toBe(true)
  })

  test('while something is owed, for 7 days', () => {
    const { ada, id } = inCall()
    says(ada, END)
    expect(open(ada, id)).toBe(true)
    // What the peer has said in a call is told however late.
    expect(open(ada, id, T + 7 * 86_400)).toBe(true)
    ada.state = { ...ada.state, logs: { [id]: { ...logIn(ada, id), unread: [] } } }
    expect(open(ada, id)).toBe(true)
    expect(open(ada, id, T + 7 * 86_400)).toBe(false)
  })

  test('while its end is not confirmed', () => {
    const { ada, ben, id } = inCall()
    says(ada, END)
    hears(ada, [receipt(ben, id, ada.key, 2)])
    ada.state = { ...ada.state, logs: { [id]: { ...logIn(ada, id), unread: [] } } }
    expect(logIn(ada, id).outbox).toEqual({})
    expect(open(ada, id)).toBe(true)
  })
})

describe('an index made of the call files', () => {
  const rebuilt = (who: Side) => {
    const logs = Object.entries(who.state.logs).map(([id, log]): [string, Log] => {
      const parsed = stateCodec.parseLog(JSON.parse(JSON.stringify(log)))
      if (parsed === undefined || parsed === 'newer') throw new Error('a log that we wrote cannot be read')
      return [id, parsed]
    })
    return { index: stateCodec.rebuild(new Map(logs)), logs: Object.fromEntries(logs) }
  }

  test('says of every call what the lost one said, and has each looked at once more', () => {
    const { ada, ben, id } = inCall()
    hears(ben, says(ada, send('one')))
    hears(ben, says(side('c'), CALL, { peer: ben.key }))
    for (const who of [ada, ben]) {
      const { index } = rebuilt(who)
      expect(index.agent).toBe(who.key)
      const expected = Object.entries(who.state.index.calls).map(([key, call]) => [key, { ...call, open: true }])
      expect(index.calls).toEqual(Object.fromEntries(expected))
      expect(index.calls[id]?.open).toBe(true)
      expect(index.relays).toEqual({})
    }
  })

  test('is worked with as the lost one was: nothing is lost, nothing is there twice', () => {
    const { ada, ben, id } = inCall()
    const said = says(ada, send('one'))
    hears(ben, said)
    says(ben, send('two'))
    ben.state = rebuilt(ben)
    // Everything comes again, since nobody knows any more what was read.
    const all = Object.values(logIn(ada, id).entries).flatMap((e) => (e.rumor.pubkey === ada.key ? [e.rumor] : []))
    const dead = { ...ben, pid: 2 }
    const { signalsDue } = hears(dead, all)
    expect(callIn(dead, id).lines.map((l) => l.signal.body.text)).toEqual(['hello', '', 'one', 'two'])
    expect(signalsDue.map((d) => d.rumor.content)).toContain('two')
    expect(says(dead, send('three'))[0]?.tags).toContainEqual(['seq', '3'])
  })

  test('leaves out the calls of another key', () => {
    const { ada, ben } = inCall()
    const other = inCall()
    const index = stateCodec.rebuild(new Map([...Object.entries(ada.state.logs), ...Object.entries(says2(other))]))
    expect(Object.keys(index.calls)).toEqual(Object.keys(ada.state.logs))
    expect(index.agent).toBe(ada.key)
    expect(ben.key).not.toBe(ada.key)
  })

  function says2({ ben }: { ben: Side }): Record<string, Log> {
    const eve = side('e')
    hears(eve, says(ben, CALL, { peer: eve.key, now: T + 50 }))
    return eve.state.logs
  }
})

test('what is written is what is read', () => {
  const { ada, ben, id } = inCall()
  hears(ben, says(ada, send('one')))
  turn(ben, ACCEPT)
  turn(ben, STATUS)
  for (const who of [ada, ben]) {
    expect(stateCodec.parse(JSON.parse(JSON.stringify(who.state.index)))).toEqual(who.state.index)
    expect(stateCodec.parseLog(JSON.parse(JSON.stringify(logIn(who, id))))).toEqual(logIn(who, id))
  }
})

test('of a state of 0.1.0 all stays that is known of relays and peers, under the names of today', () => {
  const { outgoingLetters: _, pendingEscalations: __, ...rest } = emptyIndex()
  const before = {
    ...rest,
    ...{ version: 1, letters: {}, appeals: {}, strays: [] },
    relays: { 'wss://r': { cursor: 5, swept: 4, since: 3, patience: 2, negentropy: { speaks: true, at: 1 } } },
    peers: { ['a'.repeat(64)]: { inbox: ['wss://r'], listed: 7, looked: 8, hints: [], name: 'ben', pow: 0 } },
    announced: { presence: 1, lists: 'wss://r', words: 'x', taken: { a: 2 }, offered: { a: { at: 3, taken: true } } },
  }
  expect(parseIndex(before)).toMatchObject({
    relays: {
      'wss://r': {
        ...{ cursor: 5, wholeReadAt: 4, incompleteSince: 3, longWaitAt: 2 },
        negentropy: { speaks: true, at: 1 },
      },
    },
    peers: { ['a'.repeat(64)]: { inbox: ['wss://r'], listedAt: 7, lookedUpAt: 8 } },
    announced: {
      ...{ presenceAt: 1, inboxList: 'wss://r', presenceWords: 'x', presenceTakenAt: { a: 2 } },
      listOffers: { a: { at: 3, taken: true } },
    },
  })
})
