// Of several calls that are unknown here, each is told as lost in its turn, and strangers take nobody else's.
import { describe, expect, test } from 'vitest'
import { NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { boundOrphans, lostCalls, markLostTold } from '../../src/state/orphans.ts'
import { emptyIndex, type Orphan, type State } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const DAY = 86_400
const NOW = 1_790_000_000
const [ME, PEER] = ['a'.repeat(64), 'b'.repeat(64)]
const CALLS = ['c'.repeat(64), 'd'.repeat(64)] as const
const gate = { trust: () => 'known' as const, calls: 'anyone' as const, silent: false, pow: 0 }

function orphanOf(call: string, heard: number, replays: number, from = PEER): Orphan {
  const place = { call, to: ME, seq: 2, prev: call, ack: NOTHING }
  const template = signalTemplate({ type: 'message', text: 'are you there?' }, place, heard)
  return { rumor: rumorOf(template, from), heard, replays }
}

// The attack: none, but a machine that was restored from a copy and lacks two calls. Told was the first of them alone, day after day, and
// who spoke in the other one never heard that nobody reads it.
test('of two calls that are not here the peer hears of both, a day apart, though it goes on speaking in both', () => {
  const orphans = CALLS.map((call) => orphanOf(call, NOW, 2))
  let state: State = { index: { ...emptyIndex(), orphans }, logs: {} }
  const told: (string | undefined)[] = []
  for (let day = 0; day < 2; day++) {
    const now = NOW + day * (DAY + 60)
    const lost = lostCalls(state, { now, gate })
    told.push(...lost.map(({ call }) => call))
    state = markLostTold(state, lost, now)
    expect(lostCalls(state, { now: now + 60, gate })).toEqual([])
    const again = CALLS.map((call) => orphanOf(call, now + 600, 2))
    const kept = state.index.orphans.map(({ rumor }) => rumor.tags.find((tag) => tag[0] === 'call-id')?.[1])
    const fresh = CALLS.flatMap((call, n) => (kept.includes(call) ? [] : (again[n] ?? [])))
    state = { ...state, index: { ...state.index, orphans: [...state.index.orphans, ...fresh] } }
  }
  expect(new Set(told)).toEqual(new Set(CALLS))
})

// The attack: a thief of a peer's identity says something in a call that never was, so that the only word of the day is about that one, and
// the peer, whose words open with nothing here, never hears why its call forks.
test('a peer whose words open with nothing here is told that, whatever else is said in its name', () => {
  const unreadable = { [PEER]: { heard: NOW, replays: 2 } }
  const state: State = { index: { ...emptyIndex(), orphans: [orphanOf(CALLS[0], NOW, 2)], unreadable }, logs: {} }
  const lost = lostCalls(state, { now: NOW, gate })
  expect(lost).toEqual([{ to: PEER, call: undefined }])
  // The other is told in its turn.
  expect(markLostTold(state, lost, NOW).index.orphans).toHaveLength(1)
})

describe('among strangers who speak in calls that are not here', () => {
  const key = (n: number) => `${n}`.padStart(64, '0')
  const trust = (who: string) => (who === PEER ? ('known' as const) : ('unknown' as const))
  const bounded = (orphans: Orphan[]) => {
    const edit = beginTransaction({ index: { ...emptyIndex(), orphans }, logs: {} })
    boundOrphans(edit, { now: NOW, gate: { trust } })
    return edit.index.orphans.map(({ rumor }) => rumor.pubkey)
  }
  const spoken = (from: string, n: number) => orphanOf(key(n).replace(/^0/, 'e'), NOW, 0, from)

  // The attack: two keys, forty calls each that never were, and no other stranger hears that its call is lost here.
  test('each has its turn before another has a second one', () => {
    const one = spoken(key(1), 0)
    const flood = [2, 3].flatMap((from) => Array.from({ length: 40 }, (_, n) => spoken(key(from), n)))
    const kept = bounded([one, ...flood])
    expect([kept.length, kept[0]]).toEqual([80, key(1)])
  })

  // The attack: so many of them come in one lot that what a contact has said before lies below the bound of all.
  test('a contact keeps its place', () => {
    const flood = Array.from({ length: 500 }, (_, n) => spoken(key(n), n))
    expect(bounded([spoken(PEER, 0), ...flood])[0]).toBe(PEER)
  })
})
