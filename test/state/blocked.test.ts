// Whoever is blocked is told nothing any more, whatever there was to say: trust is asked when something goes out.
import { describe, expect, test } from 'vitest'
import type { Trust } from '../../src/call/agents.ts'
import type { Intent } from '../../src/call/intent.ts'
import {
  CALL,
  callIn,
  hears,
  inCall,
  policyOf,
  type Run,
  ringing,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'

function trusting(trust: Trust): Run {
  return { now: T + 60, context: { policy: policyOf({ trust: () => trust }) } }
}

const BLOCKED = trusting('blocked')

test('what is queued stays here, and the call is over, quietly', () => {
  const { ada, ben, id } = inCall()
  says(ada, send('in confidence'))
  const out = turn(ada, STATUS, BLOCKED)
  expect(out.signalsDue).toEqual([])
  expect(out.receiptsOwed).toEqual([])
  expect(callIn(ada, id).phase).toBe('ended')
  // Nothing more with the next commands either, whatever comes in.
  expect(hears(ada, says(ben, send('hello?')), BLOCKED)).toMatchObject({ signalsDue: [], receiptsOwed: [], said: [] })
})

test('calls that ring, in either direction, are over', () => {
  const { ada, ben, id } = ringing()
  expect(turn(ben, STATUS, BLOCKED)).toMatchObject({ signalsDue: [], receiptsOwed: [] })
  expect(callIn(ben, id).phase).toBe('rejected')
  expect(turn(ada, STATUS, BLOCKED)).toMatchObject({ signalsDue: [], receiptsOwed: [] })
  expect(callIn(ada, id).phase).toBe('cancelled')
})

describe('nothing is begun with it', () => {
  const words: [string, Intent][] = [
    ['send', send('more')],
    ['propose', { type: 'propose', text: 'a deal' }],
    ['sendfile', { type: 'sendfile', files: [{ name: 'a.txt', content: { type: 'bytes', bytes: Buffer.from('a') } }] }],
  ]
  test.each(words)('%s', (_, intent) => {
    const { ada } = inCall()
    const before = ada.state.index.calls
    const { decision, said, signalsDue } = turn(ada, intent, { ...BLOCKED, mail: { unheard: true } })
    expect([decision.refusal?.code, said, signalsDue]).toEqual(['BLOCKED', [], []])
    expect(ada.state.index.calls).toEqual(before)
  })

  test('call', () => {
    const [ada, ben] = [side('a'), side('b')]
    expect(turn(ada, CALL, { ...BLOCKED, peer: ben.key }).decision.refusal?.code).toBe('BLOCKED')
  })
})

test('it may be hung up by hand, once', () => {
  const { ada, id } = inCall()
  const { said, signalsDue } = turn(ada, { type: 'end', text: '', maxChars: 0 }, BLOCKED)
  expect([said.length, signalsDue]).toEqual([1, []])
  expect(callIn(ada, id).phase).toBe('ended')
})

test('who is unblocked hears of the end', () => {
  const { ada, ben, id } = inCall()
  turn(ada, STATUS, BLOCKED)
  const { signalsDue } = turn(ada, STATUS, { ...trusting('known'), now: T + 400 })
  hears(
    ben,
    signalsDue.map(({ rumor }) => rumor),
    { now: T + 400 },
  )
  expect(callIn(ben, id).phase).toBe('ended')
})
