// `propose`: proposes something that the other side can agree to or decline.
import { quoteLines } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { foreignText } from '../sanitize.ts'
import { replyWait, stayOption, stdinFor, waitOptions, wordsArgument } from './args.ts'
import type { Command } from './command.ts'
import { sentLines, sentShape } from './send.ts'

export const propose: Command<'propose'> = {
  usage: 'propose <text>',
  describe: 'Propose something in the active call, for the other side to agree to or to decline; "-" reads stdin',
  examples: [`${P2P} propose "Four columns, dates as ISO 8601, by Friday"`],
  positionals: { text: { type: 'string', describe: 'what is to be agreed' } },
  options: waitOptions('the other side says something'),
  input: stdinFor('text'),
  intent: (args) => ({ type: 'propose', text: wordsArgument(args, 'text'), ...stayOption(args) }),
  needs: (intent) => ({ network: true, optimistic: true, shows: true, waits: replyWait(intent) }),
  text: (outcome) => {
    const lines = sentLines(outcome, 'proposal')
    // A shell may have changed "$100", and another sum would be agreed to.
    const words = outcome.said === undefined ? [] : quoteLines(foreignText(outcome.intent.text, MAX_SHOWN), 'me')
    return [...lines.slice(0, 1), ...words, ...lines.slice(1)]
  },
  json: sentShape,
}

/** Most characters of a proposal that its own author is shown. */
const MAX_SHOWN = 500
