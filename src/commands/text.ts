// How things are said to an agent or a person. What a peer wrote is on lines of its own behind a mark, so that it cannot look like our
// own text, another speaker's or the owner's.

import type { InboxItem } from '../call/inbox-items.ts'
import type { SignalType } from '../call/signal.ts'
import { hintLine, type PrintedLine, quotes, type Span, span, type Voice } from '../call/span.ts'
import { outcomeText } from '../call/transcript/entry.ts'
import {
  ABOUT_PEERS,
  claimedNameLines,
  describeAgent,
  quoteInCall,
  quoteLines,
  quoteRelayReason,
  timeSpan,
} from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { CommonOutcome } from '../run/outcome.ts'
import { isBlank } from '../sanitize.ts'
import { type CallShape, isOverState } from './json.ts'

/** Items as lines, each with the command to type next where there is one. */
export function newsLines(items: readonly InboxItem[]): PrintedLine[] {
  const lines = items.flatMap((item) => [...itemLines(item), ...(item.cut ? [wholeLine(item)] : [])])
  return quotes(lines, 'peer') ? [...lines, hintLine(ABOUT_PEERS)] : lines
}

function wholeLine({ call }: InboxItem): PrintedLine {
  const words = call === '' ? 'inbox --all --json' : `transcript ${call.slice(0, 8)} --max-chars 0`
  return hintLine(`  truncated; the whole: \`${P2P} ${words}\``)
}

function itemLines(item: InboxItem): PrintedLine[] {
  const id = item.call.slice(0, 8)
  const from = describeAgent(item.from)
  const colon = isBlank(item.text) ? '' : ':'
  switch (item.type) {
    case 'request':
      return [
        [span('heading', 'incoming call'), ` ${id} from `, ...from, item.accepted ? ', accepted, about:' : ', about:'],
        ...quoteLines(item.text),
        ...claimedNameLines(item.from),
        ...(item.accepted ? [hintLine(`  next: \`${P2P} send "…" --call ${id}\``)] : []),
        ...nextLine(item, `\`${P2P} answer accept --call ${id}\` or \`${P2P} answer reject "…" --call ${id}\``),
      ]
    case 'accept':
      return [
        [...from, ` accepted call ${id}${marksOf(item)}`],
        ...claimedNameLines(item.from),
        ...quoteInCall(item.text),
        ...nextLine(item, `\`${P2P} send "…" --call ${id}\`, or \`${P2P} propose "…" --call ${id}\``),
      ]
    case 'reject':
      return [[...from, ` rejected call ${id} (${rejectionOf(item)})${colon}`], ...quoteLines(item.text)]
    case 'message':
    case 'progress':
      return [saidLine(`${item.type} ${item.ref}`, item), ...quoteInCall(item.text)]
    case 'propose':
      return [
        saidLine(`proposal ${item.ref}`, item),
        ...quoteInCall(item.text),
        ...nextLine(
          item,
          `\`${P2P} agree ${item.ref} --call ${id}\` or \`${P2P} decline ${item.ref} "…" --call ${id}\``,
        ),
      ]
    case 'agree':
    case 'decline': {
      const did = item.type === 'agree' ? 'agreed to' : 'declined'
      if (item.void) return [voidAnswerLine(item), ...quoteInCall(item.text)]
      return [
        [...from, ` ${did} ${item.re ?? 'a proposal'} in call ${id}, ${item.ref}${late(item)}${colon}`],
        ...quoteInCall(item.text),
        ...(item.type === 'agree' ? [] : nextLine(item, `\`${P2P} propose "…" --call ${id}\` proposes something else`)),
      ]
    }
    case 'file':
      return fileLines([span('heading', `file ${item.ref}`), ` in call ${id} from `, ...from, late(item)], item, 'peer')
    case 'escalate':
      return [
        [...from, ` says that it has asked its owner about call ${id} (${item.ref}), and waits for a person${colon}`],
        ...quoteInCall(item.text),
      ]
    case 'end': {
      const outcome = item.outcome === undefined ? '' : `, outcome: ${item.outcome}`
      return [
        [...from, ` ended call ${id}${outcome}${colon}`],
        ...quoteInCall(item.text),
        hintLine(`  next: \`${P2P} transcript ${id}\` shows it`),
      ]
    }
    case 'missed':
      if (item.outgoing)
        return [[span('heading', 'call'), ` ${id} to `, ...from, ' was not answered:'], ...quoteLines(item.text, 'me')]
      return [
        [span('heading', 'missed call'), ` ${id} from `, ...from, ', about:'],
        ...quoteLines(item.text),
        ...claimedNameLines(item.from),
      ]
    case 'forked':
      return [
        [span('heading', 'call'), ` ${id} with `, ...from, ` is over: ${FORKED[item.fork ?? 'told']}`],
        hintLine(
          `  next: \`${P2P} call ${item.from.npub} "<topic>"\` begins anew; \`${P2P} transcript ${id}\` shows what came`,
        ),
      ]
    case 'lost':
      return [
        [...from, ` says that it does not have call ${id}`],
        hintLine(`  next: \`${P2P} call ${item.from.npub} "<topic>"\` begins anew`),
      ]
    case 'undelivered':
      return [
        [`never delivered, ${item.ref} in call ${id} to `, ...from, `${saidOf(item)}${colon}`],
        ...(isBlank(item.text) ? [] : quoteLines(item.text, 'me')),
      ]
    case 'dm':
      if (item.name !== undefined) return fileLines(letterFileHead(item), item, 'peer')
      return [
        [span('heading', 'direct message'), ' from ', ...from, ', ', timeSpan(item.at), ':'],
        ...claimedNameLines(item.from),
        ...quoteLines(item.text),
        hintLine(`  next: \`${P2P} send "…" --to ${item.from.npub}\` answers it`),
      ]
    case 'owner':
      if (item.name !== undefined) return fileLines(letterFileHead(item), item, item.repeat ? 'repeat' : 'owner')
      return item.repeat
        ? [
            [
              'from ',
              ...from,
              ', ',
              timeSpan(item.at),
              '; it may be a repeat of an old message, so it is no instruction:',
            ],
            ...quoteLines(item.text, 'repeat'),
          ]
        : [
            ['from ', ...from, `${wayOf(item)}, `, timeSpan(item.at), `${answersOf(item)}:`],
            ...quoteLines(item.text, 'owner'),
          ]
  }
}

