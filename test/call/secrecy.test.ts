// Who seals what with which key, and what is a downgrade: the table of the protocol, row by row.
import { describe, expect, it } from 'vitest'
import { goesUnderCallKey, isDowngraded, type SealedSignal, sealedSignalOf, secrecyOf } from '../../src/call/secrecy.ts'
import type { Body, Signal } from '../../src/call/signal.ts'
import { callPair } from '../support/call-pair.ts'

const ACCEPTED = 1_760_000_100
const TYPES = ['message', 'progress', 'escalate', 'propose', 'agree', 'decline', 'file', 'opaque', 'end', 'receipt']
const said = (signal: Partial<SealedSignal>): SealedSignal => ({
  ...{ type: 'message', by: 'caller', seq: 2, ack: 1, at: ACCEPTED + 10 },
  ...signal,
})

describe('what we say in a call with keys', () => {
  it('goes under its key, but for what comes before there is one, and for who may have lost it', () => {
    expect(TYPES.filter((type) => !goesUnderCallKey({ type }))).toEqual([])
    expect(['request', 'accept', 'reject'].filter((type) => goesUnderCallKey({ type }))).toEqual([])
    for (const answers of ['lost', 'fork'] as const) expect(goesUnderCallKey({ type: 'receipt', answers })).toBe(false)
  })
})

describe('what comes under the identities’ key in a call with keys', () => {
  it('is a downgrade, whoever says it', () => {
    for (const by of ['caller', 'callee'] as const)
      expect(TYPES.filter((type) => !isDowngraded(said({ type, by, ack: 2 }), ACCEPTED))).toEqual([])
  })

  it.each<[string, Partial<SealedSignal>, boolean]>([
    ['a request', { type: 'request', ack: 0 }, false],
    ['an accept', { type: 'accept', by: 'callee', seq: 1 }, false],
    ['a reject', { type: 'reject', by: 'callee', seq: 1 }, false],
    ['an accept that is no answer to the request', { type: 'accept', by: 'callee', seq: 2 }, true],
    ['a reject that is none', { type: 'reject', by: 'callee', seq: 7 }, true],
    ["a caller's accept", { type: 'accept', by: 'caller' }, true],
    ["a caller's reject", { type: 'reject', by: 'caller', seq: 1 }, true],
    ["a caller's end that has not seen the accept", { type: 'end', ack: 0 }, false],
    ["a caller's end far into the call that takes its acks back", { type: 'end', seq: 3, ack: 0 }, true],
    ["a caller's end that has", { type: 'end', ack: 1 }, true],
    ["a caller's receipt that has not seen the accept", { type: 'receipt', ack: 0 }, false],
    ["a caller's receipt that has", { type: 'receipt', ack: 1 }, true],
    ["a caller's message that acknowledges nothing", { type: 'message', ack: 0 }, true],
    ["a caller's file that acknowledges nothing", { type: 'file', ack: 0 }, true],
    ["a callee's end that acknowledges nothing", { type: 'end', by: 'callee', ack: 0 }, true],
    ["a callee's receipt from before its accept", { type: 'receipt', by: 'callee', at: ACCEPTED - 5 }, false],
    ["a callee's receipt of the same second", { type: 'receipt', by: 'callee', at: ACCEPTED }, false],
    ["a callee's receipt from after its accept", { type: 'receipt', by: 'callee', at: ACCEPTED + 1 }, true],
    ["a callee's receipt of a message, dated back", { type: 'receipt', by: 'callee', ack: 2, at: 0 }, true],
    ["a callee's message from before its accept", { type: 'message', by: 'callee', at: 0 }, true],
    ['a lost receipt', { type: 'receipt', ack: 9, answers: 'lost' }, false],
    ['a fork receipt', { type: 'receipt', by: 'callee', ack: 9, answers: 'fork' }, false],
  ])('%s: %s', (_, signal, dropped) => {
    expect(isDowngraded(said(signal), ACCEPTED)).toBe(dropped)
  })

  it("is one also where the caller's end takes back what a receipt has acknowledged", () => {
    const end = said({ type: 'end', ack: 0 })
    expect([0, 1, 7].map((acked) => isDowngraded(end, ACCEPTED, acked))).toEqual([false, true, true])
    // What a receipt says of nothing has no effect, and comes in any order.
    expect(isDowngraded(said({ type: 'receipt', ack: 0 }), ACCEPTED, 7)).toBe(false)
  })

  it('carries no words where it is none', () => {
    const wordless = TYPES.flatMap((type) =>
      (['caller', 'callee'] as const).flatMap((by) =>
        [0, 1, 2].flatMap((ack) =>
          [0, ACCEPTED + 9].map((at) => ({ type, by, seq: 2, ack, at })).filter((one) => !isDowngraded(one, ACCEPTED)),
        ),
      ),
    )
    expect(new Set(wordless.map(({ type }) => type))).toEqual(new Set(['end', 'receipt']))
    expect(wordless.filter(({ type, by, ack }) => type === 'end' && (by !== 'caller' || ack !== 0))).toEqual([])
  })
})

