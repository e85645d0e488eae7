// One entry of a transcript as text.
import type { TranscriptEntry } from '../transcript.ts'
import { quoted, time } from '../wording.ts'
import { fateOf } from './deed.ts'

/** One entry: what, by whom, when, and their words. */
export function entryLines(entry: TranscriptEntry): string[] {
  if (entry.type === 'gap') return [`${entry.n}. (gap: ${entry.text})`]
  const marks = [entry.state, entry.late && 'late', reasonOf(entry), fateOf(entry), entry.cut && 'cut'].filter(isWord)
  const head = `${entry.n}. ${time(entry.at)} ${entry.type} from ${speaker(entry)}`
  return [
    marks.length === 0 ? head : `${head} (${marks.join(', ')})`,
    ...quoted(entry.text, entry.from === 'me' ? 'me>' : 'peer>'),
    ...(entry.path === undefined ? [] : [`  saved: ${entry.path}`]),
  ]
}

function reasonOf({ type, reason }: TranscriptEntry): string | undefined {
  return type === 'reject' ? reason : undefined
}

// A petname of ours may stand in our sentence, a name of the peer's own may not.
function speaker({ from, author }: TranscriptEntry): string {
  if (from === 'me') return 'me'
  if (author.trust === 'owner') return 'your owner'
  return author.trust === 'unknown' ? 'peer' : author.name
}

function isWord(mark: string | boolean | undefined): mark is string {
  return typeof mark === 'string'
}
