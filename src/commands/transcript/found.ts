// Where words were found: call, entry, time, author and the line.
import type { SearchHit } from '../../call/transcript/search.ts'
import { ABOUT_PEERS, labelOf, quoted, time } from '../../call/wording.ts'

/** `query`: what was looked for, as typed. */
export function foundLines(hits: readonly SearchHit[], more: boolean, query: string): string[] {
  if (hits.length === 0) return [`nothing found; \`p2p transcript\` lists the calls there are`]
  return [
    ...hits.flatMap(hitLines),
    ...(hits.some((hit) => hit.from === 'peer') ? [ABOUT_PEERS] : []),
    ...(more ? [`  more was found: \`${allHitsCommand(query)}\`, or narrow it with --with, --since, --until`] : []),
    '  next: `p2p transcript <id>` shows a call',
  ]
}

/** The command that shows all that was found, for a POSIX shell. */
export function allHitsCommand(query: string): string {
  return `p2p transcript --search '${query.replace(/'/g, `'\\''`)}' --max-chars 0`
}

function hitLines({ call, n, type, from, author, at, line }: SearchHit): string[] {
  const speaker = from === 'me' ? 'me' : labelOf(author)
  return [
    `call ${call.slice(0, 8)}, ${n}. ${time(at)} ${type} from ${speaker}:`,
    ...quoted(line, from === 'me' ? 'me>' : 'peer>'),
  ]
}
