// Of whom it is told that the keys of its calls are lost here: after two complete replays, and not where only a key was deleted.
import { describe, expect, test } from 'vitest'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import { lostCalls, markLostTold } from '../../src/state/orphans.ts'
import { type CallSummary, emptyIndex, type Index, type State } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'
import { countUnreadable, noteUnreadable } from '../../src/state/unreadable.ts'

const DAY = 86_400
const NOW = 1_790_000_000
const PEER = 'b'.repeat(64)
const gate = { trust: () => 'known' as const, calls: 'anyone' as const, silent: false, pow: 0 }
const wrap: OpenedWrap = {
  ...{ wrap: 'a'.repeat(64), stamp: NOW, bits: 0, reason: 'undecryptable' },
  unopened: { from: PEER, tried: [], left: 0 },
}

const over: CallSummary = {
  ...{ peer: PEER, direction: 'incoming', topic: '', createdAt: NOW, deadline: NOW, phase: 'ended', unread: 0 },
  ...{ own: { queued: 0, relayed: 0, delivered: 1, read: 0 }, open: false, last: NOW, secrecy: 'call' },
}

function heardBy(index: Partial<Index>, replays: number): State {
  const edit = beginTransaction({ index: { ...emptyIndex(), ...index }, logs: {} })
  noteUnreadable(edit, wrap, { now: NOW, gate })
  for (let n = 1; n <= replays; n++) countUnreadable(edit, [{ relay: 'wss://r', cursor: NOW + n, began: NOW + n }])
  return edit.commit()
}

const told = (state: State) => lostCalls(state, { now: NOW + 10, gate })

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
    expect(told(heardBy({ calls: { ['c'.repeat(64)]: { ...over, over: NOW - 8 * DAY } } }, 2))).toEqual([])
    expect(told(heardBy({ keysGone: { [PEER]: NOW - 15 * DAY } }, 2))).toHaveLength(1)
    expect(told(heardBy({ calls: { ['c'.repeat(64)]: over } }, 2))).toHaveLength(1)
  })
})
