// `propose`: proposes something that the other side can agree to or decline.
import { P2P } from '../command-name.ts'
import { optionalText, replyWait, stayOption, waitOptions, wordsArgument } from './args.ts'
import type { Command } from './command.ts'
import { sentLines, sentShape } from './send.ts'

export const propose: Command<'propose'> = {
  usage: 'propose <text>',
  describe: 'Propose something in the active call, for the other side to agree to or to decline; "-" reads stdin',
  examples: [`${P2P} propose "Four columns, dates as ISO 8601, by Friday"`],
  positionals: { text: { type: 'string', describe: 'what is to be agreed' } },
  options: waitOptions('the other side says something'),
  input: (args) => (optionalText(args, 'text') === '-' ? { from: 'stdin', as: 'text' } : undefined),
  intent: (args) => ({ type: 'propose', text: wordsArgument(args, 'text'), ...stayOption(args) }),
  needs: (intent) => ({ network: true, optimistic: true, shows: true, waits: replyWait(intent) }),
  text: (outcome) => sentLines(outcome, 'proposal'),
  json: sentShape,
}
