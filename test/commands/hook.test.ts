// The line that a harness's agent reads: counts of all, and who and where of a few.
import { describe, expect, test } from 'vitest'
import { hookQuestion, waitingText } from '../../src/commands/hook.ts'
import type { WaitingThing } from '../../src/run/waiting.ts'

const NPUB = `npub1${'q'.repeat(58)}`

function thing(type: string, call: number | undefined, more: Partial<WaitingThing> = {}): WaitingThing {
  const id = call === undefined ? '' : String(call).padStart(8, '0').repeat(8)
  return { type, id: 'ab'.repeat(32), call: id, npub: NPUB, trust: 'known', ...more }
}

describe('the line', () => {
  test.each<[string, WaitingThing[], string]>([
    ['nothing', [], ''],
    ['a ring', [thing('ringing', 1)], '1 call rings (call 00000001, npub1qqqqqqq (known): ringing)'],
    [
      'letters',
      [thing('owner', undefined, { trust: 'owner' }), thing('dm', undefined, { npub: `npub1${'p'.repeat(58)}` })],
      '2 unread (letters, npub1qqqqqqq (owner): 1 owner; letters, npub1ppppppp (known): 1 dm)',
    ],
    [
      'much of one call',
      [thing('ringing', 1), thing('ringing', 2), thing('request', 1), thing('message', 3), thing('message', 3)],
      '2 calls ring, 3 unread (call 00000001, npub1qqqqqqq (known): ringing, 1 request; call 00000002, npub1qqqqqqq (known): ringing; call 00000003, npub1qqqqqqq (known): 2 message)',
    ],
  ])('%s', (_, things, expected) => {
    expect(waitingText(things)).toBe(expected === '' ? '' : `p2p-comm: ${expected}. \`p2p status\` shows what it is.`)
  })

  test('of many calls five are told, and how many there are', () => {
    const text = waitingText(Array.from({ length: 300 }, (_, i) => thing('message', i)))
    expect(text).toMatch(/^p2p-comm: 300 unread \(call 00000000, .*; and 295 more\)\. /)
    expect(text.length).toBeLessThan(500)
  })
})

test('an event that is named is the only one that is answered', () => {
  const input = JSON.stringify({ session_id: 's', hook_event_name: 'SessionStart' })
  expect(hookQuestion({ harness: 'codex', event: 'SessionStart' }, input)).toMatchObject({ session: 'codex s' })
  expect(hookQuestion({ harness: 'codex', event: 'Stop' }, input)).toBeUndefined()
  expect(hookQuestion({ harness: 'generic', event: 'Stop' }, '')).toEqual({ type: 'line' })
})
