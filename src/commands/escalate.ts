// `escalate`: tells the peer and the owner that a person is needed.
import { optional, words } from './args.ts'
import type { Command } from './command.ts'

export const escalate: Command = {
  usage: 'escalate <text>',
  describe: 'Ask your owner, and tell the other side that you do; "-" reads stdin',
  example: 'p2p escalate "They want to see the contract. May I?"',
  positionals: { text: { type: 'string', describe: 'what you need a person for' } },
  input: (args) => (optional(args, 'text') === '-' ? { from: 'stdin' } : undefined),
  intent: (args) => ({ type: 'escalate', text: words(args, 'text') }),
  text: ({ escalation }) => {
    const channels = escalation?.channels ?? []
    const lines = channels.map((c) => `${c.channel}: ${c.ok ? 'told' : `failed (${c.error ?? 'no reason given'})`}`)
    const owner = channels.some((c) => c.ok && c.channel !== 'peer' && c.channel !== 'log')
    if (escalation === undefined) return []
    return [
      ...lines,
      owner
        ? '  next: `p2p wait` until an answer comes'
        : 'your owner was NOT told; `p2p config set owner.command \'["program"]\'` names a program to tell it with',
    ]
  },
  json: ({ escalation }) => ({ escalation }),
}
