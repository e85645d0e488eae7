// One entry of a transcript as text.
// What somebody did in a call, what is known of it, and what its digest proves: the sentences that the formats share.

import { type Foreign, foreign } from '../../sanitize.ts'
import { agentLabel, formatTime, quoteLines } from '../wording.ts'
import { gapText, type Transcript, type TranscriptEntry } from './transcript.ts'

/** One entry: what, by whom, when, and their words. */
export function entryLines(entry: TranscriptEntry): string[] {
  if (entry.type === 'gap') return [`${entry.n}. (gap: ${gapText(entry)})`]
  const marks = [
    entry.state,
    entry.late && 'late',
    rejectReason(entry),
    fileStateText(entry),
    entry.cut && 'cut',
  ].filter(isWord)
  const head = `${entry.n}. ${formatTime(entry.at)} ${entry.type} from ${speakerLabel(entry)}`
  return [
    marks.length === 0 ? head : `${head} (${marks.join(', ')})`,
    ...quoteLines(entry.text, entry.from === 'me' ? 'me>' : 'peer>'),
    ...(entry.path === undefined ? [] : [`  saved: ${entry.path}`]),
  ]
}

function rejectReason({ type, reason }: TranscriptEntry): string | undefined {
  return type === 'reject' ? reason : undefined
}

function speakerLabel({ from, author }: TranscriptEntry): string {
  if (from === 'me') return 'me'
  return author.trust === 'unknown' ? 'peer' : agentLabel(author)
}

function isWord(mark: string | boolean | undefined): mark is string {
  return typeof mark === 'string'
}

/** What its author did; "" for a message, which speaks for itself. */
export function actionText({ type, from, reason }: TranscriptEntry): string {
  switch (type) {
    case 'request':
      return 'asked for this call'
    case 'accept':
      return 'accepted the call'
    case 'reject':
      return `rejected the call (${reason ?? 'declined'})`
    case 'file':
      return 'sent a file'
    case 'escalate':
      return from === 'me' ? 'asked my owner' : 'asked its owner'
    case 'end':
      return 'ended the call'
    default:
      return ''
  }
}

/** Its words where the topic stands above already: a request says nothing else. */
export function spokenText({ type, text }: TranscriptEntry): Foreign {
  return type === 'request' ? foreign`` : text
}

/** What a file still waits for; undefined for what is none, for one that is saved, and for one of ours that the peer has. */
export function fileStateText({ type, from, path, reason, parts }: TranscriptEntry): string | undefined {
  if (type !== 'file' || path !== undefined) return undefined
  if (reason !== undefined) return `not taken: ${reason}`
  if (from === 'me') return parts === undefined ? undefined : `${parts.have} of ${parts.of} parts delivered`
  return parts === undefined ? 'not received yet' : `${parts.have} of ${parts.of} parts received`
}

export type VerificationWord = 'verified' | 'differs' | 'pending' | 'none'

/** What the digest says of the call, as a word and as a sentence. */
export function verificationOf({ digest, verified, call }: Transcript): { word: VerificationWord; text: string } {
  if (digest !== undefined && verified === true)
    return {
      word: 'verified',
      text: 'verified: the other side has confirmed every word of ours, and we hold all of its words',
    }
  if (call.state === 'forked')
    return { word: 'differs', text: 'NOT verified: one of the two sides holds another branch of this call' }
  return ['rejected', 'cancelled', 'missed', 'merged'].includes(call.state)
    ? { word: 'none', text: 'none: the call never became a conversation' }
    : { word: 'pending', text: 'pending until both sides have ended the call and confirmed it' }
}
