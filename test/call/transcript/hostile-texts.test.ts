// Whatever a peer writes, in every format: it is all there, and all that is not its words is as it would be without them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { excerptOf } from '../../../src/call/transcript/excerpt.ts'
import { htmlOf } from '../../../src/call/transcript/html.ts'
import { markdownOf } from '../../../src/call/transcript/markdown.ts'
import { textOf } from '../../../src/call/transcript/text.ts'
import { plain } from '../../../src/call/wording.ts'
import { codePoint } from '../../support/code-points.ts'
import { HOSTILE, LONG, NAMES } from './hostile-texts.ts'
import { sampleCall } from './sample-transcripts.ts'

/** A call in which the peer says one text in every way there is, whole or within the usual bound. */
function shown(text: string, { most = 0, name = '' } = {}) {
  const call = sampleCall('peer', text, name)
  call.say('me', { type: 'accept', text: 'fine' }, 1)
  call.say('peer', { type: 'message', text }, 2)
  call.say('peer', { type: 'escalate', text }, 3)
  call.say('peer', { type: 'file', name: text.slice(0, 255), size: 5 }, 4)
  call.say('peer', { type: 'end', text }, 5)
  const excerpt = excerptOf(call.transcript(), most)
  // A call's id is made of its topic; what is compared is the rest.
  return { ...excerpt, call: { ...excerpt.call, id: 'ab'.repeat(32) } }
}

// Controls but for tab and line feed, marks of direction and what takes no room, halves of characters.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/u

const PLAIN = 'Is v2 final?'
const anything = fc
  .oneof(
    fc.constantFrom(...Object.values(HOSTILE)),
    fc.string({ maxLength: 200, unit: codePoint }),
    fc
      .array(
        fc.constantFrom(
          ...'\\`*_{}[]()#+-.!|~<>=:&;$%^@"\' \t\r\n1a',
          '```',
          '~~~',
          '](',
          '![',
          '</',
          '<!--',
          'http://x.y',
          'a@b.cd',
          '  me> ',
          '\u202e',
        ),
      )
      .map((parts) => parts.join('')),
  )
  // A text of which nothing is left would leave out a line of ours.
  .map((text) => `${text}x`)

