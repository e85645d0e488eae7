// What editors, env files, Windows and shells of other locales leave around a text: mended, or refused by name.
import { describe, expect, it } from 'vitest'
import { type InputKind, inputText } from '../src/input-text.ts'

const BOM = '\ufeff'

describe('what is mended', () => {
  it.each<[InputKind, string, string]>([
    ['file', `${BOM}{"a":1}`, '{"a":1}'],
    ['file', `a${BOM}b\r\n`, `a${BOM}b\r\n`],
    ['file', 'a literal \ufffd', 'a literal \ufffd'],
    ['argument', `${BOM}hello\r`, 'hello'],
    ['argument', ' "quoted" ', ' "quoted" '],
    ['argument', 'two\r\nlines', 'two\r\nlines'],
    ['variable', '"wss://a,wss://b"\r', 'wss://a,wss://b'],
    ['variable', "'nsec1x'\n", 'nsec1x'],
    ['variable', `${BOM} nsec1x `, 'nsec1x'],
    ['variable', '"half', '"half'],
    ['place', '/home/o\u2019neil/Jose\u0301', '/home/o\u2019neil/Jose\u0301'],
    ['place', "/home/ada/Ada's agent", "/home/ada/Ada's agent"],
    ['place', '~/x', '~/x'],
    ['place', '/a/$b', '/a/$b'],
  ])('%s %j', (kind, raw, text) => {
    expect(inputText(kind, raw)).toEqual({ text })
  })
})

describe('bytes', () => {
  const utf16 = (text: string, swap: boolean) => {
    const bytes = Buffer.from(`${BOM}${text}`, 'utf16le')
    return swap ? bytes.swap16() : bytes
  }
  it.each([
    ['UTF-8', Buffer.from('Jos\u00e9')],
    ['UTF-8 with a mark', Buffer.from(`${BOM}Jos\u00e9`)],
    ['UTF-16, as PowerShell writes it', utf16('Jos\u00e9', false)],
    ['UTF-16, the other way round', utf16('Jos\u00e9', true)],
  ])('%s', (_, bytes) => {
    expect(inputText('file', bytes)).toEqual({ text: 'Jos\u00e9' })
  })

  it.each([
    ['Latin-1', Buffer.from('Jos\u00e9', 'latin1')],
    ['a cut off letter', Buffer.from('Jos\u00e9').subarray(0, -1)],
    ['half of UTF-16', utf16('Jos\u00e9', false).subarray(0, -1)],
  ])('%s is refused', (_, bytes) => {
    expect(inputText('file', bytes)).toEqual({ wrong: 'is no UTF-8 text' })
  })
})

describe('what is refused, since a guess would lead to another agent', () => {
  it.each<[InputKind, string, RegExp]>([
    ['argument', 'caf\ufffd', /UTF-8/],
    ['variable', 'wss://caf\ufffd', /UTF-8/],
    ['place', '/home/caf\ufffd', /UTF-8/],
    ['place', '"/home/ada"', /quotes/],
    ['place', "'/home/ada'", /quotes/],
    ['place', '/home/"ada"', /quotes/],
    ['place', '\u201c/home/ada\u201d', /quotes/],
    ['place', '/home/ada\r', /carriage return/],
    ['place', '/home/ada\n', /control character/],
    ['place', '/home/\u001b[2J', /control character/],
    ['place', '/home/ada ', /space/],
    ['place', ' /home/ada', /space/],
    ['place', `${BOM}/home/ada`, /byte order mark/],
    ['place', '$HOME/.openclaw', /variable/],
    ['place', `\${HOME}/.openclaw`, /variable/],
    ['place', '%USERPROFILE%\\agent', /variable/],
    ['place', 'file:///home/ada', /address/],
  ])('%s %j', (kind, raw, wrong) => {
    expect(inputText(kind, raw)).toEqual({ wrong: expect.stringMatching(wrong) })
  })
})
