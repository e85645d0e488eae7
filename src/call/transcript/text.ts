// The transcript as text: our words behind "me>", the peer's behind "peer>", so that neither can look like the other or
// like us.

import { P2P } from '../../command-name.ts'
import { cutForeign, type Foreign, isBlank, lineLengths } from '../../sanitize.ts'
import { hintLine, type PrintedLine, span } from '../span.ts'
import { ABOUT_PEERS, claimedNameLines, describeAgent, quoteInCall } from '../wording.ts'
import { agreementParts, entryLines, outcomeText, secrecyText, verificationOf } from './entry.ts'
import type { Excerpt } from './excerpt.ts'
import type { Transcript } from './transcript.ts'

/** A transcript as lines of plain text; every line says whose it is. */
export function textOf(shown: Excerpt): PrintedLine[] {
  const { call, entries, digest, left, truncated, brief, path, outcome, outcomeBy } = shown
  const verdict = verificationOf(shown)
  const secrecy = secrecyText(shown)
  const id = call.id.slice(0, 8)
  const went = outcome === undefined ? '' : `, outcome: ${outcomeText(outcome, outcomeBy)}`
  const kept = path === undefined ? '' : ` in ${path}, or with`
  return [
    [span('heading', 'transcript of call'), ` ${id} with `, ...describeAgent(call.peer), `, ${call.state}${went}:`],
    ...claimedNameLines(call.peer),
    ...(secrecy === undefined ? [] : [`secrecy: ${secrecy}`]),
    ...agreementLines(shown),
    ...(left === 0 || brief
      ? []
      : [hintLine(`(truncated: the first ${left} of ${left + entries.length} entries are left out)`)]),
    ...entries.flatMap(entryLines),
    ...(entries.some((e) => e.from === 'peer' && e.type !== 'gap' && !isBlank(e.text)) || hasPeersWords(shown)
      ? [hintLine(ABOUT_PEERS)]
      : []),
    `digest: ${digest === undefined ? verdict.text : `${digest} (${verdict.text})`}`,
    ...(truncated
      ? [
          hintLine(
            `  ${brief ? `in brief, without ${left} entries` : 'truncated'}; the whole${kept}: \`${wholeCommand(shown)}\``,
          ),
        ]
      : []),
  ]
}

/** Most agreements above the entries, and most characters of each text: each is among the entries once more, whole. */
const MAX_AGREEMENTS = 8
const MAX_AGREED = 300

/** Most characters of what was agreed where it is nowhere else: of one text, and of all together. */
const MAX_BRIEF_TEXT = 6_000
const MAX_BRIEF = 12_000

function agreementLines(shown: Excerpt): PrintedLine[] {
  const parts = agreementParts(shown)
  const told = shown.brief ? partsThatFit(parts) : parts.slice(0, MAX_AGREEMENTS)
  const maxChars = shown.brief ? MAX_BRIEF_TEXT : MAX_AGREED
  const more = parts.length - told.length
  return [
    ...told.flatMap(({ head, words }) => [
      // Half of what was agreed must not pass for the whole.
      shown.brief && words.some(({ text }) => lengthOf(text) > maxChars)
        ? `${head} (cut here, whole in the transcript)`
        : head,
      ...words.flatMap(({ from, text }) => quoteInCall(cutForeign(text, maxChars), from)),
    ]),
    ...(more > 0 ? [`(${more} more were agreed or proposed)`] : []),
  ]
}

function lengthOf(text: Foreign): number {
  return lineLengths(text).reduce((sum, length) => sum + length + 1, -1)
}

function partsThatFit(parts: ReturnType<typeof agreementParts>): ReturnType<typeof agreementParts> {
  let room = MAX_BRIEF
  return parts.filter(({ words }, n) => {
    room -= words.reduce((sum, { text }) => sum + Math.min(lengthOf(text), MAX_BRIEF_TEXT), 0)
    return room >= 0 || n === 0
  })
}

function hasPeersWords(shown: Excerpt): boolean {
  return agreementParts(shown).some(({ words }) => words.some(({ from }) => from === 'peer'))
}

/** The command that shows a call from its beginning to its end. */
export function wholeCommand({ call }: Pick<Transcript, 'call'>, format = 'text'): string {
  return `${P2P} transcript ${call.id.slice(0, 8)} --max-chars 0${format === 'text' ? '' : ` --format ${format}`}`
}
