// `send`: a message in the active call.

import { relaySaid, who } from '../call/wording.ts'
import type { CommonOutcome, SpokenOutcome } from '../run/outcome.ts'
import { deliveryOf } from '../state/outbox.ts'
import { optionalText, secondsOption, wordsArgument } from './args.ts'
import type { Command } from './command.ts'
import { callShape, itemShape, messageShape } from './json.ts'
import { newsLines } from './text.ts'

export const send: Command<'send'> = {
  usage: 'send <text>',
  describe: 'Say something in the active call; "-" reads stdin',
  example: 'p2p send "Is v2 final?" --wait 30',
  positionals: { text: { type: 'string', describe: 'what to say' } },
  options: {
    wait: { type: 'string', describe: 'stay until the other side says something, for that many seconds (60)' },
  },
  input: (args) => (optionalText(args, 'text') === '-' ? { from: 'stdin', as: 'text' } : undefined),
  intent: (args) => ({ type: 'send', text: wordsArgument(args, 'text'), wait: secondsOption(args, 'wait', 60) }),
  needs: ({ wait }) => ({
    network: true,
    optimistic: true,
    waits: wait === undefined ? undefined : { type: 'reply', seconds: wait },
    shows: true,
    notes: ['pace'],
  }),
  text: (outcome) => [
    ...sentLines(outcome, outcome.intent.wait === undefined && outcome.news.length === 0),
    ...newsLines(outcome.news),
  ],
  json: (outcome) => ({
    message: messageShape(outcome),
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    new: outcome.news.map(itemShape),
  }),
}

/**
 * What became of what was said: never "sent" for less than a relay's word.
 * @param next whether to name the command that waits for an answer
 */
export function sentLines(outcome: CommonOutcome & SpokenOutcome, next: boolean): string[] {
  const { said, parts, state, call } = outcome
  const log = said === undefined ? undefined : state.logs[said.call]
  const shape = call === undefined ? undefined : callShape(outcome, call.id)
  if (said === undefined || log === undefined || shape === undefined) return []
  const {
    state: delivery,
    accepted,
    failed,
  } = deliveryOf(
    log,
    parts.map((p) => p.rumor.id),
  )
  const missing = failed.map((f) => `; ${relaySaid(f)}`).join('')
  const on = accepted.length + failed.length
  if (delivery === 'queued')
    return [`message me/${said.seq} to ${who(shape.peer)} is queued: it is on disk and goes out with the next command`]
  const how = delivery === 'relayed' ? `relayed by ${accepted.length} of ${on} relays${missing}` : delivery
  return [
    `message me/${said.seq} to ${who(shape.peer)}: ${how}`,
    ...(next ? [`  next: \`p2p wait --call ${shape.id.slice(0, 8)}\` until the other side speaks`] : []),
  ]
}
