// The protocol as one readable table, and that what we may say is what we accept.
import { expect, test } from 'vitest'
import { isOver, next, type Phase, RULES } from '../../src/call/rules.ts'
import type { SignalType } from '../../src/call/signal.ts'

const PHASES: Phase[] = ['ringing', 'active', 'rejected', 'cancelled', 'missed', 'merged', 'ended', 'expired']
const TYPES: SignalType[] = ['request', 'accept', 'reject', 'message', 'file', 'escalate', 'end', 'receipt']
const PARTIES = ['caller', 'callee'] as const

test('every phase × signal × party: what is not here may not be said', () => {
  const rows = PHASES.flatMap((phase) =>
    TYPES.flatMap((type) =>
      PARTIES.flatMap((party) => {
        const then = next(phase, type, party)
        return then === undefined ? [] : [`${phase}: ${party} ${type} → ${then}`]
      }),
    ),
  )
  expect(rows).toMatchInlineSnapshot(`
    [
      "ringing: callee accept → active",
      "ringing: callee reject → rejected",
      "ringing: caller end → cancelled",
      "active: caller message → active",
      "active: callee message → active",
      "active: caller file → active",
      "active: callee file → active",
      "active: caller escalate → active",
      "active: callee escalate → active",
      "active: caller end → ended",
      "active: callee end → ended",
      "missed: caller end → missed",
      "missed: callee end → missed",
      "ended: caller end → ended",
      "ended: callee end → ended",
      "expired: caller end → ended",
      "expired: callee end → ended",
    ]
  `)
})

test('the table names no phase and no party that does not exist', () => {
  expect(Object.keys(RULES).sort()).toEqual([...PHASES].sort())
  expect(PHASES.filter((phase) => !isOver(phase))).toEqual(['ringing', 'active'])
})

test('a receipt and a second request change no call', () => {
  for (const phase of PHASES) {
    for (const party of PARTIES) {
      expect(next(phase, 'receipt', party)).toBeUndefined()
      expect(next(phase, 'request', party)).toBeUndefined()
    }
  }
})
