// What somebody did in a call, what is known of it, and what its digest proves: the sentences that the formats share.
import type { Transcript, TranscriptEntry } from '../transcript.ts'

/** What its author did; "" for a message, which speaks for itself. */
export function deedOf({ type, from, reason }: TranscriptEntry): string {
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
export function wordsOf({ type, text }: TranscriptEntry): string {
  return type === 'request' ? '' : text
}

/** What a file still waits for; undefined for what is none, for one that is saved, and for one of ours that the peer has. */
export function fateOf({ type, from, path, reason, parts }: TranscriptEntry): string | undefined {
  if (type !== 'file' || path !== undefined) return undefined
  if (reason !== undefined) return `not taken: ${reason}`
  if (from === 'me') return parts === undefined ? undefined : `${parts.have} of ${parts.of} parts delivered`
  return parts === undefined ? 'not received yet' : `${parts.have} of ${parts.of} parts received`
}

export type Verdict = 'verified' | 'differs' | 'pending' | 'none'

/** What the digest says of the call, as a word and as a sentence. */
export function verdictOf({ digest, verified, call }: Transcript): { word: Verdict; text: string } {
  if (digest !== undefined && verified === true)
    return { word: 'verified', text: 'verified: both sides hold the same call' }
  if (digest !== undefined && verified === false)
    return { word: 'differs', text: 'NOT verified: the other side holds a different call' }
  return ['rejected', 'cancelled', 'missed', 'merged'].includes(call.state)
    ? { word: 'none', text: 'none: the call never became a conversation' }
    : { word: 'pending', text: 'pending until both sides have ended the call' }
}
