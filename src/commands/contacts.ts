// `contacts`: petnames and trust.

import { agentOf } from '../call/agents.ts'
import { command, type PrintedLine } from '../call/span.ts'
import { describeAgent } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { optionalText, wordsArgument } from './args.ts'
import type { Command } from './command.ts'

const ACTIONS = ['list', 'add', 'remove', 'trust', 'block', 'unblock'] as const

export const contacts: Command<'contacts'> = {
  usage: 'contacts [action] [agent] [petname]',
  describe: 'Whom you know, by the names that you give them',
  examples: [`${P2P} contacts add npub1… bob`],
  positionals: {
    action: { type: 'string', choices: ACTIONS, describe: 'what to do' },
    agent: { type: 'string', describe: 'npub, 64-hex, petname, or the id of a call with it' },
    petname: { type: 'string', describe: 'the name that you give it' },
  },
  intent: (args) => {
    const action = ACTIONS.find((a) => a === (optionalText(args, 'action') || 'list'))
    if (action === undefined)
      throw new Failure('USAGE', `contacts cannot "${optionalText(args, 'action')}"`, ACTIONS.join(', '))
    if (action === 'list') return { type: 'contacts', action, agent: '', petname: '' }
    return {
      type: 'contacts',
      action,
      agent: wordsArgument(args, 'agent'),
      petname: optionalText(args, 'petname').trim(),
    }
  },
  needs: () => ({}),
  text: (outcome) =>
    outcome.contacts.length === 0
      ? [['no contacts; ', command(`${P2P} contacts add <npub> <name>`)]]
      : contactAgents(outcome).map((agent): PrintedLine => [...describeAgent(agent), ` ${agent.npub}`]),
  json: (outcome) => ({ contacts: contactAgents(outcome) }),
}

function contactAgents({ contacts: held, people }: OutcomeOf<'contacts'>) {
  return held.map((c) => ({ ...agentOf({ ...people, contacts: held }, c.pubkey) }))
}
