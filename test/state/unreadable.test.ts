// Of whom it is told that the keys of its calls are lost here: after two complete replays, and not where only a key was deleted.
import { describe, expect, test } from 'vitest'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import { lostCalls, markLostTold, mustReportLoss } from '../../src/state/orphans.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { type CallSummary, emptyIndex, type Index, type State } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'
import { countUnreadable, noteUnreadable } from '../../src/state/unreadable.ts'

const DAY = 86_400
const NOW = 1_790_000_000
const PEER = 'b'.repeat(64)
const admission = { trust: () => 'known' as const, calls: 'anyone' as const, silent: false, pow: 0 }
const wrap: OpenedWrap = {
  ...{ id: 'a'.repeat(64), stamp: NOW, bits: 0, reason: 'undecryptable' },
  unopened: { from: PEER, tried: [], left: 0 },
}

const over: CallSummary = {
  ...{ peer: PEER, direction: 'incoming', topic: '', createdAt: NOW, deadline: NOW, phase: 'ended', unread: 0 },
  ...{ own: { queued: 0, relayed: 0, delivered: 1, read: 0 }, open: false, last: NOW, secrecy: 'call' },
}

function heardBy(index: Partial<Index>, replays: number): State {
  const edit = beginTransaction({ index: { ...emptyIndex(), ...index }, logs: {} })
  noteUnreadable(edit, wrap, { now: NOW, admission })
  for (let n = 1; n <= replays; n++) countUnreadable(edit, [{ relay: 'wss://r', cursor: NOW + n, began: NOW + n }])
  return edit.commit()
}

const told = (state: State) => lostCalls(state, { now: NOW + 10, admission })

describe('a peer whose seals open with nothing', () => {
  test('is told after two complete replays, once, and of no call in particular', () => {
    expect(told(heardBy({}, 1))).toEqual([])
    const state = heardBy({}, 2)
    expect(told(state)).toEqual([{ call: undefined, to: PEER }])
    const marked = markLostTold(state, told(state), NOW + 10)
    expect(marked.index.unreadable).toEqual({})
    expect(told(marked)).toEqual([])
  })

  test('is not where a key of a call with it was deleted, by the rule or by hand', () => {
    expect(told(heardBy({ keysGone: { [PEER]: NOW - 13 * DAY } }, 2))).toEqual([])
    expect(told(heardBy({ calls: { ['c'.repeat(64)]: { ...over, overAt: NOW - 8 * DAY } } }, 2))).toEqual([])
    expect(told(heardBy({ keysGone: { [PEER]: NOW - 15 * DAY } }, 2))).toHaveLength(1)
    expect(told(heardBy({ calls: { ['c'.repeat(64)]: over } }, 2))).toHaveLength(1)
  })
})

// The attack: a hundred keys that were made for it, each with a seal that nothing opens or a word in a call that never was.
describe('what strangers use up', () => {
  const key = (n: number) => `${n}`.padStart(64, '0')
  const [CONTACT, CALLED] = ['1'.repeat(64), '2'.repeat(64)]
  const strict = { ...admission, trust: (who: string) => (who === CONTACT ? ('known' as const) : ('unknown' as const)) }
  const calls = { ['c'.repeat(64)]: { ...over, peer: CALLED, phase: 'active' as const } }

  test('is no mark of a contact, nor of whoever had a call', () => {
    const edit = beginTransaction({ index: { ...emptyIndex(), calls }, logs: {} })
    const senders = [CONTACT, CALLED, ...Array.from({ length: 150 }, (_, n) => key(n))]
    for (const from of senders)
      noteUnreadable(edit, { ...wrap, unopened: { from, tried: [], left: 0 } }, { now: NOW, admission: strict })
    const marked = Object.keys(edit.index.unreadable ?? {})
    expect(marked).toHaveLength(100)
    expect(marked.slice(0, 2)).toEqual([CONTACT, CALLED])
    // Of strangers the latest.
    expect(marked.at(-1)).toBe(key(149))
  })

  test('is no word of the day to them: they hear it first, and in the same run', () => {
    const unreadable = Object.fromEntries(
      [...Array.from({ length: 90 }, (_, n) => key(n)), CALLED, CONTACT].map((from) => [
        from,
        { heard: NOW, completeReads: 2 },
      ]),
    )
    const lostTold = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [key(1_000 + n), NOW]))
    const state = { index: { ...emptyIndex(), calls, unreadable, lossReportedAt: lostTold }, logs: {} }
    const lost = lostCalls(state, { now: NOW, admission: strict })
    expect(lost.map(({ to }) => to)).toEqual([CALLED, CONTACT, ...Array.from({ length: 10 }, (_, n) => key(n))])
    const spent = markLostTold(state, lost.slice(2), NOW)
    expect(lostCalls(spent, { now: NOW, admission: strict }).map(({ to }) => to)).toEqual([CALLED, CONTACT])
    // What rings waits for what is still to be told, and for nothing else.
    const owed = (peer: string) => mustReportLoss(spent.index, peer, { now: NOW, admission: strict })
    expect([owed(CONTACT), owed(CALLED), owed(key(50))]).toEqual([true, true, false])
    expect(mustReportLoss(state.index, key(50), { now: NOW, admission: strict })).toBe(true)
  })
})

// The kind: two runs at once. One has loaded its keys, the other one accepts and hears from the peer, and then the first opens that and cannot.
describe('a seal that a run could not open whose keys are older than an accept', () => {
  const [CALL, OLDER] = ['c'.repeat(64), 'd'.repeat(64)]
  const active: CallSummary = { ...over, phase: 'active' }
  const completeReads = [{ relay: 'wss://r', cursor: NOW, began: NOW }]
  const heard = (tried: string[], calls: Index['calls'], before?: Index['triedKeys']) => {
    const index = { ...emptyIndex(), calls, ...(before && { triedKeys: before }) }
    const mail = [{ ...wrap, unopened: { from: PEER, tried, left: 0 } }]
    return receiveAll({ index, logs: {} }, mail, { me: 'a'.repeat(64), now: NOW, admission, completeReads }).state.index
  }

  test('is neither seen nor counted nor passed by a cursor, and nobody is told of it', () => {
    const { seen, dropped, unreadable, relays } = heard([OLDER], { [OLDER]: active, [CALL]: active })
    expect([seen, dropped, unreadable, relays]).toEqual([{}, {}, undefined, {}])
  })

  test.each([
    ['in this run', [OLDER, CALL], undefined],
    ['in this run and in those before it', [CALL], { [wrap.id]: [OLDER] }],
  ])('is once all keys were tried %s', (_, tried, before) => {
    const { seen, dropped, unreadable, relays } = heard(tried, { [OLDER]: active, [CALL]: active }, before)
    expect([Object.keys(seen), dropped]).toEqual([[wrap.id], { undecryptable: 1 }])
    expect([unreadable?.[PEER]?.heard, relays['wss://r']?.cursor]).toEqual([NOW, NOW])
  })

  test('is where the calls that are new are with somebody else, have no key, or have it no more', () => {
    const calls = {
      [OLDER]: { ...active, peer: 'f'.repeat(64) },
      [CALL]: { ...active, secrecy: 'identity' as const },
      ['e'.repeat(64)]: { ...over, overAt: NOW - 8 * DAY },
    }
    expect(heard([], calls).dropped).toEqual({ undecryptable: 1 })
  })
})
