// Text from outside of the program: a file, stdin, an argument, an environment variable. Editors put a byte order mark in
// front, Windows and env files leave carriage returns and quotes behind, a shell with another locale passes bytes that are not
// UTF-8. This file alone decides which of these are mended silently, and which are refused with the reason.

/**
 * Where a text comes from, which decides what is mended: `file` also for stdin; `argument` a word of argv; `variable` a value
 * in which spaces and quotes at the ends mean nothing (a key, a list of relays), in the environment or on stdin; `place` a path that
 * decides who we are.
 */
export type InputKind = 'file' | 'argument' | 'variable' | 'place'

/** `wrong`: why it is refused, to follow the name of whatever held it. */
export type InputText = { text: string; wrong?: undefined } | { text?: undefined; wrong: string }

/** The text that was meant, or what is wrong with it. Never throws. */
export function inputText(kind: InputKind, raw: string | Uint8Array): InputText {
  const decoded = typeof raw === 'string' ? raw : decodeBytes(raw)
  if (decoded === undefined) return { wrong: NOT_UTF8 }
  // A file may hold U+FFFD in good UTF-8. In a string that Node has decoded it stands for bytes that were not UTF-8.
  if (kind !== 'file' && decoded.includes('\ufffd')) return { wrong: NOT_UTF8 }
  // Refused and not mended: a guess would lead to the wrong folder, and there to the wrong agent.
  if (kind === 'place') return placeText(decoded)
  const text = decoded.replace(BYTE_ORDER_MARK, '')
  if (kind === 'file') return { text }
  if (kind === 'argument') return { text: text.replace(/\r+$/, '') }
  return { text: withoutQuotes(text.trim()) }
}

const NOT_UTF8 = 'is no UTF-8 text'

const BYTE_ORDER_MARK = /^\ufeff/

/** UTF-8, or UTF-16 where its mark says so: PowerShell's `>` writes that. */
function decodeBytes(bytes: Uint8Array): string | undefined {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function placeText(text: string): InputText {
  const fault = PLACE_FAULTS.find(([pattern]) => pattern.test(text))
  return fault === undefined ? { text } : { wrong: fault[1] }
}

// Not refused, each of them would make a folder of that very name in the working directory, and a new agent in it.
const PLACE_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^\ufeff/, 'begins with a byte order mark'],
  [/\r\n?$/, 'ends with a carriage return'],
  [/[\0-\x1f\x7f]/, 'has a control character in it'],
  [/^\s|\s$/, 'begins or ends with a space'],
  [/["\u201c\u201d]|^['`]|['`]$/, "has quotes in it, which are a shell's and no part of a path"],
  [/^\$[A-Za-z_{(]|^%[A-Za-z_]+%/, 'has a variable in it that no shell has replaced'],
  [/^file:/i, 'is an address and no path'],
]

function withoutQuotes(text: string): string {
  const [, inner] = /^"(.*)"$/s.exec(text) ?? /^'(.*)'$/s.exec(text) ?? []
  return (inner ?? text).trim()
}
