// The letters with one agent, as they are shown: ours and theirs, oldest first.
import { type Foreign, foreignText } from '../../sanitize.ts'
import type { Agent, AgentDirectory } from '../agents.ts'
import { letterItem, type ShownLetter } from '../inbox-items.ts'
import { unsafeTextOf } from '../wording.ts'

/**
 * `at`: unix seconds; `repeat`: it may have been told before, so it is no instruction; `path`, `reason`: where its file lies, or why it was
 * not fetched.
 */
export type LetterEntry = {
  id: string
  from: 'me' | 'peer'
  author: Agent
  text: Foreign
  at: number
  repeat?: true
  size?: number
  sha256?: string
  path?: string
  reason?: string
}

/** About how many characters are shown beside a letter's text. */
const OVERHEAD = 60

/**
 * Letters as a transcript shows them, the oldest first.
 * @param letters in any order; `mine`: we wrote it
 * @param maxChars most characters, 0 for all: the latest letters that fit are given, and `left` counts the others
 */
export function letterEntries(
  letters: readonly (ShownLetter & { mine?: true })[],
  { me, people }: { me: Agent; people: AgentDirectory },
  maxChars: number,
): { letters: LetterEntry[]; left: number } {
  const entries = letters.map((letter) => entryOf(letter, me, people)).sort((a, b) => a.at - b.at)
  let room = maxChars === 0 ? Infinity : maxChars
  const past = entries.findLastIndex((entry, n) => {
    room -= unsafeTextOf(entry.text).length + OVERHEAD
    return room < 0 && n < entries.length - 1
  })
  return { letters: entries.slice(past + 1), left: past + 1 }
}

function entryOf(letter: ShownLetter & { mine?: true }, me: Agent, people: AgentDirectory): LetterEntry {
  if (letter.mine) {
    const { id, created_at, content } = letter.rumor
    return { id, from: 'me', author: me, text: foreignText(content), at: created_at }
  }
  const { id, from: author, text, at, repeat, size, sha256, path, reason } = letterItem(letter, people)
  const marks = {
    ...(repeat && { repeat }),
    ...(size !== undefined && { size }),
    ...(sha256 !== undefined && { sha256 }),
  }
  return {
    ...{ id, from: 'peer', author, text, at, ...marks },
    ...(path !== undefined && { path }),
    ...(reason !== undefined && { reason }),
  }
}
