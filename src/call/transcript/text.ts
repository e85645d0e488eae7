// The transcript as text: our words behind "me>", the peer's behind "peer>", so that neither can look like the other or
// like us.

import { P2P } from '../../command-name.ts'
import { cutForeign, isBlank } from '../../sanitize.ts'
import { hintLine, type PrintedLine, span } from '../span.ts'
import { ABOUT_PEERS, claimedNameLines, describeAgent, quoteLines } from '../wording.ts'
import { agreementParts, entryLines, secrecyText, verificationOf } from './entry.ts'
import type { Excerpt } from './excerpt.ts'
import type { Transcript } from './transcript.ts'

/** A transcript as lines of plain text; every line says whose it is. */
export function textOf(shown: Excerpt): PrintedLine[] {
  const { call, entries, digest, left, truncated, brief, path, outcome } = shown
  const verdict = verificationOf(shown)
  const secrecy = secrecyText(shown)
  const id = call.id.slice(0, 8)
  const went = outcome === undefined ? '' : `, outcome: ${outcome}`
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

/** Most agreements that stand above the entries, and characters of each text: they stand below once more, whole. */
const MAX_AGREEMENTS = 8
const MAX_AGREED = 300

function agreementLines(shown: Excerpt): PrintedLine[] {
  const parts = agreementParts(shown)
  const more = parts.length - MAX_AGREEMENTS
  return [
    ...parts
      .slice(0, MAX_AGREEMENTS)
      .flatMap(({ head, words }) => [
        head,
        ...words.flatMap(({ from, text }) => quoteLines(cutForeign(text, MAX_AGREED), from)),
      ]),
    ...(more > 0 ? [`(${more} more were agreed or proposed)`] : []),
  ]
}

function hasPeersWords(shown: Excerpt): boolean {
  return agreementParts(shown).some(({ words }) => words.some(({ from }) => from === 'peer'))
}

/** The command that shows a call from its beginning to its end. */
export function wholeCommand({ call }: Pick<Transcript, 'call'>, format = 'text'): string {
  return `${P2P} transcript ${call.id.slice(0, 8)} --max-chars 0${format === 'text' ? '' : ` --format ${format}`}`
}
