// How lines look at a terminal: a look for every role of a span, times as ages, and long quoted lines in rows. The attack: a terminal
// continues a long line at its left edge, where our own lines begin; so every row of a quoted line bears its mark.
import type { PrintedLine, Role, Span, Voice } from '../call/span.ts'
import { plain } from '../call/wording.ts'

/** `width`: in columns. `now`: unix seconds; undefined to leave times as they are, as in a record. */
export type TerminalOptions = { width: number; now?: number | undefined }

/** A line as the rows that it takes at a terminal, with escape sequences (ECMA-48, SGR). */
export function rowsOf(line: PrintedLine, { width, now }: TerminalOptions): string[] {
  if (typeof line === 'string') return [line]
  const [first, ...rest] = line
  if (typeof first !== 'object' || first.role !== 'mark') return [line.map((part) => shown(part, now)).join('')]
  const room = width - first.text.length
  return wrapped(plain(rest), room).map((row) => `${styled(MARK_LOOK[first.speaker], first.text)}${row}`)
}

function shown(part: string | Span, now: number | undefined): string {
  if (typeof part === 'string') return part
  switch (part.role) {
    case 'time':
      return now === undefined ? part.text : ageText(part.at, now, part.text)
    case 'mark':
      return styled(MARK_LOOK[part.speaker], part.text)
    case 'words':
      return plain([part])
    default:
      return styled(LOOK[part.role], part.text)
  }
}

const LOOK: Readonly<Record<Role, string>> = {
  heading: '1',
  over: '2',
  hint: '2',
  good: '32',
  warning: '33',
  fault: '31',
  agent: '1;36',
  command: '36',
}

const MARK_LOOK: Readonly<Record<Voice, string>> = {
  peer: LOOK.warning,
  owner: LOOK.warning,
  repeat: LOOK.warning,
  me: LOOK.hint,
}

function styled(look: string, text: string): string {
  return `\u001b[${look}m${text}\u001b[0m`
}

/** The age of a time; its date where it lies ahead, or more than 30 days back. */
function ageText(at: number, now: number, date: string): string {
  const seconds = now - at
  if (seconds < 0 || seconds > 30 * 86_400) return date
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const days = Math.floor(seconds / 86_400)
  return days === 1 ? 'yesterday' : `${days} days ago`
}

/** A text in rows of at most `columns` columns, broken between words where that is possible. */
function wrapped(text: string, columns: number): string[] {
  const rows = ['']
  let room = columns
  for (const word of text.split(/(?<=\s)/)) {
    for (const part of splitWord(word, columns)) {
      const width = widthOf(part)
      if (width > room && rows.at(-1) !== '') {
        rows.push('')
        room = columns
      }
      rows.push(`${rows.pop()}${part}`)
      room -= width
    }
  }
  return rows
}

/** A word in pieces, each of which fits into a row. */
function splitWord(word: string, maxWidth: number): string[] {
  if (widthOf(word) <= maxWidth) return [word]
  const found = ['']
  for (const letter of word) {
    const last = found.at(-1) ?? ''
    if (widthOf(last + letter) > maxWidth) found.push(letter)
    else found[found.length - 1] = last + letter
  }
  return found
}

// The most columns that a text may take: a row may end early, but never late.
function widthOf(text: string): number {
  let width = 0
  for (const letter of text) width += letter === '\t' ? 8 : /[\u0020-\u024f]/.test(letter) ? 1 : 2
  return width
}
