// `status`: relays, identity, calls, what is unread, and what is still on its way.

import { trustOf } from '../call/agents.ts'
import { callStatusParts } from '../call/call-status.ts'
import { isOpen, type KeptEscalation, ownerChannels, type ToldChannel } from '../call/escalation.ts'
import { countsAsUnread, type InboxItem } from '../call/inbox-items.ts'
import { command, hintLine, type PrintedLine, quotes, span } from '../call/span.ts'
import {
  ABOUT_PEERS,
  claimedNameLines,
  formatDuration,
  inQuotes,
  plain,
  quoteLines,
  quoteRelayError,
} from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { CommonOutcome } from '../run/outcome.ts'
import { cutForeign, foreign, foreignText, isBlank } from '../sanitize.ts'
import { leakySince } from '../state/canaries.ts'
import type { Command } from './command.ts'
import { countFitting, lengthOfLines } from './fit.ts'
import { type CallShape, callShapes, callStatusIn, escalationShape, isOverState, itemShape } from './json.ts'
import { callLine, newsLines, overLines } from './text.ts'
import { transferLines, transferShapes } from './transfers.ts'

/** Most characters of a topic or a question: the whole was shown when it came. */
const MAX_TOPIC_TEXT = 200

/** Most escalations that are shown one by one. */
const MAX_ESCALATIONS = 5

/** Seconds for which a call that is over is still shown. */
const RECENTLY_ENDED = 24 * 3600

/**
 * Characters that all of it may take. Agents' tools cut what a command prints at about 16,000, and what is new, which would count as
 * read, is at its end.
 */
const MAX_TEXT = 14_000

/** Most calls to show, but at least the latest `over` of those that are over; in text, as many of them as fit. */
const MAX_CALLS = { all: 20, over: 5 }

export const status: Command<'status'> = {
  usage: 'status',
  describe: 'Relays, calls, and what is new',
  examples: [`${P2P} status`],
  intent: () => ({ type: 'status' }),
  needs: () => ({ network: true, downloads: 'quick', shows: true, notes: ['mail'] }),
  text: (outcome) => {
    const { calls, total } = callsShown(outcome)
    const up = outcome.relays.filter((r) => r.ok)
    // Where none answered, the error says why.
    const told = up.length === 0 && outcome.failure !== undefined ? [] : outcome.relays.filter((r) => !r.ok)
    const above: PrintedLine[] = [
      `you are ${outcome.me.npub}${isBlank(outcome.me.name) ? '' : ` (${inQuotes(outcome.me.name, 64)})`}`,
      `relays: ${up.length} of ${outcome.relays.length} answered${told.map((relay) => `; ${quoteRelayError(relay)}`).join('')}`,
      ...leakyLines(outcome),
    ]
    const below: PrintedLine[] = [
      ...(outboxCount(outcome) > 0
        ? [`outbox: ${outboxCount(outcome)} not yet taken by a relay, offered again with every command`]
        : []),
      ...escalationLines(outcome),
      ...transferLines(outcome),
      ...droppedLine(outcome),
      ...newsLines(outcome.news),
      ...readLine(outcome),
    ]
    const each = calls.map((call) => callLines(call, calls, outcome))
    const shown = each.slice(0, countFitting(each, MAX_TEXT - lengthOfLines(above) - lengthOfLines(below)))
    const left = total - shown.length
    return explainMark([
      ...above,
      ...(calls.length === 0 ? [NO_CALLS] : shown.flat()),
      ...(left > 0 ? [[`${left} more calls: `, command(`${P2P} transcript`), ' lists all']] : []),
      ...below,
    ])
  },
  json: (outcome) => {
    const { calls, total } = callsShown(outcome)
    return {
      agent: outcome.me,
      relays: outcome.relays.map((relay) => ({ ...relay, ...leakShape(relay.url, outcome) })),
      calls,
      total,
      complete: calls.length === total,
      escalations: openEscalations(outcome).map((kept) => escalationShape(kept, outcome)),
      transfers: transferShapes(outcome),
      outbox: outboxCount(outcome),
      unread: outcome.news.filter(countsAsUnread).length,
      new: outcome.news.map(itemShape),
      dropped: outcome.state.index.dropped,
    }
  },
}

