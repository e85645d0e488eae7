// `escalate`: asks the owner, and tells the other side that it is asked; `--answered` writes down what the owner said elsewhere.

import { ownerChannels } from '../call/escalation.ts'
import type { IntentOf } from '../call/intent.ts'
import { LIMIT } from '../call/signal.ts'
import { command, hintLine, type PrintedLine, span } from '../call/span.ts'
import { inQuotes } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { isBlank } from '../sanitize.ts'
import { optionalText, stayOption, stdinFor, waitOptions, wordsArgument } from './args.ts'
import type { Args, Command } from './command.ts'
import { type EscalationShape, escalationShape, itemShape } from './json.ts'
import { newsLines } from './text.ts'

export const escalate: Command<'escalate'> = {
  usage: 'escalate [text]',
  describe: 'Ask your owner; the other side learns that you ask, not what. "-" reads stdin',
  examples: [
    `${P2P} escalate "May I sign for 400 EUR?" --tell "I may not sign without my owner" --wait`,
    `${P2P} escalate --answered "Yes, up to 500"`,
  ],
  positionals: { text: { type: 'string', describe: 'what you need a person for: the other side does not get it' } },
  options: {
    tell: { type: 'string', describe: 'what the other side may know of it' },
    ...waitOptions('your owner has answered'),
    answered: { type: 'string', describe: 'ask nobody: write down what your owner has said elsewhere' },
    id: { type: 'string', describe: 'which question that answers, where several are open: 8 characters of its id' },
  },
  input: stdinFor('text', 'answered'),
  intent: (args) => (args.answered === undefined ? questionIn(args) : answerIn(args)),
  needs: ({ answered, wait, settle = 0 }) =>
    answered === undefined
      ? {
          network: true,
          lookups: 'owner',
          shows: true,
          waits: wait === undefined ? undefined : { type: 'owner', seconds: wait, settle },
        }
      : {},
  text: (outcome) => {
    const { escalation, intent } = outcome
    if (escalation === undefined) return []
    const shape = escalationShape(escalation, outcome)
    return intent.answered === undefined
      ? [...askedLines(shape, outcome), ...newsLines(outcome.news)]
      : [`escalation ${shape.id.slice(0, 8)} is answered, as you have written it down`]
  },
  json: (outcome) => ({
    escalation: outcome.escalation === undefined ? undefined : escalationShape(outcome.escalation, outcome),
    ...(outcome.intent.answered === undefined ? { new: outcome.news.map(itemShape) } : {}),
  }),
}

function questionIn(args: Args): IntentOf<'escalate'> {
  if (args.id !== undefined)
    throw new Failure('USAGE', '--id goes with --answered', `\`${P2P} escalate --answered "…" --id 1a2b3c4d\``)
  const tell = optionalText(args, 'tell').trim()
  if (tell.length > LIMIT.note) {
    const message = `--tell has at most ${LIMIT.note} characters, this one has ${tell.length}`
    throw new Failure('TEXT_TOO_LONG', message, `\`${P2P} send "…"\` says more to the other side`)
  }
  return { type: 'escalate', text: wordsArgument(args, 'text'), ...(tell === '' ? {} : { tell }), ...stayOption(args) }
}

function answerIn(args: Args): IntentOf<'escalate'> {
  if (args.text !== undefined || args.tell !== undefined || args.wait !== undefined) {
    const message = '--answered asks nothing: no text, --tell or --wait goes with it'
    throw new Failure('USAGE', message, `\`${P2P} escalate --answered "…" --id 1a2b3c4d\``)
  }
  return {
    type: 'escalate',
    text: '',
    answered: { text: wordsArgument(args, 'answered'), id: optionalText(args, 'id').trim() || undefined },
    wait: undefined,
  }
}

const CHANNEL_NAMES: Record<string, string> = { nostr: 'owner, on Nostr', log: 'escalations.jsonl' }

function askedLines(shape: EscalationShape, { failure, intent, people }: OutcomeOf<'escalate'>): PrintedLine[] {
  const { channels, state, told } = shape
  const id = shape.id.slice(0, 8)
  const list = channels.map(({ channel, ok, error }): PrintedLine => {
    const name = channel === 'peer' ? 'the other side' : (CHANNEL_NAMES[channel] ?? `owner, by ${channel}`)
    const learned =
      channel === 'peer'
        ? `told that your owner is asked${isBlank(told) ? ', not what' : ' and what --tell says, not what you ask'}`
        : channel === 'log'
          ? 'written'
          : 'told'
    const why = error === undefined ? 'no reason given' : inQuotes(error, 200)
    return [`${name}: `, ...(ok ? [learned] : [span('fault', 'failed'), ` (${why})`])]
  })
  const head: PrintedLine = [
    span('heading', 'escalation'),
    ` ${id} is `,
    span(state === 'open' ? 'warning' : 'good', state),
  ]
  const owner = ownerChannels(channels)
  const waiting = intent.wait === undefined && state === 'open'
  // Where the command has failed, the error says what is missing and what to type.
  if (state === 'answered' || failure !== undefined) return [head, ...list]
  const answered = `${P2P} escalate --answered "…" --id ${id}`
  const elsewhere = 'writes down what your owner says elsewhere'
  const next = waiting
    ? [hintLine(`  next: \`${P2P} wait --for owner\` waits until the answer comes; \`${answered}\` ${elsewhere}`)]
    : []
  // With owner.npub set the answer comes as a direct message, even if ours is still to go out.
  if (people.owner !== undefined) return [head, ...list, ...next]
  return [head, ...list, [`${answersBy(owner.filter((c) => c.ok))}, then `, command(answered)]]
}

/** How the answer comes where no direct message went out. */
function answersBy(told: readonly { channel: string }[]): string {
  const programs = told.filter(({ channel }) => channel !== 'openclaw').map(({ channel }) => channel)
  const unless = programs.length === 0 ? '' : ` unless the ${programs.join(' or the ')} itself replies {"answer": "…"}`
  return `owner.npub is not set: the answer will not come through p2p${unless}; ask in your own conversation`
}
