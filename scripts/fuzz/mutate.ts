// Spoils good texts, JSON values and bytes, a little or beyond recognition.
import type { SeededChoices } from './random.ts'

/** What parsers stumble over: names that every object has, what only looks like a number, halves of characters, delimiters. */
export const NASTY: readonly string[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'undefined', 'null', 'NaN'],
  ...['0', '-0', '-1', '1e309', '9007199254740993', '0x10', '1e3', ' 1', '٣', '1'.repeat(400), '1000001', '4294967296'],
  ...['\u0000', '\u001b[2J', '\u202e', '\u200b', '\u2028', '\ud800', '\udc00', '\ufeff', '\u{1f469}\u200d', 'é', 'İ'],
  ...[
    '"',
    "'",
    '\\',
    '\\u',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '[[[[[[[[',
    '{"a":',
    '//',
    '..',
    '../',
    '/',
    '%00',
    '%',
    '@',
    '#',
  ],
  ...[
    '\n',
    '\r\n',
    '\t',
    '-',
    '--',
    '$(x)',
    '`x`',
    '<script>',
    '](x)',
    '',
    ' ',
    'a'.repeat(300),
    'ws://',
    'wss://[::1',
    '.',
  ],
]

/** A sample, or something made of several, at most 20,000 characters of it. */
export function spoiledText(chance: SeededChoices, samples: readonly string[]): string {
  let made = chance.often(95) ? chance.pick(samples) : randomText(chance)
  for (let n = chance.int(5); n > 0; n--) made = spoiled(chance, made, samples)
  return made.slice(0, 20_000)
}

/** Random UTF-16 code units, halves of characters among them. */
export function randomText(chance: SeededChoices): string {
  const most = chance.pick([0x7f, 0xff, 0xffff])
  return String.fromCharCode(...Array.from({ length: chance.int(60) }, () => chance.int(most + 1)))
}

function spoiled(chance: SeededChoices, made: string, samples: readonly string[]): string {
  const [one, other] = [chance.int(made.length + 1), chance.int(made.length + 1)]
  const [from, to] = [Math.min(one, other), Math.max(one, other)]
  const [head, middle, tail] = [made.slice(0, from), made.slice(from, to), made.slice(to)]
  switch (chance.int(9)) {
    case 0:
      return head + tail
    case 1:
      return head + chance.pick(NASTY) + made.slice(from)
    case 2:
      return head + middle + middle + tail
    case 3:
      return head
    case 4:
      return head + middle.repeat(chance.int(20)) + tail
    case 5:
      return head + chance.pick(samples).slice(chance.int(20))
    case 6:
      return head + String.fromCharCode(chance.int(0x10000)) + made.slice(from + 1)
    case 7:
      return head + (chance.often(50) ? middle.toUpperCase() : middle.split('').reverse().join('')) + tail
    default:
      return head + randomText(chance) + tail
  }
}

/** A JSON value with parts removed, added, exchanged or of another type. The sample stays as it is. */
export function spoiledJson(chance: SeededChoices, sample: unknown): unknown {
  let made: unknown = structuredClone(sample)
  for (let n = 1 + chance.int(4); n > 0; n--) made = changed(chance, made, 8)
  return made
}

function changed(chance: SeededChoices, value: unknown, depth: number): unknown {
  if (depth === 0 || typeof value !== 'object' || value === null || chance.often(8)) return replaced(chance, value)
  if (Array.isArray(value)) {
    if (chance.often(15)) return [...value, ...value].slice(chance.int(3))
    if (chance.often(10)) return value.slice(0, chance.int(value.length + 1))
    if (chance.often(10)) return [...value, anyValue(chance, 2)]
    const at = chance.int(value.length)
    return value.map((item: unknown, n) => (n === at ? changed(chance, item, depth - 1) : item))
  }
  const entries = Object.entries(value)
  if (entries.length === 0 || chance.often(10)) return built([...entries, [chance.pick(NASTY), anyValue(chance, 2)]])
  const at = chance.int(entries.length)
  if (chance.often(10)) return built(entries.filter((_, n) => n !== at))
  return built(entries.map(([key, inner], n) => [key, n === at ? changed(chance, inner, depth - 1) : inner]))
}

function replaced(chance: SeededChoices, value: unknown): unknown {
  if (typeof value === 'string' && chance.often(70)) return spoiledText(chance, [value, ...NASTY])
  if (typeof value === 'number' && chance.often(70)) {
    return chance.pick([
      -value,
      value + 1,
      value * 1e9,
      value + 0.5,
      0,
      -1,
      2 ** 53,
      1e308,
      -1e300,
      65_536,
      String(value),
    ])
  }
  return anyValue(chance, 3)
}

/** Any JSON value, nested at most `depth` deep. */
export function anyValue(chance: SeededChoices, depth: number): unknown {
  const kind = chance.int(depth > 0 ? 9 : 6)
  if (kind < 2) return chance.pick(NASTY)
  if (kind === 2) return chance.pick([0, -1, 0.5, 1e21, -1e300, 2 ** 53, -(2 ** 31), 1_795_000_000])
  if (kind === 3) return chance.often(50)
  if (kind === 4) return null
  if (kind === 5) return randomText(chance)
  if (kind < 8) return Array.from({ length: chance.int(4) }, () => anyValue(chance, depth - 1))
  return built(Array.from({ length: chance.int(4) }, () => [chance.pick(NASTY), anyValue(chance, depth - 1)]))
}

// As JSON.parse does: "__proto__" becomes a key like any other, and not the prototype.
function built(entries: readonly (readonly [string, unknown])[]): object {
  const made = {}
  for (const [key, value] of entries)
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  return made
}

/** Bytes with some of them changed, removed or added. */
export function spoiledBytes(chance: SeededChoices, sample: Uint8Array): Uint8Array {
  const made = Buffer.from(sample)
  for (let n = chance.int(4); n > 0 && made.length > 0; n--) made[chance.int(made.length)] = chance.int(256)
  if (chance.often(70)) return made
  const at = chance.int(made.length + 1)
  const rest = chance.often(50)
    ? made.subarray(at + chance.int(8))
    : Buffer.concat([chance.bytes(8), made.subarray(at)])
  return Buffer.concat([made.subarray(0, at), rest])
}
