// Canaries: a relay is believed by what it gives back.
import { describe, expect, test } from 'vitest'
import { canaryRelays, judgeCanaries, leakySince, publishedInbox, recordCanaries } from '../../src/state/canaries.ts'
import { parseIndex } from '../../src/state/index-codec.ts'
import type { RelayMemory } from '../../src/state/kept-relay.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const url = 'wss://one.example'
const HOUR = 3600
const DAY = 24 * HOUR

function stateWith(relays: Record<string, RelayMemory>, seen: Record<string, number> = {}): State {
  return { index: { ...emptyIndex(), relays, seen }, logs: {} }
}

/** The memory of the relay after a complete replay that began then. */
function afterReplay(canary: RelayMemory['canary'], began: number, seen: Record<string, number> = {}) {
  const edit = beginTransaction(stateWith({ [url]: { cursor: 1, ...(canary && { canary }) } }, seen))
  judgeCanaries(edit, [{ relay: url, cursor: began, began }], began)
  return edit.state.index.relays[url]?.canary
}

describe('what is due', () => {
  const dueWith = (memory: RelayMemory, now: number) => canaryRelays(stateWith({ [url]: memory }).index, [url], now)

  test('a relay that this run has read, and no other', () => {
    expect(dueWith({ cursor: 100_000 }, 100_002)).toEqual([url])
    expect(dueWith({ cursor: 99_000, cursorByOwnClock: 100_000 }, 100_002)).toEqual([url])
    expect(dueWith({ cursor: 100_000 }, 100_060)).toEqual([])
    expect(canaryRelays(emptyIndex(), [url], 100_000)).toEqual([])
  })

  test('at most hourly; a leaky one daily; a clock that was set back stops nothing', () => {
    const at = 1_000_000
    const due = (canary: RelayMemory['canary'], now: number) =>
      dueWith({ cursor: now, ...(canary && { canary }) }, now).length === 1
    expect([due({ at }, at + HOUR - 1), due({ at }, at + HOUR)]).toEqual([false, true])
    const leaky = { at, leaky: at }
    expect([due(leaky, at + DAY - 1), due(leaky, at + DAY)]).toEqual([false, true])
    expect(due({ at }, at - DAY)).toBe(true)
  })
})

describe('what a replay says', () => {
  test('twice not given back is leaky, and given back once is good again', () => {
    const once = afterReplay({ at: 1000, wrap: 'a' }, 1100)
    expect(once).toEqual({ at: 1000, misses: 1 })
    const twice = afterReplay({ ...once, at: 5000, wrap: 'b' }, 5100)
    expect(twice).toEqual({ at: 5000, misses: 2, leaky: 5100 })
    const still = afterReplay({ at: 90_000, wrap: 'c', misses: 2, leaky: 5100 }, 90_100)
    expect(still).toEqual({ at: 90_000, misses: 3, leaky: 5100 })
    expect(afterReplay({ at: 180_000, wrap: 'd', misses: 3, leaky: 5100 }, 180_100, { d: 1 })).toEqual({ at: 180_000 })
  })

  test('given back in between, it begins anew', () => {
    expect(afterReplay({ at: 1000, wrap: 'a', misses: 1 }, 1100, { a: 1 })).toEqual({ at: 1000 })
  })

  test.each([
    ['a replay that began before the relay had it', 1005],
    ['one after it may have expired', 1000 + DAY],
  ])('%s says nothing', (_, began) => {
    expect(afterReplay({ at: 1000, wrap: 'a', misses: 1 }, began)).toMatchObject({ at: 1000, misses: 1 })
    expect(afterReplay({ at: 1000, wrap: 'a', misses: 1 }, began)?.leaky).toBeUndefined()
  })

  test('a relay that refused it has lost nothing', () => {
    const { index } = recordCanaries(stateWith({ [url]: { canary: { at: 1, wrap: 'a', misses: 1 } } }), [
      { relay: url, at: 5000 },
    ])
    expect(index.relays[url]?.canary).toEqual({ at: 5000, misses: 1 })
    expect(afterReplay(index.relays[url]?.canary, 6000)).toEqual({ at: 5000, misses: 1 })
  })
})

test('our list leaves leaky relays out while two others are good', () => {
  const leaky = { canary: { at: 1, misses: 2, leaky: 7 } }
  const all = ['a', 'b', 'c']
  const named = (relays: Record<string, RelayMemory>) => publishedInbox(stateWith(relays).index, all)
  expect(named({})).toEqual(all)
  expect(named({ b: leaky })).toEqual(['a', 'c'])
  expect(named({ a: leaky, b: leaky })).toEqual(all)
  expect([leakySince(leaky), leakySince({}), leakySince(undefined)]).toEqual([7, undefined, undefined])
})

test('what is remembered of canaries is read back, and damage is not', () => {
  const index = { ...emptyIndex(), relays: { [url]: { canary: { at: 5, wrap: 'a', misses: 1 } } } }
  expect(parseIndex(JSON.parse(JSON.stringify(index)))).toEqual(index)
  expect(parseIndex({ ...index, relays: { [url]: { canary: { at: 'x' } } } })).toBeUndefined()
  expect(parseIndex({ ...index, machine: { id: 5, count: 1 } })).toBeUndefined()
})
