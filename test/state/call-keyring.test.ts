// Which keys are tried on what, in which order and how many, over several runs.
import { describe, expect, it } from 'vitest'
import type { CallKey } from '../../src/nostr/call-key.ts'
import { seal, wrap } from '../../src/nostr/nip59.ts'
import { type OpenedWrap, openedWrapOf, unwrap, wrapHeaderOf } from '../../src/nostr/nip59-unwrap.ts'
import {
  isToBeTriedAgain,
  KEPT_SEALS,
  type KeyedCall,
  openKeyring,
  rememberTries,
  sizeOf,
  TRIES_A_RUN,
  type TriedCalls,
} from '../../src/state/call-keyring.ts'
import { callPair, messageIn } from '../support/call-pair.ts'
import { must } from '../support/must.ts'
import { alice, bob, mallory, now } from '../support/people.ts'

const pairs = Array.from({ length: 47 }, (_, n) => callPair(`call ${n}`))
const keys = new Map(pairs.map(({ callee }) => [callee.call, callee]))
const calls: KeyedCall[] = pairs.map(({ binding }, n) => ({
  ...{ id: binding.call, peer: alice.pubkey, owed: n === 40, heard: now - n },
}))
const nothing = { awaited: [], kept: {} }

function ring(tried: TriedCalls = {}, more: Partial<Parameters<typeof openKeyring>[0]> = {}, asked: string[] = []) {
  const keyOf = (call: string): CallKey | undefined => {
    asked.push(call)
    return keys.get(call)
  }
  return openKeyring({ calls, tried, keyOf, ...nothing, ...more })
}

describe('the keys that are tried', () => {
  it('are those of calls with the author, owed first, then what was heard lately, twenty of them', () => {
    const { calls: order, left } = ring().callsFor(alice.pubkey, 'w')
    expect(order).toEqual([40, ...Array.from({ length: 19 }, (_, n) => n)].map((n) => pairs[n]?.binding.call))
    expect(left).toBe(47 - TRIES_A_RUN)
    expect(ring().callsFor(mallory.pubkey, 'w')).toEqual({ calls: [], left: 0 })
    expect(ring({}, { awaited: [mallory.pubkey] }).authors).toEqual([alice.pubkey, mallory.pubkey])
  })

  it('are read and derived only when they are tried, and once a run', () => {
    const asked: string[] = []
    const one = ring({}, {}, asked)
    expect(asked).toEqual([])
    const said = messageIn(must(pairs[2]).binding)
    for (let n = 0; n < 3; n++)
      expect(unwrap(wrap(said, alice, bob.pubkey, { now, callKey: must(pairs[2]).caller }), bob, one).ok).toBe(true)
    // Our own call that is owed, then the three that were heard last.
    expect(asked).toEqual([40, 0, 1, 2].map((n) => pairs[n]?.binding.call))
  })

  it('begin with what fitted last, and with what followed upon that before', () => {
    const one = ring()
    const [a, b, c] = [3, 7, 11].map((n) => must(pairs[n]).binding.call)
    const first = (count: number) => one.callsFor(alice.pubkey, 'w').calls.slice(0, count)
    const fits = (call: string | undefined) => one.fitted?.(alice.pubkey, must(call))
    fits(a)
    expect(first(2)).toEqual([a, must(pairs[40]).binding.call])
    for (const call of [b, c, a]) fits(call)
    expect(first(2)).toEqual([b, a])
    expect(one.callsFor(alice.pubkey, 'w')).toMatchObject({ left: 47 - TRIES_A_RUN })
    expect(new Set(first(20)).size).toBe(20)
    expect(one.callsFor(mallory.pubkey, 'w').calls).toEqual([])
  })

  it('are all tried in the end, each once a wrap, and no wrap counts as seen before', () => {
    const pair = must(pairs[46])
    const one = wrap(messageIn(pair.binding), alice, bob.pubkey, { now, callKey: pair.caller })
    const junk = wrap(messageIn(callPair('no').binding), alice, bob.pubkey, { now, callKey: callPair('no').caller })
    let tried: TriedCalls = {}
    const runs: [OpenedWrap, OpenedWrap][] = []
    const times = new Map<string, number>()
    for (let run = 0; run < 3; run++) {
      const open = ring(tried)
      const results = [one, junk].map((event) => openedWrapOf(wrapHeaderOf(event), unwrap(event, bob, open)))
      runs.push([must(results[0]), must(results[1])])
      for (const call of results[1]?.unopened?.tried ?? []) times.set(call, (times.get(call) ?? 0) + 1)
      tried = rememberTries(tried, results)
    }
    expect(runs.map((results) => results.map(isToBeTriedAgain))).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ])
    expect(runs[2]?.[0]).toMatchObject({ openedWithKeyOf: pair.binding.call, rumor: messageIn(pair.binding) })
    expect(runs[2]?.[1]).toMatchObject({ reason: 'undecryptable', unopened: { left: 0 } })
    expect([times.size, ...new Set(times.values())]).toEqual([47, 1])
    expect(tried).toEqual({})
  })

  it('leave a letter of the same peer alone: it opens in the first run', () => {
    const letter = wrap(messageIn(callPair('plain').binding), alice, bob.pubkey, { now })
    expect(unwrap(letter, bob, ring())).toMatchObject({ ok: true, key: 'identity' })
  })

  it('are remembered for so many wraps, and an id that every object has is no wrap', () => {
    const opened = Array.from({ length: 2_500 }, (_, n): OpenedWrap => {
      return {
        id: `${n}`,
        stamp: now,
        bits: 0,
        reason: 'undecryptable',
        unopened: { from: '', tried: ['a'], left: 1 },
      }
    })
    expect(Object.keys(rememberTries({}, opened))).toHaveLength(2_000)
    expect(ring({}).callsFor(alice.pubkey, 'constructor').calls).toHaveLength(TRIES_A_RUN)
    const odd = [{ ...must(opened[0]), id: 'toString' }]
    expect(rememberTries({}, odd)).toEqual({ toString: ['a'] })
  })
})

describe('what is kept for an accept that is still to come', () => {
  const sealed = (content: string, from = alice) =>
    seal(messageIn(must(pairs[0]).binding, content, from), from, bob.pubkey, { stamp: now })

  it('is only that of a peer whom we have asked, and so many', () => {
    const open = ring({}, { awaited: [alice.pubkey] })
    expect(open.keeps(sealed('hi', mallory))).toBe(false)
    const taken = Array.from({ length: KEPT_SEALS.count + 5 }, () => sealed('hi')).filter(open.keeps)
    expect(taken).toHaveLength(KEPT_SEALS.count)
    // What is there already counts.
    const rest = ring({}, { awaited: [alice.pubkey], kept: { [alice.pubkey]: { count: 199, bytes: 0 } } })
    expect([sealed('a'), sealed('b')].map(rest.keeps)).toEqual([true, false])
  })

  it('is so many bytes', () => {
    const large = sealed('x'.repeat(20_000))
    const kept = { [alice.pubkey]: { count: 3, bytes: KEPT_SEALS.bytes - sizeOf(large) } }
    const open = ring({}, { awaited: [alice.pubkey], kept })
    expect([large, sealed('small')].map(open.keeps)).toEqual([true, false])
  })
})
