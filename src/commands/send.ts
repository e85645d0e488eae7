// `send`: a message in the active call; with --to, a letter outside of calls.

import { parseRef } from '../call/ref.ts'
import { hintLine, type PrintedLine, span } from '../call/span.ts'
import { describeAgent } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { CommonOutcome, OutcomeOf, SpokenOutcome } from '../run/outcome.ts'
import { deliveryOf } from '../state/outbox.ts'
import { flagOption, optionalText, replyWait, stayOption, stdinFor, waitOptions, wordsArgument } from './args.ts'
import type { Args, Command } from './command.ts'
import { answeredRef, callShape, itemShape, messageShape } from './json.ts'
import { newsLines, relayedParts } from './text.ts'

export const send: Command<'send'> = {
  usage: 'send <text>',
  describe: 'Say something in the active call, or write to an agent; "-" reads stdin',
  examples: [
    `${P2P} send "Is v2 final?" --wait`,
    `${P2P} send "It is." --re peer/5`,
    `${P2P} send "Thank you." --to npub1…`,
  ],
  positionals: { text: { type: 'string', describe: 'what to say' } },
  options: {
    to: {
      type: 'string',
      describe: 'write a letter outside of calls, which any NIP-17 client shows, to: npub, contact, name@domain …',
    },
    re: { type: 'string', describe: 'which item it answers: peer/5 or me/3, as it was shown' },
    progress: { type: 'boolean', describe: 'say how far the work is; wakes nobody on the other side' },
    work: { type: 'boolean', describe: 'with --to: do the proof of work that is asked for, for at most 30 s' },
    ...waitOptions('the other side says something'),
  },
  input: stdinFor('text'),
  intent: (args) => ({
    type: 'send',
    text: wordsArgument(args, 'text'),
    ...stayOption(args),
    to: receiverOption(args),
    re: refOption(args),
    progress: flagOption(args, 'progress'),
    work: flagOption(args, 'work'),
  }),
  needs: (intent) =>
    intent.to === undefined
      ? { network: true, optimistic: true, waits: replyWait(intent), shows: true, notes: ['mail'] }
      : { network: true, lookups: { agent: intent.to }, announces: 'list', shows: true },
  text: (outcome) =>
    outcome.intent.to === undefined
      ? sentLines(outcome, outcome.intent.progress ? 'progress' : 'message')
      : [...letterLines(outcome), ...newsLines(outcome.news)],
  json: (outcome) =>
    outcome.intent.to === undefined
      ? sentShape(outcome)
      : { letter: letterShape(outcome), new: outcome.news.map(itemShape) },
}

function receiverOption(args: Args): string | undefined {
  if (args.to === undefined) return undefined
  const to = optionalText(args, 'to').trim()
  const other = ['re', 'progress', 'wait', 'call'].find((name) => args[name] !== undefined && args[name] !== false)
  if (to !== '' && other === undefined) return to
  const wrong = to === '' ? '--to names nobody' : `--to writes outside of calls, and --${other} is about one`
  throw new Failure('USAGE', wrong, `\`${P2P} send "…" --to <agent>\`, or \`${P2P} send "…"\` in a call`)
}

function letterLines({ letter }: OutcomeOf<'send'>): PrintedLine[] {
  if (letter === undefined) return []
  const { to, accepted, failed } = letter
  const head = [span('heading', 'letter'), ' to ', ...describeAgent(to)]
  if (accepted.length === 0)
    return [[...head, ' is ', span('warning', 'queued'), ': it is on disk and goes out with the next command']]
  return [
    [...head, ': ', ...relayedParts(accepted.length, failed)],
    hintLine(
      `  next: \`${P2P} wait --for dm,owner\` waits until a letter comes; \`${P2P} transcript --with ${to.npub}\` shows what you wrote to each other`,
    ),
  ]
}

function letterShape({ letter }: OutcomeOf<'send'>): Record<string, unknown> | undefined {
  if (letter === undefined) return undefined
  const { id, to, accepted, failed } = letter
  return { id, to, state: accepted.length > 0 ? 'relayed' : 'queued', relays: { accepted, failed } }
}

function refOption(args: Args): string | undefined {
  const text = optionalText(args, 're').trim()
  if (args.re === undefined || parseRef(text) !== undefined) return text || undefined
  const hint = `for example \`${P2P} send "…" --re peer/5\`: what is in front of a message is its ref`
  throw new Failure('USAGE', `--re takes a ref like peer/5 or me/3, not "${text.slice(0, 40)}"`, hint)
}

type Sent = CommonOutcome & SpokenOutcome

/** What was said and what became of it, then what is new. `what`: what it is called, for a sentence. */
export function sentLines(outcome: Sent & { intent: object }, what: string): PrintedLine[] {
  const { intent, news, failure } = outcome
  const waited = 'wait' in intent && intent.wait !== undefined
  // After `progress` no wait is suggested: the agent goes on with its work.
  const next = what !== 'progress' && !waited && news.length === 0 && failure === undefined
  return [...deliveryLines(outcome, what, next), ...newsLines(news)]
}

/** The same as fields of --json. */
export function sentShape(outcome: Sent): Record<string, unknown> {
  return {
    message: messageShape(outcome),
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    new: outcome.news.map(itemShape),
  }
}

/**
 * What became of what was said. It is never called "sent" before a relay has taken it.
 * @param next whether to name the command that waits for an answer
 */
function deliveryLines(outcome: Sent, what: string, next: boolean): PrintedLine[] {
  const { said, parts, state, call } = outcome
  const log = said === undefined ? undefined : state.logs[said.call]
  const shape = call === undefined ? undefined : callShape(outcome, call.id)
  if (said === undefined || log === undefined || shape === undefined) return []
  const ids = parts.map((p) => p.rumor.id)
  const { state: delivery, accepted, failed } = deliveryOf(log, ids)
  const re = answeredRef(outcome)
  const answers = re === undefined ? '' : `, answers ${re}`
  const head = [span('heading', `${what} me/${said.seq}`), ' to ', ...describeAgent(shape.peer), answers]
  if (delivery === 'queued')
    return [[...head, ' is ', span('warning', 'queued'), ': it is on disk and goes out with the next command']]
  const how = delivery === 'relayed' ? relayedParts(accepted.length, failed) : [span('good', delivery)]
  const id = shape.id.slice(0, 8)
  // After an agreement somebody has work to do, and must not wait for the other side.
  const work = what === 'agreement' ? `\`${P2P} sendfile <path> --call ${id}\` hands the work over, ` : ''
  return [
    [...head, ': ', ...how],
    ...(next ? [hintLine(`  next: ${work}\`${P2P} wait --call ${id}\` waits until the other side speaks`)] : []),
  ]
}
