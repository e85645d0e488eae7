// How much of what there is to say fits into what a reader is shown at once: agents' tools cut an output without a word.
import { fitItems } from '../call/inbox-items.ts'
import type { PrintedLine } from '../call/span.ts'
import { plain } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { CommonOutcome } from '../run/outcome.ts'

/** The outcome with only as much news as a reader is shown at once; the rest stays unread, and a notice says so. */
export function fitOutcome<O extends Pick<CommonOutcome, 'news' | 'notices'>>(outcome: O): O {
  const news = fitItems(outcome.news)
  const left = outcome.news.length - news.length
  if (left === 0) return { ...outcome, news }
  return { ...outcome, news, notices: [...outcome.notices, `${left} more unread; \`${P2P} inbox\` shows the next`] }
}

/**
 * How many of these paragraphs fit, the first one in any case.
 * @param maxChars characters that they may take
 */
export function countFitting(paragraphs: readonly (readonly PrintedLine[])[], maxChars: number): number {
  let room = maxChars
  const past = paragraphs.findIndex((lines, n) => {
    room -= lengthOfLines(lines)
    return room < 0 && n > 0
  })
  return past === -1 ? paragraphs.length : past
}

/** Characters that lines take as text. */
export function lengthOfLines(lines: readonly PrintedLine[]): number {
  return lines.reduce((sum, line) => sum + plain(line).length + 1, 0)
}
