// Finding words in what was said, in one call at a time.
import { type Foreign, foreignText } from '../../sanitize.ts'
import { unsafeTextOf } from '../wording.ts'
import type { Transcript, TranscriptEntry } from './transcript.ts'

/** An entry in which all words were found. `line`: the line of it that holds the first of them. */
export type SearchHit = Pick<TranscriptEntry, 'n' | 'ref' | 'type' | 'from' | 'author' | 'at' | 'seq'> & {
  call: string
  line: Foreign
}

/** Unix seconds, both inclusive. */
export type Period = { since: number | undefined; until: number | undefined }

/** The entries that hold every word of a query, in any order and any case; none for an empty query. */
export function hitsIn(
  { call, entries }: Transcript,
  query: string,
  { since = 0, until = Infinity }: Period,
): SearchHit[] {
  const words = query
    .split(/\s+/)
    .map(foldCase)
    .filter((word) => word !== '')
  const [first] = words
  if (first === undefined) return []
  return entries.flatMap((entry): SearchHit[] => {
    if (entry.type === 'gap' || entry.at < since || entry.at > until) return []
    const said = unsafeTextOf(entry.text)
    const text = foldCase(said)
    if (!words.every((word) => text.includes(word))) return []
    const line = said.split('\n').find((l) => foldCase(l).includes(first)) ?? ''
    const { n, ref, type, from, author, at, seq } = entry
    return [
      {
        call: call.id,
        n,
        ...(ref === undefined ? {} : { ref }),
        type,
        from,
        author,
        at,
        seq,
        line: foreignText(excerptAround(line, first)),
      },
    ]
  })
}

/** Most characters of a line that are shown, and how many of them before the word. */
const WINDOW = { maxChars: 240, before: 60 }

function excerptAround(line: string, word: string): string {
  if (line.length <= WINDOW.maxChars) return line
  const from = Math.max(0, placeOf(line, word) - WINDOW.before)
  const piece = line.slice(from, from + WINDOW.maxChars)
  // A cut may fall into the middle of a character.
  const whole = piece.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
  return `${from > 0 ? '…' : ''}${whole}${from + WINDOW.maxChars < line.length ? '…' : ''}`
}

/** Where a word begins in a line as it was written: one sign of it may fold to eighteen letters. */
function placeOf(line: string, word: string): number {
  const place = foldCase(line).indexOf(word)
  let [from, to] = [0, line.length]
  while (from < to) {
    const middle = Math.ceil((from + to) / 2)
    if (foldCase(line.slice(0, middle)).length <= place) from = middle
    else to = middle - 1
  }
  return from
}

// Full-width letters and ligatures are found by their plain forms.
function foldCase(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
