// `inbox`: what is new.

import { fitItems } from '../call/inbox-items.ts'
import { command } from '../call/span.ts'
import { isUnheard } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { flagOption } from './args.ts'
import type { Command } from './command.ts'
import { itemShape } from './json.ts'
import { newsLines } from './text.ts'

export const inbox: Command<'inbox'> = {
  usage: 'inbox',
  describe: 'What is new',
  examples: [`${P2P} inbox --peek`],
  options: {
    peek: { type: 'boolean', describe: 'leave it unread' },
    all: { type: 'boolean', describe: 'also what was read before, in the calls that are open' },
    deep: { type: 'boolean', describe: 'ask the relays for the last 7 days again' },
  },
  intent: (args) => ({
    type: 'inbox',
    peek: flagOption(args, 'peek'),
    all: flagOption(args, 'all'),
    deep: flagOption(args, 'deep'),
  }),
  needs: ({ peek, all, deep }) => ({
    network: true,
    deep,
    archives: all,
    downloads: 'patient',
    shows: !peek,
    notes: ['mail', 'files'],
  }),
  text: (outcome) => {
    const { items } = outcome
    const fit = fitItems(items)
    const left = items.length - fit.length
    if (items.length === 0) return [isUnheard(outcome.relays) ? 'nothing is known to be new' : 'nothing new']
    return [
      ...newsLines(fit),
      ...(left === 0 ? [] : [[`… and ${left} more: `, command(`${P2P} inbox --all --json`), ' has all of them']]),
    ]
  },
  json: ({ items }) => ({ new: items.map(itemShape) }),
}