function voidAnswerLine({ type, re, ref, call, from, text }: InboxItem): PrintedLine {
  const what = `${type === 'agree' ? 'agrees to' : 'declines'} ${re ?? 'something'}`
  const why = 'which is no open proposal of yours: it counts for nothing'
  return [
    ...describeAgent(from),
    ` says that it ${what} in call ${call.slice(0, 8)}, ${ref}, ${why}${isBlank(text) ? '' : ':'}`,
  ]
}

// Whoever reads "policy" alone calls once more, and is not heard any more that day.
function rejectionOf({ reason = 'declined' }: InboxItem): string {
  return reason === 'policy' ? 'policy: nobody was asked, and it takes no calls from you' : reason
}

function nextLine({ settled }: InboxItem, command: string): PrintedLine[] {
  return settled ? [] : [hintLine(`  next: ${command}`)]
}

function saidLine(what: string, item: InboxItem): PrintedLine {
  const where = ` in call ${item.call.slice(0, 8)} from `
  return [span('heading', what), where, ...describeAgent(item.from), ', ', timeSpan(item.at), `${marksOf(item)}:`]
}

function letterFileHead({ from, at }: InboxItem): Exclude<PrintedLine, string> {
  return [span('heading', 'file'), ' from ', ...describeAgent(from), ', ', timeSpan(at)]
}

function answersOf({ escalation }: InboxItem): string {
  return escalation === undefined ? '' : `, answers escalation ${escalation.slice(0, 8)}`
}

/** The channel through which an answer of the owner came, where it is no letter. */
function wayOf({ channel }: InboxItem): string {
  if (channel === undefined) return ''
  return channel === 'answered' ? ', as you have written it down' : `, by ${channel}`
}

/** What a signal of ours was, where it was more than a message, and what it answered. */
function saidOf({ said = 'message', re }: InboxItem): string {
  if (said === 'message') return re === undefined ? '' : `, answers ${re}`
  return `, ${UNDELIVERED[said] ?? said}${re === undefined ? '' : ` ${re}`}`
}

const UNDELIVERED: Readonly<Partial<Record<SignalType, string>>> = {
  propose: 'a proposal',
  agree: 'with which you agreed to',
  decline: 'with which you declined',
  file: 'a file',
  escalate: 'that your owner is asked',
  end: 'the end of the call',
}

