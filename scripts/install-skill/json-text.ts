// Edits JSON as text: what was put in can be taken out byte for byte, and everything else stays as its owner wrote it, with comments and
// trailing commas.

type Span = { start: number; end: number }
export type Scalar = Span & { type: 'scalar'; value: unknown }
export type ArrayNode = Span & { type: 'array'; children: (Span & { value: JsonNode })[] }
export type ObjectNode = Span & { type: 'object'; children: (Span & { key: string; value: JsonNode })[] }
export type JsonNode = Scalar | ArrayNode | ObjectNode
export type Container = ArrayNode | ObjectNode

/** The tree of a text, with positions; undefined where it is no JSON. Comments and trailing commas are allowed. */
export function parseJsonText(text: string): JsonNode | undefined {
  const reader = { text, at: text.startsWith('\uFEFF') ? 1 : 0 }
  skipTrivia(reader)
  const node = readNode(reader, 0)
  skipTrivia(reader)
  return reader.at === text.length ? node : undefined
}

/** The member of an object, the last one of several with that key, as with JSON.parse; undefined where there is none. */
export function memberOf(node: JsonNode | undefined, key: string): JsonNode | undefined {
  return node?.type === 'object' ? node.children.findLast((child) => child.key === key)?.value : undefined
}

/**
 * The text with a value added at the end of a container, under `key` where that is an object. Into an empty container the value goes
 * without white space before it: by that `madeForItsChild` tells a container that was there from one that was made.
 */
export function appendChild(text: string, container: Container, value: unknown, key?: string): string {
  const style = styleOf(text)
  const base = indentOfLine(text, container.start)
  const name = key === undefined ? '' : `${JSON.stringify(key)}: `
  const last = container.children.at(-1)
  if (last === undefined) return insert(text, container.start + 1, name + jsonIn(style, base, value))
  const close = container.end - 1
  const end = text.slice(0, close).trimEnd().length
  // Where a container is closed in the line of its last value, the new one goes into that line too.
  const line = text.slice(end, close).includes('\n') ? (style ?? DEFAULT_STYLE) : undefined
  const indent = startsLine(text, last.start) ? indentOfLine(text, last.start) : base + (line?.unit ?? '')
  const added = (line === undefined ? ' ' : line.newline + indent) + name + jsonIn(line, indent, value)
  if (commaIn(text, last.end, close) !== undefined) return insert(text, end, `${added},`)
  return insert(insert(text, end, added), last.end, ',')
}

/** The text without a child of a container. This undoes `appendChild` for the last child. */
export function removeChild(text: string, container: Container, index: number): string {
  const { children, start, end } = container
  const child = children[index]
  if (child === undefined) return text
  const before = children[index - 1]
  const nextStart = children[index + 1]?.start ?? end - 1
  const space = /\s*$/.exec(text.slice(before?.end ?? start + 1, child.start))?.[0] ?? ''
  const after = commaIn(text, child.end, nextStart)
  // What follows in the same line keeps that line: the line above may end with a comment.
  const keepsLine = space.includes('\n') && !/^[ \t]*\r?\n/.test(text.slice((after ?? child.end - 1) + 1))
  const cuts: Span[] = [{ start: keepsLine ? child.start : child.start - space.length, end: child.end }]
  if (after !== undefined) cuts.push({ start: after, end: after + 1 })
  else if (before !== undefined) {
    const comma = commaIn(text, before.end, child.start)
    if (comma !== undefined) cuts.push({ start: comma, end: comma + 1 })
  }
  return cuts
    .sort((a, b) => b.start - a.start)
    .reduce((rest, cut) => rest.slice(0, cut.start) + rest.slice(cut.end), text)
}

/** Whether a container has only one child, and `appendChild` made it for that. */
export function madeForItsChild(text: string, container: Container): boolean {
  return container.children.length === 1 && /\s/.test(text[container.start + 1] ?? '')
}

/** A new text for a value, written as `appendChild` does. */
export function newJsonText(value: unknown): string {
  return `${jsonIn(DEFAULT_STYLE, '', value)}\n`
}

/** The indent and line break of a text; undefined for a text in one line. */
type Style = { unit: string; newline: string } | undefined

const DEFAULT_STYLE = { unit: '  ', newline: '\n' }

function styleOf(text: string): Style {
  if (!text.trim().includes('\n') && !/^\{\s*\}$/.test(text.trim())) return undefined
  const unit = /^\uFEFF?\s*\{\s*?\n([ \t]+)\S/.exec(text)?.[1] ?? DEFAULT_STYLE.unit
  return { unit, newline: text.includes('\r\n') ? '\r\n' : '\n' }
}

function indentOfLine(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1, at))?.[0] ?? ''
}

function startsLine(text: string, at: number): boolean {
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, at).trim() === ''
}

/** A value as JSON at an indent; without a style in one line, with white space inside its brackets. */
function jsonIn(style: Style, indent: string, value: unknown): string {
  if (style === undefined) return JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')
  return JSON.stringify(value, null, style.unit).replaceAll('\n', style.newline + indent)
}

function insert(text: string, at: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at)
}

/** Where there is a comma between two positions, outside of comments; undefined for none. */
function commaIn(text: string, from: number, to: number): number | undefined {
  const reader = { text: text.slice(0, to), at: from }
  skipTrivia(reader)
  return reader.text[reader.at] === ',' ? reader.at : undefined
}

type Reader = { readonly text: string; at: number }

/** Nothing that people write is nested more deeply. Deeper texts are refused: they could exhaust the stack. */
const MAX_DEPTH = 200

function readNode(reader: Reader, depth: number): JsonNode | undefined {
  const { text, at: start } = reader
  if (depth > MAX_DEPTH) return undefined
  if (text[start] === '{') return readContainer(reader, depth, '}')
  if (text[start] === '[') return readContainer(reader, depth, ']')
  const scalar = /"(?:[^"\\]|\\.)*"|[-+.\w]+/y
  scalar.lastIndex = start
  const word = scalar.exec(text)?.[0]
  if (word === undefined) return undefined
  reader.at += word.length
  try {
    return { type: 'scalar', start, end: reader.at, value: JSON.parse(word) }
  } catch {
    return undefined
  }
}

function readContainer(reader: Reader, depth: number, close: '}' | ']'): Container | undefined {
  const start = reader.at++
  const children: (Span & { key: string; value: JsonNode })[] = []
  for (;;) {
    skipTrivia(reader)
    if (reader.text[reader.at] === close) {
      const end = ++reader.at
      return close === '}' ? { type: 'object', start, end, children } : { type: 'array', start, end, children }
    }
    const child = readChild(reader, depth, close === '}')
    if (child === undefined) return undefined
    children.push(child)
    skipTrivia(reader)
    if (reader.text[reader.at] === ',') reader.at++
    else if (reader.text[reader.at] !== close) return undefined
  }
}

function readChild(reader: Reader, depth: number, keyed: boolean): ObjectNode['children'][number] | undefined {
  const start = reader.at
  const key = keyed ? readNode(reader, depth) : undefined
  if (keyed) {
    if (key?.type !== 'scalar' || typeof key.value !== 'string') return undefined
    skipTrivia(reader)
    if (reader.text[reader.at++] !== ':') return undefined
    skipTrivia(reader)
  }
  const value = readNode(reader, depth + 1)
  if (value === undefined) return undefined
  return { start, end: value.end, key: key?.type === 'scalar' ? String(key.value) : '', value }
}

function skipTrivia(reader: Reader): void {
  const trivia = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y
  trivia.lastIndex = reader.at
  reader.at += trivia.exec(reader.text)?.[0].length ?? 0
}
