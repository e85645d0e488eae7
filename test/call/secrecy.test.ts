// Who seals what with which key, and what is a downgrade: the table of the protocol, row by row.
import { describe, expect, it } from 'vitest'
import { goesUnderCallKey, isDowngraded, type SealedSignal } from '../../src/call/secrecy.ts'

const ACCEPTED = 1_760_000_100
const TYPES = ['message', 'progress', 'escalate', 'propose', 'agree', 'decline', 'file', 'opaque', 'end', 'receipt']
const said = (signal: Partial<SealedSignal>): SealedSignal => ({
  ...{ type: 'message', by: 'caller', ack: 1, at: ACCEPTED + 10 },
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
    ['an accept', { type: 'accept', by: 'callee' }, false],
    ['a reject', { type: 'reject', by: 'callee' }, false],
    ["a caller's end that has not seen the accept", { type: 'end', ack: 0 }, false],
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

  it('carries no words where it is none', () => {
    const wordless = TYPES.flatMap((type) =>
      (['caller', 'callee'] as const).flatMap((by) =>
        [0, 1, 2].flatMap((ack) =>
          [0, ACCEPTED + 9].map((at) => ({ type, by, ack, at })).filter((one) => !isDowngraded(one, ACCEPTED)),
        ),
      ),
    )
    expect(new Set(wordless.map(({ type }) => type))).toEqual(new Set(['end', 'receipt']))
    expect(wordless.filter(({ type, by, ack }) => type === 'end' && (by !== 'caller' || ack !== 0))).toEqual([])
  })
})
