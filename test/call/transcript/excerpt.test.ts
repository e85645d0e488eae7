// How much of a transcript is shown.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PrintedLine } from '../../../src/call/span.ts'
import { excerptOf } from '../../../src/call/transcript/excerpt.ts'
import { textOf } from '../../../src/call/transcript/text.ts'
import type { Transcript } from '../../../src/call/transcript/transcript.ts'
import { plain, unsafeTextOf } from '../../../src/call/wording.ts'
import { codePoint } from '../../support/code-points.ts'
import { sampleCall } from './sample-transcripts.ts'

/** A call in which the given texts are said, by turns. */
function talk(texts: readonly string[]): Transcript {
  const call = sampleCall('me', 'Talk')
  call.say('peer', { type: 'accept' }, 1)
  texts.forEach((text, i) => {
    call.say(i % 2 === 0 ? 'me' : 'peer', { type: 'message', text }, 2 + i)
  })
  return call.transcript()
}

const sizeOf = (lines: readonly PrintedLine[]) => lines.reduce((sum, line) => sum + plain(line).length + 1, 0)

it('is whole when it fits, and when nothing is to be left out', () => {
  const transcript = talk(['one', 'two'])
  for (const most of [0, 12_000]) {
    expect(excerptOf(transcript, most)).toMatchObject({ left: 0, truncated: false, entries: transcript.entries })
  }
  expect(excerptOf(talk(Array(2_000).fill('x'.repeat(100))), 0).entries).toHaveLength(2_002)
})

it('keeps the end, under its numbers, and says how much is left out', () => {
  const shown = excerptOf(talk(Array.from({ length: 500 }, (_, i) => `message ${i}`)), 3_000)
  expect(shown.truncated).toBe(true)
  expect(shown.entries.at(-1)).toMatchObject({ n: 502, text: 'message 499' })
  expect(shown.entries[0]?.n).toBe(shown.left + 1)
  expect(shown.left + shown.entries.length).toBe(502)
})

it('shows the beginning of a text that does not fit, and marks it', () => {
  const shown = excerptOf(talk(['short', `begin ${'x'.repeat(50_000)}`]), 12_000)
  expect(shown.entries).toHaveLength(1)
  expect(shown.entries[0]).toMatchObject({ cut: true, from: 'peer' })
  expect(shown.entries[0]?.text).toMatch(/^begin x{11000,}…$/)
  expect(textOf(shown).map(plain).join('\n')).toContain('(cut)')
})

it('never takes more room than it was given, beside its frame', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 3_000, unit: codePoint }).filter((t) => t !== ''),
    fc.constantFrom('\n'.repeat(500), 'x'.repeat(9_000), '\u{1f600}'.repeat(4_000)),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.integer({ min: 500, max: 15_000 }), (texts, most) => {
      const transcript = talk(texts)
      const shown = excerptOf(transcript, most)
      const frame = sizeOf(textOf({ ...shown, entries: [] }))
      // What peers' lines mean is said once.
      expect(sizeOf(textOf(shown))).toBeLessThanOrEqual(most + frame + 100)
      expect(shown.entries.length).toBeGreaterThan(0)
      if (!shown.truncated) expect(shown.entries).toEqual(transcript.entries)
      expect(shown.entries.every((e) => unsafeTextOf(e.text).isWellFormed())).toBe(true)
    }),
    { numRuns: 60 },
  )
})

it('shows something of the last entry however little room there is', () => {
  expect(excerptOf(talk(['hello there']), 1).entries).toMatchObject([{ n: 3, text: '…', cut: true }])
})
