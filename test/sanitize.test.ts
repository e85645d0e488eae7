// A stranger's words, whatever they are: nothing in them can draw, hide, turn a line around, begin a line unmarked, or be
// half a character.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quoted, who } from '../src/call/wording.ts'
import { cleanLine, cleanText } from '../src/sanitize.ts'
import { HOSTILE, LONG, NAMES } from './call/transcript/hostile-texts.ts'

/** Pieces of attacks, put together at random; and any text at all, halves of characters among it. */
const pieces = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Object.values(HOSTILE), ...NAMES) },
      fc.constantFrom(...'\n\r\t\u0000\u0007\b\u000b\u000c\u001b\u007f\u0085\u009b\u00a0\u00ad\u034f\u061c'),
      fc.constantFrom(...'\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e'),
      fc.constantFrom(
        ...'\u2060\u2066\u2069\u206f\u3164\ufe0f\ufeff\uffa0\ufff0\ufff9\ufffb\ufffe',
        '\u{e0001}',
        '\u{1d173}',
      ),
      fc.constantFrom('\ud800', '\udfff', 'peer> ', 'owner> ', '  me> ', 'p2p: hint: ', 'npub1', '👩‍👩‍👧', 'می‌خواهم'),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))

// Said in another way than in the code: category by category.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
const HIDDEN =
  /\u034f|[\p{Bidi_Control}\u00ad\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u
const KEPT_CHARACTERS = '\u200c\u200d\ufe0f\u180b'

describe('plain', () => {
  it('leaves nothing but text, line breaks and tabs', () => {
    fc.assert(
      fc.property(pieces, (text) => {
        const shown = cleanText(text)
        expect(shown.isWellFormed()).toBe(true)
        expect(CONTROL.test(shown.replace(/[\n\t]/g, ''))).toBe(false)
        expect(HIDDEN.test(shown)).toBe(false)
        expect(cleanText(shown)).toBe(shown)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps what can be seen, in its order', () => {
    // A separator of lines or paragraphs is a grapheme, too; the next test is about those.
    const text = fc.string({ unit: 'grapheme', maxLength: 200 }).map((words) => words.replace(/[\u2028\u2029]/g, ''))
    fc.assert(
      fc.property(text, (words) => {
        expect(cleanText(words)).toBe(words)
      }),
    )
    expect(cleanText(`a${KEPT_CHARACTERS}b`)).toBe(`a${KEPT_CHARACTERS}b`)
    for (const word of ['👩‍👩‍👧', 'می‌خواهم', '葛󠄀'.slice(0, 1), '❤️', 'é', 'ﷺ', 'ᠮᠣᠩᠭᠣᠯ'])
      expect(cleanText(word)).toBe(word)
  })

  it('breaks lines wherever anybody might see a break', () => {
    expect(cleanText('a\r\nb\rc\nd\u000be\u000cf\u0085g\u2028h\u2029i')).toBe('a\nb\nc\nd\ne\nf\ng\nh\ni')
  })

  it('is as long as it may be, and no half character stands at the end', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 50 }), (text, most) => {
        const shown = cleanText(text, most)
        expect(shown.length).toBeLessThanOrEqual(most + 1)
        expect(shown.isWellFormed()).toBe(true)
        expect(shown.endsWith('…') || shown === cleanText(text)).toBe(true)
      }),
    )
    expect(cleanText('ab👋', 3)).toBe('ab…')
    for (const long of Object.values(LONG)) expect(cleanText(long)).toHaveLength(100_001)
  })

  it('is done with a megabyte of anything in a moment', () => {
    for (const piece of ['\u001b', '\u202e', '\ud800', '\r', '\r\n', ' ', '\t', 'x', '👩‍👩‍👧', 'é'.normalize('NFD')]) {
      const began = performance.now()
      cleanText(piece.repeat(1_048_576 / piece.length))
      cleanLine(piece.repeat(1_048_576 / piece.length))
      expect([piece, performance.now() - began < 1_000]).toEqual([piece, true])
    }
  })
})

describe('oneLine', () => {
  it('is one line, without a tab, without space at its ends or runs of it', () => {
    fc.assert(
      fc.property(pieces, (text) => {
        const shown = cleanLine(text)
        expect(/[\n\t]|^\s|\s\s|[^…]\s$/.test(shown)).toBe(false)
        expect(CONTROL.test(shown) || HIDDEN.test(shown) || !shown.isWellFormed()).toBe(false)
        expect(cleanLine(shown)).toBe(shown)
        expect(shown.length).toBeLessThanOrEqual(201)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('quoted', () => {
  it('has the mark in front of every line, whatever a line begins with', () => {
    fc.assert(
      fc.property(pieces, fc.constantFrom('peer>', 'owner>', 'me>'), (text, mark) => {
        const lines = quoted(cleanText(text), mark)
          .join('\n')
          .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
        if (cleanText(text) === '') return
        for (const line of lines) expect(line.startsWith(`  ${mark} `)).toBe(true)
        expect(lines.map((line) => line.slice(mark.length + 3)).join('\n')).toBe(cleanText(text))
      }),
      { numRuns: 500 },
    )
  })
})

describe('who', () => {
  const npub = `npub1${'q'.repeat(54)}wxyz`
  const agent = (name: string) => ({ npub, pubkey: 'ab'.repeat(32), name, trust: 'unknown' as const })
  it('says the key first, and what an unknown agent calls itself in one pair of quotes at the end', () => {
    fc.assert(
      fc.property(pieces, (name) => {
        const shown = who(agent(name))
        expect(shown).toMatch(/^npub1qqqqqqq…wxyz \(unknown(, calls itself "[^"\n]*")?\)$/)
        expect(CONTROL.test(shown) || HIDDEN.test(shown)).toBe(false)
      }),
    )
  })
})
