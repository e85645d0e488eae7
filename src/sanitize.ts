// Words of others made harmless: invisible characters are removed, lengths are bounded, and a type of their own keeps them out of
// sentences of ours. What peers, relays, servers and programs say becomes `Foreign` where it is parsed; only call/wording.ts renders it.

import { withoutIdleJoiners } from './joiners.ts'

/**
 * Somebody else's words, cleaned and bounded. For tsc it is a symbol, which no template literal, no `+` and no string parameter
 * takes; when the program runs it is a string, so that JSON holds it as it is.
 */
export type Foreign = symbol & { readonly foreign: true }

const MAX_TEXT = 100_000
const MAX_LINE = 200

/** Several lines, as `cleanText`. */
export function foreignText(text: string, maxLength = MAX_TEXT): Foreign {
  return asForeign(cleanText(text, maxLength))
}

/** One line that may stand in quotes: `cleanLine`, with nothing in it that looks like a quote of ours or begins a command. */
export function foreignLine(text: string, maxLength = MAX_LINE): Foreign {
  return asForeign(foldQuotes(cleanLine(text, maxLength)))
}

/** Foreign words with words of ours around them, which are then as foreign: foreign`no answer; it said: ${words}`. */
export function foreign(ours: TemplateStringsArray, ...theirs: readonly (Foreign | string | number)[]): Foreign {
  return asForeign(ours.map((text, n) => text + unsafeTextOf(theirs[n] ?? '')).join(''))
}

/** Whether the words are the empty text. */
export function isBlank(words: Foreign): boolean {
  return unsafeTextOf(words) === ''
}

/** Whether the words are exactly this text. */
export function isSame(words: Foreign, text: string): boolean {
  return unsafeTextOf(words) === text
}

/** Whether a pattern is found in the words: they may be judged without being repeated. */
export function matches(words: Foreign, pattern: RegExp): boolean {
  return pattern.test(unsafeTextOf(words))
}

/** The whole numbers that are written in the words. */
export function numbersIn(words: Foreign): number[] {
  return [...unsafeTextOf(words).matchAll(/\d+/g)].map(Number)
}

/** The length of each line in UTF-16 units; [0] for the empty text. */
export function lineLengths(words: Foreign): number[] {
  return unsafeTextOf(words)
    .split('\n')
    .map((line) => line.length)
}

/** The lines of the words; none for the empty text. */
export function linesOf(words: Foreign): Foreign[] {
  return isBlank(words) ? [] : unsafeTextOf(words).split('\n').map(asForeign)
}

/** The first `maxLength` UTF-16 units of the words, and "…" where there are more. */
export function cutForeign(words: Foreign, maxLength: number): Foreign {
  return asForeign(truncate(unsafeTextOf(words), maxLength))
}

function asForeign(text: string): Foreign {
  return text as unknown as Foreign
}

function unsafeTextOf(words: Foreign | string | number): string {
  return String(words)
}

/** Several lines: breaks become \n, tabs stay. Lone surrogates become U+FFFD. At most `maxLength` UTF-16 units and "…". */
export function cleanText(text: string, maxLength = MAX_TEXT): string {
  return truncate(visible(wellFormed(text).replace(LINE_BREAKS, '\n')), maxLength)
}

/** One line: breaks, tabs and runs of spaces become one space, and none at the ends. At most `maxLength` UTF-16 units and "…". */
export function cleanLine(text: string, maxLength = MAX_LINE): string {
  const line = visible(wellFormed(text).replace(LINE_BREAKS, ' '))
  return truncate(line.replace(/\s+/g, ' ').trim(), maxLength)
}

/**
 * Whether the letters of a name come from alphabets that are not written together, or stand for plain ones (ｂｏｂ, 𝐛𝐨𝐛):
 * the attack is a name that looks like another. Latin goes with Chinese, Japanese and Korean.
 */
export function mixesAlphabets(name: Foreign): boolean {
  const text = unsafeTextOf(name)
  if (PLAIN.test(text)) return false
  const standsFor = [...text].some((c) => c > '\u007f' && /^[a-z]$/i.test(c.normalize('NFKC')))
  return standsFor || mixed().some((pattern) => pattern.test(text))
}

// ASCII, and the dots of a short key: nearly every text, and none of it needs a look.
const PLAIN = /^[\t\n -~…]*$/

function mixed(): RegExp[] {
  const others = (script: string, together: string) => {
    const other = `(?![${script}${together}\\p{sc=Common}\\p{sc=Inherited}])\\p{L}`
    return new RegExp(`${script}.*${other}|${other}.*${script}`, 'u')
  }
  const eastAsian = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}\\p{sc=Bopomofo}'
  return [others('\\p{sc=Latin}', eastAsian), others('\\p{sc=Cyrillic}', ''), others('\\p{sc=Greek}', '')]
}

// Whatever a terminal or an editor may take for the end of a line.
const LINE_BREAKS = /\r\n|[\n\u000b\u000c\r\u0085\u2028\u2029]/g

function visible(text: string): string {
  if (PLAIN.test(text)) return text
  patterns ??= makePatterns()
  const { invisible, mark } = patterns
  const seen = withoutIdleJoiners(text.replace(invisible, ''))
  return mark.test(seen) ? boundMarks(seen) : seen
}

let patterns: { invisible: RegExp; mark: RegExp } | undefined

// Made when a text beyond ASCII is met: with Unicode's tables they take longer to make than a command's other patterns together.
function makePatterns(): { invisible: RegExp; mark: RegExp } {
  return {
    // C0 and C1 controls (terminal escapes), interlinear annotations, and all that Unicode wants drawn as nothing: marks of
    // direction, zero-width spaces, soft hyphens, invisible operators, fillers, tags, the 240 selectors beyond the first 16.
    invisible:
      /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufff9-\ufffb]|(?!(?:\u200c|\u200d|[\u180b-\u180d\u180f]|[\ufe00-\ufe0f]))\p{Default_Ignorable_Code_Point}/gu,
    mark: /\p{M}/u,
  }
}

// A tower of marks covers the lines above and below. Letters of some scripts have more than accents.
function boundMarks(text: string): string {
  return text
    .replace(/((?:(?=\p{M})\p{sc=Inherited}){4})(?:(?=\p{M})\p{sc=Inherited})+/gu, '$1')
    .replace(/(\p{M}{8})\p{M}+/gu, '$1')
}

// Every run of quotes, single or double, and of backticks becomes one plain single quote.
function foldQuotes(text: string): string {
  return text.replace(QUOTES, "'")
}

const QUOTES =
  /["'`\u00ab\u00b4\u00bb\u02b9-\u02bd\u02c8\u02ca\u02cb\u02dd\u02ee\u02f4\u02f6\u055a\u05f3\u05f4\u1ffd\u1fef\u2018-\u201f\u2032-\u2037\u2057\u275b-\u275e\u276e\u276f\u3003\u301d-\u301f\uff02\uff07\uff40\u{1f676}-\u{1f678}]+/gu

function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

// No half of a surrogate pair in front of the dots, and no joiner to what is cut off.
function truncate(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${visible(text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, ''))}…`
}
