// `escalate`: tells the peer and the owner that a person is needed.

import { inQuotes } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { optionalText, wordsArgument } from './args.ts'
import type { Command } from './command.ts'

export const escalate: Command<'escalate'> = {
  usage: 'escalate <text>',
  describe: 'Ask your owner, and tell the other side that you do; "-" reads stdin',
  example: 'p2p escalate "They want to see the contract. May I?"',
  positionals: { text: { type: 'string', describe: 'what you need a person for' } },
  input: (args) => (optionalText(args, 'text') === '-' ? { from: 'stdin', as: 'text' } : undefined),
  intent: (args) => ({ type: 'escalate', text: wordsArgument(args, 'text') }),
  needs: () => ({ network: true, lookups: 'owner' }),
  text: escalationLines,
  json: ({ escalation }) => ({ escalation }),
}

const CHANNEL_NAMES: Record<string, string> = {
  peer: 'the other side',
  nostr: 'owner, on Nostr',
  log: 'escalations.jsonl',
}

function escalationLines({ escalation, failure }: OutcomeOf<'escalate'>): string[] {
  const channels = escalation?.channels ?? []
  const list = channels.map(({ channel, ok, error }) => {
    const done = channel === 'log' ? 'written' : 'told'
    return `${CHANNEL_NAMES[channel] ?? `owner, by ${channel}`}: ${ok ? done : `failed (${error === undefined ? 'no reason given' : inQuotes(error, 200)})`}`
  })
  // Then the error says it all.
  if (escalation === undefined || failure !== undefined) return list
  const owner = channels.filter((c) => c.channel !== 'peer' && c.channel !== 'log')
  if (owner.some((c) => c.ok && c.channel === 'nostr'))
    return [...list, `  next: \`${P2P} wait\` until the answer comes`]
  if (owner.some((c) => c.ok))
    return [
      ...list,
      `it answers where it usually writes to you; with owner.npub set, its answer also ends \`${P2P} wait\``,
    ]
  if (owner.length > 0)
    return [
      ...list,
      `your owner was NOT told yet: it is kept and tried again with the next command, as \`${P2P} status\``,
    ]
  return [
    ...list,
    'your owner was NOT told: no channel to it is configured, only the other side knows that you need a person',
    `  next: \`${P2P} config set owner.npub <npub>\`, or owner.webhook, owner.openclaw.target, owner.command`,
  ]
}
