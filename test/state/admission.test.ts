// Who may come in and how much: the policy, the bounds of a day, and calls that make room for newer ones.
import { describe, expect, it } from 'vitest'
import type { Trust } from '../../src/call/agents.ts'
import { type Body, NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import {
  type AdmissionPolicy,
  MAX_RINGING,
  mayCall,
  meterFor,
  meterRumor,
  overflowingCalls,
  refuseMissingWork,
} from '../../src/state/admission.ts'
import { removeIdleCalls } from '../../src/state/expiry.ts'
import { answerByPolicy, markReceiptsTried, receiptsDue } from '../../src/state/receipts.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { callsOf, emptyIndex, type State } from '../../src/state/state.ts'
import { must } from '../support/must.ts'
import { sha256Of } from '../support/official-vectors.ts'

const ME = sha256Of('me')
const NOW = 1_790_000_000
const key = (n: number) => sha256Of(`stranger ${n}`)

type Settings = Partial<Omit<AdmissionPolicy, 'trust'>> & { trust?: Record<string, Trust> }

function gateOf({ trust = {}, ...rest }: Settings = {}): AdmissionPolicy {
  return { calls: 'anyone', silent: false, pow: 0, ...rest, trust: (pubkey) => trust[pubkey] ?? 'unknown' }
}

/** A request of somebody's. `at`: what its clock says. */
function request(from: string, topic: string, { at = NOW, deadline = NOW + 900 } = {}): Rumor {
  const body: Body = { type: 'request', text: topic, deadline, name: '', relays: [] }
  return rumorOf(signalTemplate(body, { call: undefined, to: ME, seq: 1, prev: undefined, ack: NOTHING }, at), from)
}

function letter(from: string, content: string, tags: string[][] = [], kind = 14): Rumor {
  return rumorOf({ kind, created_at: NOW, tags: [['p', ME], ...tags], content }, from)
}

let wraps = 0

/** The state after rumors have come in, each in a wrap of its own with so much work. */
function heard(
  state: State,
  rumors: readonly Rumor[],
  admission: AdmissionPolicy,
  { now = NOW, bits = 0 } = {},
): State {
  const opened = rumors.map((rumor) => ({ id: sha256Of(`wrap ${wraps++}`), stamp: now, bits, rumor }))
  return receiveAll(state, opened, { me: ME, now, completeReads: [], admission }).state
}

const empty = (): State => ({ index: emptyIndex(), logs: {} })
const phases = (state: State, now = NOW) => callsOf(state, ME, now).map((call) => call.phase)
const refusals = (state: State, admission: AdmissionPolicy, now = NOW) =>
  answerByPolicy(callsOf(state, ME, now), { ...admission, autoAnswer: 'nobody' }, { name: '', relays: [] }).map(
    (u) => u.body,
  )

describe('policy.calls', () => {
  const all: Trust[] = ['owner', 'trusted', 'known', 'unknown', 'blocked']
  it.each([
    ['anyone', ['owner', 'trusted', 'known', 'unknown']],
    ['contacts', ['owner', 'trusted', 'known']],
    ['nobody', ['owner']],
  ] as const)('%s lets in %j', (calls, who) => {
    expect(all.filter((trust) => mayCall({ calls }, trust))).toEqual(who)
  })

  it('answers one call of a sender and day, and drops the others without a word', () => {
    const admission = gateOf({ calls: 'contacts' })
    const [one, two] = [key(1), key(2)]
    const first = heard(empty(), [request(one, 'a'), request(one, 'b'), request(two, 'c')], admission)
    expect(refusals(first, admission)).toEqual([
      { type: 'reject', text: '', reason: 'policy' },
      { type: 'reject', text: '', reason: 'policy' },
    ])
    expect(first.index.dropped).toEqual({ policy: 1 })
    // A refused call is no news.
    expect(Object.values(first.logs).map((log) => log.unread)).toEqual([[], []])
    const later = heard(first, [request(one, 'd')], admission, { now: NOW + 3600 })
    expect([Object.keys(later.logs).length, later.index.dropped.policy]).toEqual([2, 2])
    const tomorrow = heard(later, [request(one, 'e')], admission, { now: NOW + 86_400 })
    expect(Object.keys(tomorrow.logs)).toHaveLength(3)
  })

  it('answers 20 of them in a run and 50 in a day, however many senders there are', () => {
    const admission = gateOf({ calls: 'nobody' })
    const calls = Array.from({ length: 70 }, (_, n) => request(key(n), 'a'))
    const state = heard(empty(), calls, admission)
    expect([refusals(state, admission).length, state.index.dropped]).toEqual([20, { policy: 20, ringing: 30 }])
    expect(heard(state, [request(key(71), 'b')], admission).index.dropped.policy).toBe(21)
  })

  it('answers nothing with policy.silent, also not to what was ringing before', () => {
    const silent = gateOf({ calls: 'nobody', silent: true })
    const dropped = heard(empty(), [request(key(1), 'a')], silent)
    expect([Object.keys(dropped.logs), dropped.index.dropped]).toEqual([[], { policy: 1 }])
    const ringing = heard(empty(), [request(key(1), 'a')], gateOf())
    expect(refusals(ringing, silent)).toEqual([])
    expect(refusals(ringing, gateOf({ calls: 'nobody' }))).toHaveLength(1)
  })
})

describe('a blocked key', () => {
  it('is heard in nothing, and hears nothing', () => {
    const admission = gateOf({ trust: { [key(1)]: 'blocked' } })
    const state = heard(
      empty(),
      [request(key(1), 'a'), letter(key(1), 'b'), letter(key(1), 'c', [['call-id', key(9)]])],
      admission,
    )
    expect(state.index.dropped).toEqual({ blocked: 3 })
    expect([state.logs, state.letters, state.index.orphanCalls, state.index.meter.senders]).toEqual([
      {},
      undefined,
      [],
      {},
    ])
    const ringing = heard(empty(), [request(key(1), 'a')], gateOf())
    expect(refusals(ringing, admission)).toEqual([])
  })
})

describe('work', () => {
  it('is asked of strangers alone', () => {
    const admission = gateOf({ pow: 12 })
    expect(refuseMissingWork(11, 'unknown', admission)).toBe('pow')
    expect(refuseMissingWork(12, 'unknown', admission)).toBeUndefined()
    for (const trust of ['owner', 'trusted', 'known'] as const)
      expect(refuseMissingWork(0, trust, admission)).toBeUndefined()
  })

  it('is asked for a first word and not within a call', () => {
    const admission = gateOf({ pow: 8 })
    const call = request(key(1), 'topic')
    const worked = heard(empty(), [call], admission, { bits: 8 })
    const said = signalTemplate({ type: 'end', text: '', expired: false }, { ...place(call.id, 2), prev: call.id }, NOW)
    const both = heard(worked, [rumorOf(said, key(1)), request(key(2), 'x'), letter(key(2), 'y')], admission)
    expect(both.index.dropped).toEqual({ pow: 2 })
    expect(phases(both)).toEqual(['cancelled'])
  })
})

describe('the bounds of a day', () => {
  const meter = () => meterFor(emptyIndex().meter, NOW)
  const count = (
    from: (n: number) => string,
    most: number,
    rumor: (from: string, n: number) => Rumor,
    admission: AdmissionPolicy,
  ) => {
    const held = meter()
    let taken = 0
    const why = new Set<string>()
    for (let n = 0; n < most; n++) {
      const first = rumor(from(n), n).tags.every((t) => t[0] !== 'call-id')
      const dropped = meterRumor(held, rumor(from(n), n), first, admission)
      if (dropped === undefined) taken++
      else why.add(dropped)
    }
    return [taken, [...why]]
  }
  const one = () => key(0)
  const asContact = gateOf({ trust: { [key(0)]: 'known' } })
  const asOwner = gateOf({ trust: { [key(0)]: 'owner' } })
  const short = { pubkey: '', id: '', created_at: NOW, kind: 14, tags: [], content: 'x' }
  const inCall = { ...short, tags: [['call-id', key(9)]] }
  const large = { ...inCall, content: 'x'.repeat(1024 * 1024) }
  const chunk = { ...inCall, kind: 1410, tags: [...inCall.tags, ['op', 'file'], ['chunk', '1', '5']] }

  it.each([
    ['20 first words of a stranger', 25, short, gateOf(), 20, 'sender-bound'],
    ['500 of a contact', 505, short, asContact, 500, 'sender-bound'],
    ['all of the owner', 1_000, short, asOwner, 1_000, undefined],
    ['20,000 rumors of a stranger', 20_010, inCall, gateOf(), 20_000, 'sender-bound'],
    ['256 MiB of a stranger', 260, large, gateOf(), 255, 'sender-bound'],
    ['4 GiB of a contact', 4_100, large, asContact, 4_094, 'sender-bound'],
    ['200 files of a stranger', 210, chunk, gateOf(), 200, 'sender-bound'],
    ['5,000 files of a contact', 5_010, chunk, asContact, 5_000, 'sender-bound'],
  ])('take %s', (_, most, rumor, admission, taken, why) => {
    expect(count(one, most, (pubkey) => ({ ...rumor, pubkey }), admission)).toEqual([
      taken,
      why === undefined ? [] : [why],
    ])
  })

  it.each([
    ['200 first words', 210, short, 200],
    ['1,000 files', 1_010, chunk, 1_000],
    ['512 MiB', 520, large, 511],
    ['2,000 senders', 2_010, inCall, 2_000],
  ])('take %s of all strangers together', (_, most, rumor, taken) => {
    expect(count(key, most, (pubkey) => ({ ...rumor, pubkey }), gateOf())).toEqual([taken, ['strangers-bound']])
  })

  it('leave a share to others where ten keys want all of it, and room for whoever has worked', () => {
    const held = meter()
    const write = (from: number, bits = 0) => meterRumor(held, { ...short, pubkey: key(from) }, true, gateOf(), bits)
    for (let n = 0; n < 10; n++) for (let word = 0; word < 20; word++) write(n)
    expect(Array.from({ length: 15 }, (_, n) => write(100 + n))).toEqual(Array(15).fill(undefined))
    // A thousand keys use it up all the same: then work is what helps.
    for (let n = 0; n < 1_000; n++) write(1_000 + n)
    expect([write(5_000), write(5_000, 15), write(5_000, 16)]).toEqual([
      'strangers-bound',
      'strangers-bound',
      undefined,
    ])
  })

  it('take a contact however many strangers there are', () => {
    const held = meter()
    for (let n = 1; n <= 3_000; n++) meterRumor(held, { ...inCall, pubkey: key(n) }, false, gateOf())
    expect(meterRumor(held, { ...short, pubkey: key(0) }, true, gateOf())).toBe('strangers-bound')
    expect(meterRumor(held, { ...short, pubkey: key(0) }, true, asContact)).toBeUndefined()
    expect(Object.keys(held.senders)).toHaveLength(2_001)
  })

  it('begin anew with the day, and an older state counts as well', () => {
    const { files: _, ...old } = { requests: 20, rumors: 20, bytes: 1, files: 0 }
    const before = { day: Math.floor(NOW / 86_400), senders: { [key(0)]: old }, strangers: old, refused: {} }
    const rumor = { ...short, pubkey: key(0) }
    expect(meterRumor(meterFor(before, NOW), rumor, true, gateOf())).toBe('sender-bound')
    expect(meterRumor(meterFor(before, NOW + 86_400), rumor, true, gateOf())).toBeUndefined()
    const again = meterFor(before, NOW)
    expect(meterRumor(again, { ...chunk, pubkey: key(0) }, false, gateOf())).toBeUndefined()
    expect(again.senders[key(0)]?.files).toBe(1)
  })

  it('are counted where they show, and our own copies are none of them', () => {
    const rumors = Array.from({ length: 30 }, (_, n) => letter(key(1), `letter ${n}`))
    const state = heard(empty(), [...rumors, letter(ME, 'a copy'), letter(ME, 'another')], gateOf())
    const held = Object.values(state.letters?.[key(1)]?.letters ?? {})
    // NIP-17's clients never offer a letter again: what is too many for today is told tomorrow.
    expect([held.length, held.filter(({ from }) => from !== undefined).length]).toEqual([30, 10])
    expect(state.index.dropped).toEqual({ 'own-copy': 2 })
    expect(state.index.meter.strangers.requests).toBe(20)
  })
})

describe('ringing calls of strangers', () => {
  const many = (from: number, to: number, at = (n: number) => NOW + n) =>
    Array.from({ length: to - from }, (_, i) => request(key(from + i), `call ${from + i}`, { at: at(from + i) }))

  it('are 20 at most: the oldest makes room, unread and counted', () => {
    const held = heard(empty(), many(0, 12), gateOf(), { now: NOW + 60 })
    const state = heard(held, many(12, 25), gateOf(), { now: NOW + 120 })
    expect(phases(state, NOW + 120)).toEqual([...Array(5).fill('missed'), ...Array(MAX_RINGING).fill('ringing')])
    expect(state.index.dropped).toEqual({ ringing: 5 })
    expect(Object.values(state.logs).filter((log) => log.unread.length > 0)).toHaveLength(MAX_RINGING)
  })

  it('leave no trace when they come in such a number at once', () => {
    const state = heard(empty(), many(0, 150), gateOf(), { now: NOW + 200 })
    expect(phases(state, NOW + 200)).toEqual(Array(MAX_RINGING).fill('ringing'))
    expect([Object.keys(state.index.calls).length, state.index.dropped]).toEqual([MAX_RINGING, { ringing: 130 }])
    // Offered again where there is room by then, they ring.
    const later = NOW + 1_200
    expect(phases(heard(state, many(0, 3), gateOf(), { now: later }), later).filter((p) => p === 'ringing')).toEqual([])
    const fresh = [request(key(3), 'again', { at: later, deadline: later + 900 })]
    expect(phases(heard(state, fresh, gateOf(), { now: later }), later).at(-1)).toBe('ringing')
  })

  it('are told by receipt that they have come in, a few in each run', () => {
    const all = (state: State, admission: AdmissionPolicy) =>
      receiptsDue(state, callsOf(state, ME, NOW), {
        callsHeard: Object.keys(state.logs),
        speaking: [],
        now: NOW,
        admission,
      })
    const admission = gateOf({ trust: { [key(0)]: 'known' } })
    const state = heard(
      empty(),
      many(0, 30, () => NOW),
      admission,
    )
    const due = all(state, admission)
    expect(due).toHaveLength(9)
    expect(due.some((r) => r.to === key(0))).toBe(true)
    const told = { me: ME, now: NOW, pid: 1 }
    expect(
      all(markReceiptsTried(state, due, told), admission).filter((r) => due.some((d) => d.call === r.call)),
    ).toEqual([])
    expect(all(markReceiptsTried(state, due, told), admission)).toHaveLength(8)
  })

  it('make no room for calls that are dated ahead', () => {
    const held = heard(
      empty(),
      many(0, 20, () => NOW + 1_000_000),
      gateOf(),
      { now: NOW },
    )
    const state = heard(held, [request(key(99), 'honest', { at: NOW + 30 })], gateOf(), { now: NOW + 60 })
    const honest = must(callsOf(state, ME, NOW + 60).find((call) => call.topic === 'honest'))
    expect(honest.phase).toBe('ringing')
    expect(
      overflowingCalls([
        { id: 'a', peer: 'a', heard: 1, at: 9 },
        ...Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, peer: `${n}`, heard: 2, at: 1 })),
      ]),
    ).toEqual(['a'])
  })

  it('make room for others first where one key has the most of them', () => {
    const honest = Array.from({ length: 5 }, (_, n) => ({ id: `honest ${n}`, peer: `${n}`, heard: 1, at: 1 }))
    const greedy = Array.from({ length: 18 }, (_, n) => ({ id: `greedy ${n}`, peer: 'greedy', heard: 9, at: 9 }))
    expect(overflowingCalls([...greedy, ...honest])).toEqual(['greedy 0', 'greedy 1', 'greedy 2'])
  })

  it('do not push out a contact', () => {
    const admission = gateOf({ trust: { [key(0)]: 'known' } })
    const state = heard(empty(), many(0, 30), admission, { now: NOW + 60 })
    expect(must(callsOf(state, ME, NOW + 60)[0]).phase).toBe('ringing')
    expect(state.index.dropped).toEqual({ ringing: 9 })
  })

  it('ring for a day at the longest, whatever they say', () => {
    const state = heard(empty(), [request(key(1), 'forever', { deadline: 900_000_000_000 })], gateOf())
    expect(phases(heard(state, [], gateOf(), { now: NOW + 86_000 }), NOW + 86_000)).toEqual(['ringing'])
    expect(phases(heard(state, [], gateOf(), { now: NOW + 87_000 }), NOW + 87_000)).toEqual(['missed'])
  })
})

