// `status`: relays, identity, calls, and what is unread.

import { ABOUT_PEERS, quoted, relaySaid } from '../call/wording.ts'
import type { Outcome } from '../run/outcome.ts'
import { cleanText } from '../sanitize.ts'
import type { Command } from './command.ts'
import { type CallShape, callShapes, itemShape } from './shapes.ts'
import { transferLines, transferShapes } from './transfers.ts'
import { callLine, newsLines } from './words.ts'

/** Characters of a topic that remind of it; the whole was told when it came. */
const MAX_TOPIC_TEXT = 200

/** Calls that are over stay in sight for a day. */
const RECENTLY_ENDED = 24 * 3600

export const status: Command = {
  usage: 'status',
  shows: true,
  describe: 'Relays, calls, and what is new',
  example: 'p2p status',
  intent: () => ({ type: 'status' }),
  text: (outcome) => {
    const calls = callsShown(outcome)
    const up = outcome.relays.filter((r) => r.ok)
    const down = outcome.relays.filter((r) => !r.ok)
    return explainPrefix([
      `you are ${outcome.me.npub}${outcome.me.name === '' ? '' : ` ("${outcome.me.name}")`}`,
      `relays: ${up.length} of ${outcome.relays.length} answered${down.map(({ url, error }) => `; ${relaySaid({ url, reason: error ?? 'no answer' })}`).join('')}`,
      ...(calls.length === 0
        ? ['no calls; `p2p list` shows whom you can call']
        : calls.flatMap((call) => callLines(call, outcome))),
      ...(outboxCount(outcome) > 0
        ? [`outbox: ${outboxCount(outcome)} not yet taken by a relay, offered again with every command`]
        : []),
      ...unaskedLines(outcome),
      ...transferLines(outcome),
      ...droppedLine(outcome),
      ...newsLines(outcome.news),
    ])
  },
  json: (outcome) => ({
    agent: outcome.me,
    relays: outcome.relays,
    calls: callsShown(outcome),
    transfers: transferShapes(outcome),
    outbox: outboxCount(outcome),
    unread: outcome.news.length,
    new: outcome.news.map(itemShape),
    dropped: outcome.state.index.dropped,
  }),
}

function callsShown(outcome: Outcome) {
  return callShapes(outcome, (call) => call.open || outcome.now - call.last < RECENTLY_ENDED).slice(0, 20)
}

// An agent that begins anew reads here what a call is about and what it can type; what is in the news is said there.
function callLines(call: CallShape, { news }: Outcome): string[] {
  const { id, state, topic, direction } = call
  const told = news.filter((item) => item.call === id).map((item) => item.type)
  const next = NEXT_COMMAND[state]
  if (next === undefined || told.includes('request')) return [`call ${callLine(call)}`]
  return [
    `call ${callLine(call)}`,
    ...quoted(cleanText(topic, MAX_TOPIC_TEXT), direction === 'outgoing' ? 'me>' : 'peer>'),
    ...(told.includes('accept') ? [] : [`  next: ${next(id.slice(0, 8))}`]),
  ]
}

const NEXT_COMMAND: Readonly<Record<string, (id: string) => string>> = {
  ringing: (id) => `\`p2p answer accept --call ${id}\` or \`p2p answer reject "…" --call ${id}\``,
  dialing: (id) => `\`p2p wait --call ${id}\` waits for the answer`,
  active: (id) => `\`p2p send "…" --call ${id}\``,
}

function explainPrefix(lines: string[]): string[] {
  const quotes = lines.some((line) => line.startsWith('  peer>'))
  return quotes && !lines.includes(ABOUT_PEERS) ? [...lines, ABOUT_PEERS] : lines
}

/** What is dropped in the ordinary course of things: the same word twice, our own copy. */
const ORDINARY_DROPS = ['duplicate', 'own-copy']

function droppedLine({ state }: Outcome): string[] {
  const counts = Object.entries(state.index.dropped).filter(([reason]) => !ORDINARY_DROPS.includes(reason))
  if (counts.length === 0) return []
  return [`dropped so far: ${counts.map(([reason, n]) => `${n} ${reason}`).join(', ')}`]
}

function outboxCount({ state }: Outcome): number {
  const letters = Object.keys(state.index.letters).length
  return Object.values(state.index.calls).reduce((sum, call) => sum + call.own.queued, letters)
}

// What the owner has been asked and does not know of.
function unaskedLines({ state }: Outcome): string[] {
  return Object.entries(state.index.appeals).flatMap(([id, { open, reached }]) => {
    const why = Object.entries(open).map(([channel, { error }]) => `${channel}: ${error}`)
    if (reached === true || why.length === 0) return []
    return [
      `escalation ${id.slice(0, 8)}: your owner is NOT told yet (${why.join('; ')}), tried again with later commands`,
    ]
  })
}
