// `answer accept` and `answer reject`: answers the call that rings.

import { hintLine, type PrintedLine } from '../call/span.ts'
import { describeAgent } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { optionalText, replyWait, spokenText, stayOption, stdinFor, waitOptions } from './args.ts'
import type { Command } from './command.ts'
import { callShape, itemShape, messageShape } from './json.ts'
import { newsLines } from './text.ts'

export const answer: Command<'answer'> = {
  usage: 'answer <decision> [text]',
  describe: 'Accept or reject the incoming call',
  examples: [`${P2P} answer accept`, `${P2P} answer reject "I'm busy right now"`],
  positionals: {
    decision: { type: 'string', choices: ['accept', 'reject'], describe: 'what to answer' },
    text: { type: 'string', describe: 'a greeting, or the reason; "-" reads stdin' },
  },
  options: waitOptions('the other side says something'),
  input: stdinFor('text'),
  intent: (args) => {
    const decision = optionalText(args, 'decision')
    if (decision !== 'accept' && decision !== 'reject') {
      throw new Failure(
        'USAGE',
        `a call is answered with accept or reject, not "${decision}"`,
        `\`${P2P} answer accept\` or \`${P2P} answer reject "…"\``,
      )
    }
    return { type: 'answer', accept: decision === 'accept', text: spokenText(args, 'text'), ...stayOption(args) }
  },
  needs: (intent) => ({
    network: true,
    announces: 'list',
    waits: intent.accept ? replyWait(intent) : undefined,
    shows: intent.wait !== undefined,
  }),
  text: (outcome) => {
    const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
    if (shape === undefined) return []
    const id = shape.id.slice(0, 8)
    if (!outcome.intent.accept) return [[`rejected call ${id} from `, ...describeAgent(shape.peer)]]
    const accepted: PrintedLine = [`accepted call ${id} from `, ...describeAgent(shape.peer)]
    if (outcome.intent.wait !== undefined) return [accepted, ...newsLines(outcome.news)]
    return [
      accepted,
      hintLine(
        `  next: \`${P2P} send "…" --call ${id}\`, or \`${P2P} wait --call ${id}\` waits until the other side speaks`,
      ),
    ]
  },
  json: (outcome) => ({
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    message: messageShape(outcome),
    ...(outcome.intent.wait === undefined ? {} : { new: outcome.news.map(itemShape) }),
  }),
}
