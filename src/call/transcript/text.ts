// The transcript as text: our words behind "me>", the peer's behind "peer>", so that neither can look like the other or
// like us.

import { P2P } from '../../command-name.ts'
import { isBlank } from '../../sanitize.ts'
import { ABOUT_PEERS, claimedNameLines, describeAgent } from '../wording.ts'
import { entryLines, verificationOf } from './entry.ts'
import type { Excerpt } from './excerpt.ts'
import type { Transcript } from './transcript.ts'

export function textOf(shown: Excerpt): string[] {
  const { call, entries, digest, left, truncated, path } = shown
  const verdict = verificationOf(shown)
  const id = call.id.slice(0, 8)
  const kept = path === undefined ? '' : ` in ${path}, or with`
  return [
    `transcript of call ${id} with ${describeAgent(call.peer)}, ${call.state}:`,
    ...claimedNameLines(call.peer),
    ...(left === 0 ? [] : [`(truncated: the first ${left} of ${left + entries.length} entries are left out)`]),
    ...entries.flatMap(entryLines),
    ...(entries.some((e) => e.from === 'peer' && e.type !== 'gap' && !isBlank(e.text)) ? [ABOUT_PEERS] : []),
    `digest: ${digest === undefined ? verdict.text : `${digest} (${verdict.text})`}`,
    ...(truncated ? [`  truncated; the whole${kept}: \`${wholeCommand(shown)}\``] : []),
  ]
}

/** The command that shows a call from its beginning to its end. */
export function wholeCommand({ call }: Pick<Transcript, 'call'>, format = 'text'): string {
  return `${P2P} transcript ${call.id.slice(0, 8)} --max-chars 0${format === 'text' ? '' : ` --format ${format}`}`
}
