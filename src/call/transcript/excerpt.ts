// The part of a transcript that is shown: its end, within a bound. Agents' tools cut what a command prints at about
// 16,000 characters, and what they cut away is gone without a word.
import { cutForeign, type Foreign, foreign, lineLengths } from '../../sanitize.ts'
import { plain } from '../wording.ts'
import { entryLines } from './entry.ts'
import type { Transcript, TranscriptEntry } from './transcript.ts'

/** Most characters of entries, as text, where nothing else is asked for. */
export const MAX_EXCERPT_CHARS = 12_000

/** `left`: how many entries are left out. `path`: where the whole transcript lies as Markdown, if it was kept. */
export type Excerpt = Transcript & { left: number; truncated: boolean; brief?: true; path?: string }

/** A transcript without its entries, but for the files that were handed over. */
export function briefOf(transcript: Transcript): Excerpt {
  const files = transcript.entries.filter(({ type, name }) => type === 'file' && name !== undefined)
  const left = transcript.entries.length - files.length
  return { ...transcript, entries: files, left, truncated: left > 0, brief: true }
}

/**
 * The last entries that fit, and the beginning of the one before them, which does not. Every format shows the same entries.
 * @param maxChars characters that they may take as text; 0 for all
 */
export function excerptOf(transcript: Transcript, maxChars: number): Excerpt {
  if (maxChars === 0) return { ...transcript, left: 0, truncated: false }
  const kept: TranscriptEntry[] = []
  let room = maxChars
  // The end matters most to whoever has just hung up.
  for (const entry of transcript.entries.toReversed()) {
    const part = fitEntry(entry, room, kept.length === 0)
    if (part === undefined) break
    kept.push(part)
    if (part.cut) break
    room -= sizeOf(part)
  }
  kept.reverse()
  const left = transcript.entries.length - kept.length
  return { ...transcript, entries: kept, left, truncated: left > 0 || kept[0]?.cut === true }
}

/** Less than this of a text is not worth showing. */
const MIN_PIECE = 200

/** @param must whether something of it has to be shown */
function fitEntry(entry: TranscriptEntry, room: number, must: boolean): TranscriptEntry | undefined {
  if (sizeOf(entry) <= room) return entry
  const words = room - sizeOf({ ...entry, text: foreign``, cut: true })
  if (words < MIN_PIECE && !must) return undefined
  return { ...entry, text: cutForeign(entry.text, lengthThatFits(entry.text, words)), cut: true }
}

// How many characters of a text fit when every line of it takes a mark.
function lengthThatFits(text: Foreign, room: number): number {
  let used = 0
  let length = 0
  for (const line of lineLengths(text)) {
    const left = room - used - MARK_LENGTH
    if (line > left) return length + Math.max(0, left)
    used += line + MARK_LENGTH
    length += line + 1
  }
  return length
}

/** "  peer> " in front of a line, "…" and the break behind it. */
const MARK_LENGTH = 10

function sizeOf(entry: TranscriptEntry): number {
  return entryLines(entry).reduce((sum, line) => sum + plain(line).length + 1, 0)
}
