// How `transcript` and `end` are typed.
import { expect, it } from 'vitest'
import { end } from '../../src/commands/end.ts'
import type { CallShape } from '../../src/commands/json.ts'
import { allHitsCommand, fitCalls, transcript } from '../../src/commands/transcript.ts'
import { Failure } from '../../src/errors.ts'
import { foreignLine, foreignText } from '../../src/sanitize.ts'

const JULY = Date.UTC(2026, 6, 31) / 1000

function intentOf(args: Record<string, string>) {
  try {
    return transcript.intent(args)
  } catch (error) {
    if (error instanceof Failure) return `${error.code} ${error.exit}`
    throw error
  }
}

it('is bounded unless it is a page or somebody says otherwise', () => {
  expect(intentOf({ id: 'ab' })).toMatchObject({ type: 'transcript', id: 'ab', format: 'text', maxChars: 12_000 })
  expect(intentOf({ id: 'ab', format: 'markdown' })).toMatchObject({ maxChars: 12_000 })
  expect(intentOf({ id: 'ab', format: 'html' })).toMatchObject({ format: 'html', maxChars: 0 })
  expect(intentOf({ id: 'ab', format: 'html', 'max-chars': '500' })).toMatchObject({ maxChars: 500 })
  expect(intentOf({ id: 'ab', 'max-chars': '0' })).toMatchObject({ maxChars: 0 })
  expect(end.intent({})).toMatchObject({ type: 'end', text: '', maxChars: 12_000 })
  expect(end.intent({ 'max-chars': '0' })).toMatchObject({ maxChars: 0 })
})

it.each([
  ['2026-07-31', JULY, JULY + 86_399],
  ['2026-07-31T10:00', JULY + 36_000, JULY + 36_000],
  ['2026-07-31 10:00:05', JULY + 36_005, JULY + 36_005],
  ['2026-07-31T10:00Z', JULY + 36_000, JULY + 36_000],
  ['2026-07-31t10:00+02:00', JULY + 28_800, JULY + 28_800],
  ['1785456000', 1_785_456_000, 1_785_456_000],
])('takes %s for a time', (text, since, until) => {
  expect(intentOf({ since: text })).toMatchObject({ since, until: undefined })
  expect(intentOf({ until: text })).toMatchObject({ since: undefined, until })
})

it.each([
  { since: 'yesterday' },
  { since: '2026-02-30' },
  { since: '2026-13-01' },
  { until: '31.7.2026' },
  { until: '2026-07-31T25:00' },
  { since: '2026-07-31', until: '2026-07-30' },
  { since: '17854560000000000' },
  { id: 'ab', 'max-chars': '-5' },
  { id: 'ab', 'max-chars': '1e3' },
  { id: 'ab', format: 'poem' },
  { format: 'html' },
  { format: 'markdown', search: 'x' },
  { search: ' ' },
])('refuses %j', (args) => {
  expect(intentOf(args)).toBe('USAGE 2')
})

it('shows as many calls as fit, one at least', () => {
  const peer = { npub: 'npub1x', pubkey: 'x', name: foreignLine('x'), trust: 'known' as const }
  const own = { queued: 0, relayed: 0, delivered: 0, read: 0 }
  const call: CallShape = {
    id: 'ab'.repeat(32),
    peer,
    direction: 'outgoing',
    state: 'ended',
    topic: foreignText('x'.repeat(900)),
    createdAt: JULY,
    rings: JULY,
    unread: 0,
    own,
    verified: true,
    confirmed: { n: 0, of: 0 },
    agreements: [],
  }
  const calls = Array<CallShape>(30).fill(call)
  expect(fitCalls(calls, 12_000)).toMatchObject({ calls: { length: 12 }, left: 18 })
  expect(fitCalls(calls, 10)).toMatchObject({ calls: { length: 1 }, left: 29 })
  expect(fitCalls(calls, 0)).toMatchObject({ calls: { length: 30 }, left: 0 })
  expect(fitCalls([], 12_000)).toEqual({ calls: [], left: 0 })
})

it('names a command that a shell reads as it was meant', () => {
  expect(allHitsCommand("it's $(rm) `x`")).toBe("p2p transcript --search 'it'\\''s $(rm) `x`' --max-chars 0")
})