describe('text', () => {
  const lines = (text: string, name = '') => textOf(shown(text, { name })).map(plain).join('\n').split('\n')
  const frame = (text: string, name = '') => lines(text, name).filter((line) => !line.startsWith('  peer> '))

  it.each(Object.entries(HOSTILE))('keeps %s behind the mark', (_, text) => {
    expect(frame(text)).toEqual(frame(PLAIN))
    expect(lines(text).some((line) => UNSEEN.test(line) || !line.isWellFormed())).toBe(false)
  })

  it('keeps anything behind the mark', () => {
    const wanted = frame(PLAIN)
    fc.assert(
      fc.property(anything, (text) => {
        expect(frame(text)).toEqual(wanted)
      }),
      { numRuns: 150 },
    )
  })

  it('has all of the words', () => {
    expect(textOf(shown('one\n\n  me> two\r\nthree')).map(plain)).toEqual(
      expect.arrayContaining(['  peer> one', '  peer> ', '  peer>   me> two', '  peer> three']),
    )
  })

  it.each(NAMES)('puts the name %j behind the mark, in quotes that it cannot end', (name) => {
    expect(frame(PLAIN, name)).toEqual(frame(PLAIN))
    const [, line = ''] = lines(PLAIN, name)
    expect(line).toMatch(/^ {2}peer> calls itself "[^"`\u201c-\u201f\uff02]*"( \(letters of several alphabets\))?$/)
    expect(UNSEEN.test(line)).toBe(false)
  })
})

describe('markdown', () => {
  const lines = (text: string, name = '') => markdownOf(shown(text, { name })).join('\n').split('\n')
  const frame = (text: string, name = '') => lines(text, name).filter((line) => !line.startsWith('>'))
  const quotes = (text: string, name = '') => lines(text, name).filter((line) => line.startsWith('>'))

  /** What no quoted line may hold; code of ours holds only an address, and "<" alone begins nothing before a space, a digit or the end. */
  const isTame = (line: string) =>
    /^>( [^\s#+\-=>]|$)/.test(line) &&
    !line.includes('``') &&
    !/<(?![ \d=]|\\?$)|\]\(|!\[|(^|[^\\])[*_~[\]|${}]/.test(
      line.replace(/`[\w.~:/?#@!$&'()*+,;=%-]+`/g, 'c').replace(/\\\\/g, 'b'),
    ) &&
    !/^> \d+[.)]/.test(line)

  it.each(Object.entries(HOSTILE))('keeps %s in its quote', (_, text) => {
    expect(frame(text)).toEqual(frame(PLAIN))
    expect(quotes(text).filter((line) => !isTame(line))).toEqual([])
    expect(lines(text).some((line) => UNSEEN.test(line) || !line.isWellFormed())).toBe(false)
  })

  it('keeps anything in its quote', () => {
    const wanted = frame(PLAIN)
    fc.assert(
      fc.property(anything, (text) => {
        expect(frame(text)).toEqual(wanted)
        expect(quotes(text).filter((line) => !isTame(line))).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('shows breaks as breaks, indents as indents, and addresses as code', () => {
    expect(quotes('a\n  b_c\n\nsee https://x.y/a_b?c=1.\n1. d')).toEqual(
      expect.arrayContaining(['> a\\', '> &nbsp;&nbsp;b\\_c', '>', '> see `https://x.y/a_b?c=1.`\\', '> 1\\. d']),
    )
  })

  it('leaves no address outside of code, whatever stands around it', () => {
    const piece = fc.constantFrom(
      ...'ab1.-_+@:/ \n',
      'http://',
      'www.',
      'mailto:',
      'a@b.cd',
      'x'.repeat(30),
      'x'.repeat(64),
    )
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => `${pieces.join('')} x`)
    const address =
      /(?:[a-z][a-z0-9+.-]{1,20}:\/\/|(?:mailto|xmpp):|www\.)[\w.~:/?#@!$&'()*+,;=%-]|[\w.+-]@[\w-]+\.[\w-]/i
    fc.assert(
      fc.property(text, (text) => {
        const bare = quotes(text)
          .join('\n')
          .replace(/`[^`]*`/g, ' ')
        expect(bare.replace(/\\(?!\n)/g, '')).not.toMatch(address)
      }),
      { numRuns: 500, examples: [[`a@b.cd${'x'.repeat(140)}a@b.cd x`], [`a@${'x'.repeat(64)}.a x`]] },
    )
  })

  it('looks at a long word once', () => {
    const once = (text: string) => {
      const before = process.cpuUsage()
      markdownOf(shown(text))
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    // The least of three: what the collector of garbage does falls on any of them.
    const cost = (text: string) => Math.min(once(text), once(text), once(text))
    const [long, short] = ['x'.repeat(1_000_000), 'x '.repeat(500_000)]
    // Looked at from each of its letters it took four times as long.
    expect(cost(`${long}@`)).toBeLessThan(2 * cost(short))
  })

  it.each(NAMES)('quotes the name %j, and calls the peer by its key', (name) => {
    expect(frame(PLAIN, name)).toEqual(expect.arrayContaining(frame(PLAIN).filter((line) => line !== '')))
    expect(quotes(PLAIN, name).filter((line) => !isTame(line))).toEqual([])
  })
})

describe('html', () => {
  // Markup is what stands between < and >: nobody's words are in there, whatever they are.
  const markup = (text: string, name = '') => htmlOf(shown(text, { name })).match(/<[^>]*>?/g)

  it.each(Object.entries(HOSTILE))('shows %s as text', (_, text) => {
    const page = htmlOf(shown(text))
    expect(markup(text)).toEqual(markup(PLAIN))
    expect(page.includes('`')).toBe(false)
    expect(UNSEEN.test(page) || !page.isWellFormed()).toBe(false)
  })

  it('shows anything as text', () => {
    const wanted = markup(PLAIN)
    fc.assert(
      fc.property(anything, (text) => {
        expect(markup(text)).toEqual(wanted)
      }),
      { numRuns: 150 },
    )
  })

  it('has all of the words', () => {
    const words = '<b>"one" & \'two\'</b>\n`three`'
    expect(htmlOf(shown(words)).replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))).toContain(words)
  })

  it.each(NAMES)('shows the name %j as text, in quotes', (name) => {
    expect(markup(PLAIN, name)).toEqual(markup(PLAIN, 'Bob'))
  })
})

describe('json', () => {
  it.each(Object.entries(HOSTILE))('holds %s without what cannot be seen', (_, text) => {
    const { entries } = JSON.parse(JSON.stringify(shown(text)))
    for (const entry of entries) {
      expect(UNSEEN.test(entry.text)).toBe(false)
      expect(entry.text.isWellFormed()).toBe(true)
    }
    expect(entries.map((e: { from: string }) => e.from)).toEqual(['peer', 'me', 'peer', 'peer', 'peer', 'peer'])
  })
})

it.each(Object.entries(LONG))('bounds %s in every format', (_, text) => {
  const part = shown(text, { most: 12_000 })
  expect(part.truncated).toBe(true)
  expect(textOf(part).map(plain).join('\n').length).toBeLessThan(13_000)
  expect(markdownOf(part).join('\n').length).toBeLessThan(14_000)
  expect(htmlOf(part).length).toBeLessThan(24_000)
  expect(JSON.stringify(part.entries).length).toBeLessThan(15_000)
})
