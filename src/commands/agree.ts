// `agree` and `decline`: the answer to a proposal of the other side.

import { parseRef } from '../call/ref.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { replyWait, spokenText, stayOption, stdinFor, waitOptions } from './args.ts'
import type { Args, Command } from './command.ts'
import { sentLines, sentShape } from './send.ts'

const POSITIONALS = {
  ref: { type: 'string', describe: 'the proposal, as it was shown: peer/5' },
  text: { type: 'string', describe: 'a word on it; "-" reads stdin' },
} as const

export const agree: Command<'agree'> = {
  usage: 'agree [ref] [text]',
  describe: 'Agree to a proposal of the other side: the one that is named, or the only one that is open and was shown',
  examples: [`${P2P} agree`, `${P2P} agree peer/5 "by Friday noon"`],
  positionals: POSITIONALS,
  options: waitOptions('the other side says something'),
  input: stdinFor('ref', 'text'),
  intent: (args) => ({ type: 'agree', ...answerIn('agree', args), ...stayOption(args) }),
  // Not optimistic: the proposal that it answers may be only about to come in.
  needs: (intent) => ({ network: true, shows: true, waits: replyWait(intent) }),
  text: (outcome) => sentLines(outcome, 'agreement'),
  json: sentShape,
}

export const decline: Command<'decline'> = {
  usage: 'decline [ref] [text]',
  describe: 'Decline a proposal of the other side: the one that is named, or the only one that is open and was shown',
  examples: [`${P2P} decline "not before Monday"`, `${P2P} decline peer/5`],
  positionals: POSITIONALS,
  options: waitOptions('the other side says something'),
  input: stdinFor('ref', 'text'),
  intent: (args) => ({ type: 'decline', ...answerIn('decline', args), ...stayOption(args) }),
  // Not optimistic: the proposal that it answers may be only about to come in.
  needs: (intent) => ({ network: true, shows: true, waits: replyWait(intent) }),
  text: (outcome) => sentLines(outcome, 'decline'),
  json: sentShape,
}

// The ref may be left out: then the first word is the text.
function answerIn(verb: string, args: Args): { ref: string | undefined; text: string } {
  const [first, second] = [spokenText(args, 'ref').trim(), spokenText(args, 'text')]
  if (parseRef(first) !== undefined) return { ref: first, text: second }
  if (second === '') return { ref: undefined, text: first }
  throw new Failure(
    'USAGE',
    `"${first.slice(0, 40)}" names no proposal`,
    `type the ref as it was shown, then what you say to it: \`${P2P} ${verb} peer/5 "…"\``,
  )
}
