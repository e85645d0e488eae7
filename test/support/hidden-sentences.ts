// Ways to hide a sentence in what nobody sees, for tests that look for it in every output.

/** By what it is hidden in: the text, and what a person sees of it. */
export function hiddenSentences(sentence: string): [name: string, text: string, visible: string][] {
  const bytes = [...Buffer.from(sentence, 'utf8')]
  const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, n) => (byte >> (7 - n)) & 1))
  const tags = bytes.map((byte) => String.fromCodePoint(0xe0000 + byte)).join('')
  const far = bytes.map((byte) => String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16)).join('')
  const near = bytes.map((byte) => String.fromCodePoint(0xfe00 + (byte >> 4), 0xfe00 + (byte & 15))).join('')
  const joiners = bits.map((bit) => (bit === 1 ? '\u200d' : '\u200c')).join('')
  const spaces = bits.map((bit) => (bit === 1 ? '\u200b' : '\u2060')).join('')
  const marks = bits.map((bit) => (bit === 1 ? '\u200e' : '\u200f')).join('')
  const each = (base: string, signs: readonly [string, string]) => bits.map((bit) => base + (signs[bit] ?? '')).join('')
  const bare = (base: string) => base.repeat(bits.length)
  return [
    ['tags', `ok${tags}`, 'ok'],
    ['tags behind a flag', `🏴${tags}`, '🏴'],
    ['selectors, a byte each, behind an emoji', `😊${far}`, '😊'],
    ['selectors, half a byte each, behind a letter', `a${near}`, 'a'],
    ['selectors behind a heart', `ok ❤${near}`, 'ok ❤'],
    [
      'a selector behind each letter',
      bytes.map((byte) => `a${String.fromCodePoint(0xfe00 + (byte & 15))}`).join(''),
      'a'.repeat(bytes.length),
    ],
    [
      'a far selector behind each ideograph',
      bytes.map((byte) => `葛${String.fromCodePoint(0xe0100 + byte)}`).join(''),
      '葛'.repeat(bytes.length),
    ],
    ['joiners behind a letter', `ok${joiners}`, 'ok'],
    ['joiners between words', `o${joiners} ${joiners}k`, 'o k'],
    ['joiners between letters', each('a', ['\u200c', '\u200d']), bare('a')],
    ['joiners behind an emoji', `👍${joiners}`, '👍'],
    ['joiners between emoji', each('👍', ['', '\u200d']), bare('👍')],
    ['joiners between digits', each('1', ['', '\u200c']), bare('1')],
    ['joiners between Arabic letters that are not joined', each('ا', ['', '\u200c']), bare('ا')],
    ['the joiner between Arabic letters that are joined', each('ب', ['', '\u200d']), bare('ب')],
    ['selectors of emoji that have colours', each('😊', ['', '\ufe0f']), bare('😊')],
    ['selectors of emoji that take one', each('❤', ['', '\ufe0f']), bare('❤')],
    ['selectors of digits', each('7', ['', '\ufe0f']), bare('7')],
    ['Mongolian selectors behind letters of another script', each('a', ['\u180b', '\u180c']), bare('a')],
    ['spaces of no width', `ok${spaces}`, 'ok'],
    ['marks of direction', `ok${marks}`, 'ok'],
    ['soft hyphens', each('a', ['', '\u00ad']), bare('a')],
    ['grapheme joiners', each('a', ['', '\u034f']), bare('a')],
    ['Hangul fillers', each('a', ['\u115f', '\u3164']), bare('a')],
    ['signs of mathematics that are not written', each('2', ['\u2062', '\u2063']), bare('2')],
  ]
}