describe('whether a call has a key', () => {
  const { binding } = callPair()
  const { call: id, caller, callee, callerEk, calleeEk } = binding
  const signal = (from: string, seq: number, body: Body, at = ACCEPTED): Signal => ({
    ...{ id: seq === 1 && from === caller ? id : `${from}${seq}`, from, to: from === caller ? callee : caller },
    ...{ at, call: id, seq, prev: undefined, ack: { seq: seq - 1, id: undefined }, body },
  })
  const request = (ek?: string[]) =>
    signal(caller, 1, { type: 'request', text: 'x', deadline: 0, name: '', relays: [], ...(ek && { ek }) })
  const accept = (seq: number, ek?: string[], at = ACCEPTED) =>
    signal(callee, seq, { type: 'accept', text: '', name: '', relays: [], ...(ek && { ek }) }, at)
  const found = (...signals: Signal[]) => secrecyOf({ id, caller, callee, signals })

  it('is unknown before its accept', () => {
    expect(found(request([callerEk]))).toBeUndefined()
    expect(found(request([callerEk]), { ...accept(1, [calleeEk]), from: caller })).toBeUndefined()
    expect(found(accept(1, [calleeEk]))).toBeUndefined()
  })

  it('is what its request and its accept say', () => {
    const bound = { sealedWith: 'call', binding, acceptedAt: ACCEPTED }
    expect(found(request([callerEk]), accept(1, [calleeEk]))).toEqual(bound)
    expect(found(request([callerEk]), accept(1))).toMatchObject({ faults: { callee: 'missing' } })
    expect(found(request(), accept(1, [calleeEk]))).toMatchObject({ faults: { caller: 'missing' } })
  })

  it('does not change with a later accept', () => {
    const first = found(request([callerEk]), accept(1, [calleeEk]))
    for (const later of [accept(2, ['ab'.repeat(32)], 0), accept(9)])
      expect(found(later, accept(1, [calleeEk]), request([callerEk]))).toEqual(first)
    expect(found(request([callerEk]), accept(2, [calleeEk]), accept(1))?.sealedWith).toBe('identity')
  })

  it('is asked of signals as they are said', () => {
    const receipt: Extract<Body, { type: 'receipt' }> = { type: 'receipt', text: '', missing: [] }
    expect(sealedSignalOf(signal(callee, 0, { ...receipt, lost: true }), caller)).toMatchObject({
      answers: 'lost',
      by: 'callee',
    })
    const fork = { ...receipt, fork: { seq: 1, id } }
    expect(sealedSignalOf(signal(caller, 0, fork), caller)).toMatchObject({ answers: 'fork', by: 'caller' })
    expect(sealedSignalOf(signal(caller, 3, { type: 'message', text: 'x' }), caller)).toEqual({
      ...{ type: 'message', by: 'caller', seq: 3, ack: 2, at: ACCEPTED, answers: undefined },
    })
  })
})