// Relays that drop messages: nobody can miss a message there that was never kept, so our own canaries are what shows it.
function leakyLines(outcome: CommonOutcome): PrintedLine[] {
  return outcome.relays.flatMap(({ url }) => {
    const { leaky } = leakShape(url, outcome)
    if (leaky === undefined) return []
    const hours = Math.max(1, Math.round((outcome.now - leaky) / 3600))
    return [
      [
        `relay ${url} has said OK to messages for ${hours} h and given none back: `,
        command(`${P2P} config set relays.inbox …`),
        ' names others',
      ],
    ]
  })
}

/** `leaky`: since when an inbox relay has given nothing back, unix seconds; absent for one that does. */
function leakShape(url: string, { state }: CommonOutcome): { leaky?: number } {
  const leaky = leakySince(state.index.relays[url])
  return leaky === undefined ? {} : { leaky }
}

/** The calls that are open or were until lately, the latest first, and how many there are in all. */
function callsShown(outcome: CommonOutcome): { calls: CallShape[]; total: number } {
  const { state, now } = outcome
  const lately = callShapes(outcome, (call) => call.open || now - call.last < RECENTLY_ENDED)
  const going = lately.filter(({ state }) => !isOverState(state)).slice(0, MAX_CALLS.all)
  const over = lately.filter(({ state }) => isOverState(state))
  const room = Math.max(MAX_CALLS.over, MAX_CALLS.all - going.length)
  const calls = [...going, ...over.slice(0, room)]
  return { calls, total: Object.keys(state.index.calls).length }
}

// An agent that begins anew reads here what a call is about and what it can type. What the news says is left out here.
function callLines(call: CallShape, all: readonly CallShape[], outcome: CommonOutcome): PrintedLine[] {
  const { id, state, topic, direction } = call
  const status = callStatusIn(outcome, id)
  if (isOverState(state)) return overLines(call)
  const told = outcome.news.filter((item) => item.call === id).map((item) => item.type)
  const outgoing = direction === 'outgoing'
  const facts = status === undefined ? [] : callStatusParts(status, outgoing, outcome.now)
  const twin = all.find((other) => other !== call && isTwin(other, call))
  const same = twin === undefined ? [] : [`the same caller as ${twin.id.slice(0, 8)}`]
  const line = [span('heading', 'call'), ' ', ...callLine(call, [...facts, ...same])]
  const next = nextCommand(call, status?.lost)
  if (told.includes('request')) return [line]
  return [
    line,
    ...claimedNameLines(call.peer),
    ...quoteLines(cutForeign(topic, MAX_TOPIC_TEXT), outgoing ? 'me' : 'peer'),
    ...(status?.progress === undefined || told.includes('progress')
      ? []
      : quoteLines(foreignText(status.progress.text, MAX_TOPIC_TEXT))),
    ...(told.includes('accept') ? [] : [hintLine(`  next: ${next}`)]),
  ]
}

/** Whether two calls ring that are from one caller. */
function isTwin(a: CallShape, b: CallShape): boolean {
  const rings = (call: CallShape) => call.state === 'ringing' && call.direction === 'incoming'
  return rings(a) && rings(b) && a.peer.pubkey === b.peer.pubkey
}

function nextCommand({ id, peer, state, direction, proposals = [] }: CallShape, lost = false): string {
  const call = `--call ${id.slice(0, 8)}`
  if (lost) return `\`${P2P} call ${peer.npub} "<topic>"\` begins anew`
  if (state === 'active') {
    const asked = proposals.find(({ from }) => from === 'peer')
    return asked === undefined
      ? `\`${P2P} send "…" ${call}\``
      : `${asked.ref} waits for \`${P2P} agree ${asked.ref} ${call}\` or \`${P2P} decline ${asked.ref} "…" ${call}\``
  }
  if (direction === 'outgoing') return `\`${P2P} wait ${call}\` waits for the answer`
  return `\`${P2P} answer accept ${call}\` or \`${P2P} answer reject "…" ${call}\``
}

const NO_CALLS: PrintedLine = [
  'no calls; ',
  command(`${P2P} list`),
  ' shows whom you can call, ',
  command(`${P2P} wait`),
  ' waits for a call',
]