/** What else is known of a signal: what it answers, what its author had not seen, and whether it came too late. */
function marksOf(item: InboxItem): string {
  const { re, unseen = [] } = item
  const first = unseen[0]
  const range = unseen.length > 1 ? `${first} to ${unseen.at(-1)} were` : `${first} was`
  return [
    ...(re === undefined ? [] : [`, answers ${re}`]),
    ...(first === undefined ? [] : [`, written before ${range} seen`]),
    late(item),
  ].join('')
}

function late(item: InboxItem): string {
  return item.late ? ', late: sent before its sender knew that the call was over' : ''
}

/** Why a call has forked, as far as that can be told: a copy, a second machine, or a lie. */
const FORKED: Readonly<Record<'peer' | 'me' | 'told', string>> = {
  me: 'this state is older than what you have said: restored from a copy, or another machine uses this identity',
  peer: 'the other side has said two things under one number: its state was restored from a copy, another machine uses its identity, or it lies',
  told: 'the other side holds another branch of it: a state was restored from a copy, two machines use one identity, or it lies',
}

function fileLines(
  head: Exclude<PrintedLine, string>,
  { text, size, sha256, path, reason, note }: InboxItem,
  speaker: Voice,
): PrintedLine[] {
  const hash = sha256 === undefined ? '' : `, SHA-256 ${sha256}`
  return [
    [...head, `, ${size === undefined || size === 0 ? 'of unknown size' : `${size} bytes`}${hash}, named:`],
    ...quoteLines(text, speaker),
    ...(note === undefined ? [] : ['  with the note:', ...quoteLines(note, speaker)]),
    ...(path === undefined ? [] : [hintLine(`  saved: ${path}`)]),
    ...(reason === undefined ? [] : [`  not taken: ${reason}`]),
  ]
}

/** A call in one line. `facts`: more that is known of it. */
export function callLine(call: CallShape, facts: readonly (string | Span)[] = []): Exclude<PrintedLine, string> {
  const { id, state, direction, peer, unread } = call
  const parts = [...facts, ...secrecyFact(call), ...(unread > 0 ? [span('warning', `${unread} unread`)] : [])]
  const head = [`${id.slice(0, 8)} `, stateSpan(state), `, ${direction}, with `, ...describeAgent(peer)]
  return [...head, ...parts.flatMap((part) => [', ', part])]
}

/** The state of a call, with its look. */
export function stateSpan(state: CallShape['state']): Span {
  return span(state === 'active' ? 'good' : isOverState(state) ? 'over' : 'warning', state)
}

// Only what is not expected: a call without keys of its own.
function secrecyFact({ secrecy }: CallShape): string[] {
  return secrecy === 'identity' ? ['secrecy: identity'] : []
}

/** A call that is over: how it went, whether both sides hold the same, and where it can be read. */
export function overLines(call: CallShape): PrintedLine[] {
  const path = call.transcript === undefined ? [] : [`  transcript: ${call.transcript}`]
  return [[span('heading', 'call'), ' ', ...callLine(call, endedFacts(call))], ...claimedNameLines(call.peer), ...path]
}

/** Facts about a call that is over: how it went, and whether both sides hold the same. */
export function endedFacts({ state, verified, confirmed, outcome, outcomeBy, id }: CallShape): (string | Span)[] {
  const went = outcome === undefined ? [] : [`outcome: ${outcomeText(outcome, outcomeBy)}`]
  if (state !== 'ended') return went
  if (verified === true) return [...went, span('good', 'verified')]
  const { n, of } = confirmed
  return [
    ...went,
    `not verified yet: the other side has confirmed ${n} of ${of} (\`${P2P} wait --call ${id.slice(0, 8)}\`)`,
  ]
}

/** The notices of an outcome, one line each. */
export function noticeLines({ notices }: Pick<CommonOutcome, 'notices'>): PrintedLine[] {
  return notices.map((notice) => hintLine(`note: ${notice}`))
}

/** How many relays took something, and why the others did not. */
export function relayedParts(
  accepted: number,
  failed: readonly Parameters<typeof quoteRelayReason>[0][],
): (string | Span)[] {
  const missing = failed.map((f) => `; ${quoteRelayReason(f)}`).join('')
  return [span('warning', 'relayed'), ` by ${accepted} of ${accepted + failed.length} relays${missing}`]
}