describe('calls of strangers that came to nothing', () => {
  it('are deleted a day after they were read, files and all, and do not ring once more', () => {
    const call = request(key(1), 'a')
    const later = NOW + 20 * 86_400
    const missed = heard(heard(empty(), [call], gateOf()), [], gateOf(), { now: later })
    expect(removeIdleCalls(missed, gateOf({ trust: { [key(1)]: 'known' } }), later).removals).toEqual([])
    // One that was accepted while its caller hung up has a key, which is kept for its time.
    const keyed = must(missed.index.calls[call.id])
    const crossed = (over: number): State => ({
      ...missed,
      index: { ...missed.index, calls: { [call.id]: { ...keyed, phase: 'cancelled', secrecy: 'call', overAt: over } } },
    })
    const removedAt = (over: number) => removeIdleCalls(crossed(over), gateOf(), later).removals.length
    expect([removedAt(later - 6 * 86_400), removedAt(later - 8 * 86_400)]).toEqual([0, 3])
    const { state, removals } = removeIdleCalls(missed, gateOf(), later)
    expect(removals).toContainEqual({ type: 'call', call: call.id })
    expect([state.index.calls, state.logs]).toEqual([{}, {}])
    expect(heard(state, [call], gateOf(), { now: later }).index.calls).toEqual({})
  })

  it('are remembered to the number of a thousand, the latest, and no others are forgotten', () => {
    const rung = heard(empty(), [request(key(1), 'a')], gateOf())
    const later = NOW + 20 * 86_400
    const missed = must(Object.values(heard(rung, [], gateOf(), { now: later }).index.calls)[0])
    expect(missed).toMatchObject({ phase: 'missed', open: false })
    const calls = (from: number, count: number, summary: object) =>
      Array.from({ length: count }, (_, n) => [key(from + n), { ...missed, last: NOW + n, ...summary }] as const)
    const index = {
      ...rung.index,
      calls: Object.fromEntries([
        ...calls(0, 1_500, {}),
        ...calls(2_000, 20, { phase: 'ended' }),
        ...calls(3_000, 20, { direction: 'outgoing' }),
        ...calls(4_000, 20, { peer: key(9) }),
      ]),
    }
    const admission = gateOf({ trust: { [key(9)]: 'known' } })
    const kept = heard({ index, logs: {} }, [], admission, { now: later }).index.calls
    expect(Object.keys(kept)).toHaveLength(1_060)
    expect([kept[key(499)], kept[key(500)]?.phase, kept[key(2_000)]?.phase]).toEqual([undefined, 'missed', 'ended'])
  })
})

function place(call: string, seq: number) {
  return { call, to: ME, seq, prev: call, ack: NOTHING }
}
