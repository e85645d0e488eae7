// `call`: asks an agent for a conversation.

import { hintLine, type PrintedLine, span } from '../call/span.ts'
import { describeAgent } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { flagOption, stayOption, stdinFor, waitOptions, wordsArgument } from './args.ts'
import type { Command } from './command.ts'
import { callShape, itemShape, messageShape } from './json.ts'
import { newsLines, stateSpan } from './text.ts'

export const call: Command<'call'> = {
  usage: 'call <agent> <topic>',
  describe: 'Ask an agent for a conversation',
  examples: [`${P2P} call npub1… "Can you review this API?" --wait`],
  positionals: {
    agent: {
      type: 'string',
      describe: 'npub, nprofile, 64-hex, contact, name@domain, or the unique name of an agent on line',
    },
    topic: { type: 'string', describe: 'what it is about; "-" reads stdin' },
  },
  options: {
    ...waitOptions('it is answered'),
    again: { type: 'boolean', describe: 'first hang up the call to this agent that is not answered yet' },
    work: { type: 'boolean', describe: 'do the proof of work that it asks of strangers, for at most 30 s' },
  },
  input: stdinFor('topic'),
  intent: (args) => ({
    type: 'call',
    agent: wordsArgument(args, 'agent'),
    topic: wordsArgument(args, 'topic'),
    again: flagOption(args, 'again'),
    work: flagOption(args, 'work'),
    ...stayOption(args),
  }),
  needs: ({ agent, wait, settle = 0 }) => ({
    network: true,
    lookups: { agent },
    announces: 'list',
    waits: wait === undefined ? undefined : { type: 'answer', seconds: wait, settle },
    shows: true,
  }),
  text: (outcome) => {
    const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
    if (shape === undefined) return []
    const id = shape.id.slice(0, 8)
    const dialing = ['dialing', 'ringing'].includes(shape.state)
    const peer = describeAgent(shape.peer)
    const state: PrintedLine = dialing
      ? [span('heading', 'calling'), ' ', ...peer, `, call ${id}`]
      : [span('heading', 'call'), ` ${id} with `, ...peer, ' is ', stateSpan(shape.state)]
    const next = dialing ? [hintLine(`  next: \`${P2P} wait --call ${id}\` waits for the answer`)] : []
    return [state, ...(outcome.failure === undefined ? next : []), ...newsLines(outcome.news)]
  },
  json: (outcome) => ({
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    message: messageShape(outcome),
    ...(outcome.intent.wait === undefined ? {} : { new: outcome.news.map(itemShape) }),
  }),
}
