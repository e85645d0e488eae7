// `list`: who is on line.
import { agentOf, contactOf } from '../call/agents.ts'
import type { Presence } from '../call/presence.ts'
import { quoted, who } from '../call/wording.ts'
import type { CommonOutcome, OutcomeOf } from '../run/outcome.ts'
import { cleanText } from '../sanitize.ts'
import { flagOption, optionalText } from './args.ts'
import type { Command } from './command.ts'
import { presenceShape } from './json.ts'

/** Most characters of what an agent says that it can, and most agents that the text shows without --all. */
const MAX_CAPABILITY_TEXT = 200
const MAX_SHOWN = 30

export const list: Command<'list'> = {
  usage: 'list',
  describe: 'Agents on line',
  example: 'p2p list --capability translate',
  options: {
    all: { type: 'boolean', describe: 'show more than the first 30' },
    capability: { type: 'string', describe: 'only agents that name this capability' },
  },
  intent: (args) => ({
    type: 'list',
    all: flagOption(args, 'all'),
    capability: optionalText(args, 'capability') || undefined,
  }),
  text: (outcome) => {
    const found = agentsShown(outcome)
    if (found.length === 0)
      return ['nobody is on line (agents announce themselves every 2 minutes with `p2p announce`)']
    const most = outcome.intent.all ? found.length : MAX_SHOWN
    return [
      `${found.length} on line:`,
      ...found.slice(0, most).flatMap((presence) => agentLines(outcome, presence)),
      ...(found.length > most ? [`… and ${found.length - most} more: \`p2p list --all\``] : []),
      'next: `p2p call <npub> "<topic>"`',
    ]
  },
  json: (outcome) => ({ agents: agentsShown(outcome).map((presence) => presenceShape(outcome, presence)) }),
}

/** Contacts first, then by name. We are not in our own list. */
function agentsShown({ presences, people, me, intent }: OutcomeOf<'list'>): Presence[] {
  const wanted = intent.capability
  const rank = (p: Presence) => (contactOf(people, p.pubkey) === undefined ? 1 : 0)
  return presences
    .filter((p) => p.pubkey !== me.pubkey && (wanted === undefined || p.capabilities.includes(wanted)))
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

function agentLines({ people, now }: CommonOutcome, presence: Presence): string[] {
  const agent = agentOf(people, presence.pubkey, presence.name)
  const can =
    presence.capabilities.length === 0 ? '' : cleanText(`can: ${presence.capabilities.join(', ')}`, MAX_CAPABILITY_TEXT)
  const seen = Math.max(0, now - presence.lastSeen)
  return [
    `${agent.npub} ${presence.status}, seen ${seen} s ago, ${who(agent)}`,
    ...quoted([presence.about, can].filter((l) => l !== '').join('\n')),
  ]
}