function explainMark(lines: PrintedLine[]): PrintedLine[] {
  const explained = lines.some((line) => plain(line) === ABOUT_PEERS)
  return quotes(lines, 'peer') && !explained ? [...lines, hintLine(ABOUT_PEERS)] : lines
}

// Says so, since an agent that types `inbox` next would think that it was lost.
function readLine({ news, calls }: CommonOutcome): PrintedLine[] {
  if (news.length === 0) return []
  const what = news.length === 1 ? '1 item is' : `${news.length} items are`
  const isOver = ({ call }: InboxItem) => calls.some(({ id, phase }) => id === call && isOverState(phase))
  const over = news.some(isOver) ? [', ', command(`${P2P} transcript <id>`), ' a call that is over'] : []
  return [[`${what} now marked as read; `, command(`${P2P} inbox --all`), ' shows what there was', ...over]]
}

/** Reasons for which signals are dropped in the ordinary course of things: a duplicate, our own copy. */
const ORDINARY_DROPS = ['duplicate', 'own-copy']

function droppedLine({ state }: CommonOutcome): string[] {
  const counts = Object.entries(state.index.dropped).filter(([reason]) => !ORDINARY_DROPS.includes(reason))
  if (counts.length === 0) return []
  return [`dropped so far: ${counts.map(([reason, n]) => `${n} ${reason}`).join(', ')}`]
}

// What is owed to a blocked peer is not sent, and does not count.
function outboxCount({ state, people }: CommonOutcome): number {
  const isOwed = (pubkey: string) => trustOf(people, pubkey) !== 'blocked'
  const letters = Object.values(state.index.outgoingLetters).filter(({ to }) => isOwed(to)).length
  const calls = Object.values(state.index.calls).filter(({ peer }) => isOwed(peer))
  return calls.reduce((sum, call) => sum + call.own.queued, letters)
}

/** The questions that the owner has not answered, the latest first. */
function openEscalations({ state }: CommonOutcome): KeptEscalation[] {
  return Object.values(state.index.escalations)
    .filter(isOpen)
    .reverse()
    .sort((a, b) => b.escalation.at - a.escalation.at)
}

// "Open ones stand in `status` with their age, also after the call."
function escalationLines(outcome: CommonOutcome): PrintedLine[] {
  const open = openEscalations(outcome)
  const lines = open.slice(0, MAX_ESCALATIONS).flatMap((kept): PrintedLine[] => {
    const { id, text, call, at, channels } = escalationShape(kept, outcome)
    const short = id.slice(0, 8)
    const where = call === '' ? '' : `, in call ${call.slice(0, 8)}`
    const age = `open for ${formatDuration(outcome.now - at)}`
    return [
      [`escalation ${short}, ${age}${where}: `, ...toldParts(channels)],
      ...quoteLines(cutForeign(text, MAX_TOPIC_TEXT), 'me'),
      hintLine(
        `  next: \`${P2P} wait --for owner\`; \`${P2P} escalate --answered "…" --id ${short}\` writes down what your owner says elsewhere`,
      ),
    ]
  })
  const more = open.length - MAX_ESCALATIONS
  return more > 0
    ? [...lines, [`${more} more escalations are open: `, command(`${P2P} status --json`), ' lists all']]
    : lines
}

/** Whether the owner was told of a question, and through which channels. */
function toldParts(channels: readonly ToldChannel[]): Exclude<PrintedLine, string> {
  const owner = ownerChannels(channels)
  const told = owner.filter(({ ok }) => ok).map(({ channel }) => channel)
  if (told.length > 0) return [`your owner was told by ${told.join(', ')} and has not answered`]
  if (owner.length === 0)
    return ['your owner was ', span('fault', 'NOT'), ' told: no channel is configured; ask in your own conversation']
  // The line about the outbox covers the direct message.
  const others = owner.filter(({ channel }) => channel !== 'nostr')
  const why = (others.length > 0 ? others : owner).map(
    ({ channel, error }) => `${channel}: ${inQuotes(error ?? foreign`failed`, 200)}`,
  )
  return ['your owner is ', span('fault', 'NOT'), ` told yet (${why.join('; ')}), tried again with later commands`]
}
