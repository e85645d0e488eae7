// How much news is shown at once: it fits, the first item is always there, and nothing is cut without a word.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { InboxItem } from '../../src/call/inbox-items.ts'
import { fitItems, sortByImportance } from '../../src/call/inbox-items.ts'
import { plain, unsafeTextOf } from '../../src/call/wording.ts'
import { newsLines } from '../../src/commands/text.ts'
import { foreignLine, foreignText } from '../../src/sanitize.ts'
import { codePoint } from '../support/code-points.ts'

const from = {
  npub: `npub1${'q'.repeat(58)}`,
  pubkey: 'ab'.repeat(32),
  name: foreignLine('x'),
  trust: 'unknown' as const,
}
const item = (text: string, n: number): InboxItem => ({
  ...{ type: 'message', id: `${n}`, call: 'cd'.repeat(32), from, text: foreignText(text), at: 1_790_000_000, seq: n },
})
const shown = (items: readonly InboxItem[]) => newsLines(fitItems(items)).map(plain).join('\n')

test('what fits is left alone', () => {
  const items = Array.from({ length: 10 }, (_, n) => item('hello', n))
  expect(fitItems(items)).toEqual(items)
  expect(fitItems([])).toEqual([])
})

test('whatever comes, it fits, begins with the first and tells what is cut', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 300, unit: codePoint }),
    fc.nat(70_000).map((n) => 'x'.repeat(n)),
    fc.nat(70_000).map((n) => '\n'.repeat(n)),
    fc.nat(2_000).map((n) => `${'y'.repeat(40)}\n`.repeat(n)),
  )
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (texts) => {
      const items = texts.map(item)
      const kept = fitItems(items)
      expect(shown(items).length).toBeLessThan(14_000)
      expect(kept.map((one) => one.id)).toEqual(items.slice(0, kept.length).map((one) => one.id))
      expect(kept.length).toBeGreaterThan(0)
      for (const [n, one] of kept.entries()) {
        const [whole, part] = [items[n]?.text ?? '', one.text].map(unsafeTextOf)
        if (one.cut) expect(whole?.startsWith(part?.replace(/…$/, '') ?? '?')).toBe(true)
        else expect(part).toBe(whole)
      }
    }),
  )
})

test('a long text says where the whole of it is', () => {
  expect(shown([item('x'.repeat(20_000), 1)])).toContain(
    'truncated; the whole: `p2p transcript cdcdcdcd --max-chars 0`',
  )
  expect(shown([{ ...item('x'.repeat(20_000), 1), type: 'dm', call: '' }])).toContain('`p2p inbox --all --json`')
})

test('what matters stands first, and keeps its order', () => {
  const kinds: [string, Partial<InboxItem>][] = [
    ['a stranger rings', { type: 'request' }],
    ['a stranger writes', { type: 'dm', call: '' }],
    ['a call with a stranger', { type: 'message' }],
    ['a friend rings', { type: 'request', from: { ...from, trust: 'trusted' } }],
    ['a friend writes', { type: 'dm', call: '', from: { ...from, trust: 'known' } }],
    ['the owner', { type: 'owner', call: '', from: { ...from, trust: 'owner' } }],
    ['the call goes on', { type: 'message' }],
  ]
  const items = kinds.map(([text, kind], n) => ({ ...item(text, n), ...kind }))
  expect(sortByImportance(items).map(({ text }) => String(text))).toEqual([
    'the owner',
    'a call with a stranger',
    'a friend rings',
    'a friend writes',
    'the call goes on',
    'a stranger rings',
    'a stranger writes',
  ])
})
