// One entry of a transcript as text, and the sentences that all formats share: what somebody did in a call, what is known about it, and
// what its digest proves.

import { type Foreign, foreign, foreignText } from '../../sanitize.ts'
import type { OutcomeAuthor } from '../agreements.ts'
import type { AsideReason } from '../log.ts'
import type { CallOutcome } from '../signal.ts'
import { hintLine, type PrintedLine, span } from '../span.ts'
import { agentLabel, quoteInCall, quoteLines, timeSpan } from '../wording.ts'
import { gapText, type Transcript, type TranscriptEntry } from './transcript.ts'

/** One entry as lines: what it is, by whom and when, and their words. */
export function entryLines(entry: TranscriptEntry): PrintedLine[] {
  if (entry.type === 'gap') return [`(gap: ${gapText(entry)})`]
  const marks = [
    entry.state,
    ...entryMarks(entry),
    rejectReason(entry),
    fileStateText(entry),
    entry.cut && 'cut',
  ].filter(isWord)
  const re = entry.re === undefined ? '' : `, answers ${entry.re}`
  const known = marks.length === 0 ? '' : ` (${marks.join(', ')})`
  const what = span('heading', `${entry.type} from ${speakerLabel(entry)}`)
  return [
    [`${entry.ref ?? ''} `, timeSpan(entry.at), ' ', what, `${re}${known}`],
    ...quoteInCall(entry.text, entry.from),
    ...(entry.note === undefined ? [] : ['  with the note:', ...quoteLines(entry.note, entry.from)]),
    ...(entry.sha256 === undefined ? [] : [`  SHA-256 ${entry.sha256}`]),
    ...(entry.path === undefined ? [] : [hintLine(`  saved: ${entry.path}`)]),
  ]
}

/** Remarks on an entry: how the call went, that nobody typed it, what its author had not seen, that it has no place. */
export function entryMarks({
  outcome,
  confirms,
  void: isVoid,
  unseen = [],
  hadAcked,
  late,
  waiting,
  aside,
}: Omit<TranscriptEntry, 'late'> & { late?: boolean }): string[] {
  const [first] = unseen
  const range = unseen.length > 1 ? `${first} to ${unseen.at(-1)} were` : `${first} was`
  return [
    ...(outcome === undefined ? [] : [`outcome: ${outcome}`]),
    ...(isVoid ? ['answers no open proposal, so it counts for nothing'] : []),
    ...(confirms ? ['said by the program to confirm the end, typed by nobody'] : []),
    ...(first === undefined ? [] : [`written before ${range} seen`]),
    ...(hadAcked === undefined ? [] : [`had acknowledged up to ${hadAcked} before`]),
    ...(late ? ['late'] : []),
    ...(waiting ? ['came before what it follows'] : []),
    ...(aside === undefined ? [] : [ASIDE[aside]]),
  ]
}

const ASIDE: Readonly<Record<AsideReason, string>> = {
  fork: 'no part of the call: it belongs to another branch of it',
  'after-end': 'no part of the call: it came after the end of its sender',
  verified: 'no part of the call: it came after both sides had confirmed it',
}

/** How a call went, and whether only the other side says so: `verified` beside it must not seem to vouch for that. */
export function outcomeText(outcome: CallOutcome, by: OutcomeAuthor | undefined): string {
  return by === 'peer' ? `${outcome} (says the other side)` : outcome
}

/** What was agreed, and what was proposed and not answered: its refs, and the words of each side. */
export function agreementParts({
  agreements,
  proposals,
  confirmed,
}: Transcript): { head: string; words: SpokenWords[] }[] {
  const said = (from: 'me' | 'peer', text: string): SpokenWords => ({ from, text: foreignText(text) })
  const other = (from: 'me' | 'peer') => (from === 'me' ? 'peer' : 'me')
  // We have agreed, and the other side may never hear of it.
  const isUnheard = (ref: string) => ref.startsWith('me/') && Number(ref.slice('me/'.length)) > confirmed.n
  return [
    ...agreements.map(({ ref, from, text, answer }) => ({
      head: `agreed: ${ref}, by ${answer.ref}${isUnheard(answer.ref) ? ', which is not delivered' : ''}`,
      words: [said(from, text), ...(answer.text === '' ? [] : [said(other(from), answer.text)])],
    })),
    ...proposals.map(({ ref, from, text }) => ({
      head: `proposed and not answered: ${ref}`,
      words: [said(from, text)],
    })),
  ]
}

export type SpokenWords = { from: 'me' | 'peer'; text: Foreign }

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

/** What an entry's author did; "" for a message, which speaks for itself. */
export function actionText({ type, from, reason, re, confirms, void: isVoid }: TranscriptEntry): string {
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
      return from === 'me' ? 'asked my owner' : 'says that it asked its owner'
    case 'end':
      return confirms ? 'confirmed the end' : 'ended the call'
    case 'progress':
      return 'told how far the work is'
    case 'propose':
      return 'proposed'
    case 'agree':
      return isVoid ? `said that it agrees to ${re ?? 'something'}` : `agreed to ${re ?? 'a proposal'}`
    case 'decline':
      return isVoid ? `said that it declines ${re ?? 'something'}` : `declined ${re ?? 'a proposal'}`
    default:
      return re === undefined ? '' : `answered ${re}`
  }
}

/** An entry's words, where the topic is shown above already: a request has no others. */
export function spokenText({ type, text }: TranscriptEntry): Foreign {
  return type === 'request' ? foreign`` : text
}

/** What a file still waits for, or why it was not taken; undefined for no file, for one that is saved, and for one of ours that the peer has. */
export function fileStateText({ type, from, path, reason, parts }: TranscriptEntry): string | undefined {
  if (type !== 'file' || path !== undefined) return undefined
  if (reason !== undefined) return `not taken: ${reason}`
  if (from === 'me') return parts === undefined ? undefined : `${parts.have} of ${parts.of} parts delivered`
  return parts === undefined ? 'not received yet' : `${parts.have} of ${parts.of} parts received`
}

/** Which keys the words of a call were sealed with, as a word and what it means; undefined before its accept. */
export function secrecyText({ call: { secrecy, secrecyFaults = [] } }: Pick<Transcript, 'call'>): string | undefined {
  if (secrecy === undefined) return undefined
  const meaning =
    secrecy === 'call'
      ? 'all but request and accept sealed with keys of this call alone'
      : "sealed with both sides' identity keys"
  return `${secrecy} (${[meaning, ...secrecyFaults].join('; ')})`
}

export type VerificationWord = 'verified' | 'differs' | 'pending' | 'none'

/** Whether the call is verified, as a word and as a sentence. */
export function verificationOf({ digest, verified, call, confirmed }: Transcript): {
  word: VerificationWord
  text: string
} {
  if (digest !== undefined && verified === true)
    return {
      word: 'verified',
      text: 'verified: the other side has confirmed every word of ours, and we hold all of its words, in this order; its transcript shows the same digest',
    }
  if (call.state === 'forked')
    return { word: 'differs', text: 'NOT verified: one of the two sides holds another branch of this call' }
  return ['rejected', 'cancelled', 'missed', 'merged'].includes(call.state)
    ? { word: 'none', text: 'none: the call never became a conversation' }
    : {
        word: 'pending',
        text: `pending until both sides have ended the call and confirmed it${call.state === 'ended' ? `; the other side has confirmed ${confirmed.n} of ${confirmed.of}` : ''}`,
      }
}
