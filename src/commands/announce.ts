// `announce`: for cron. Presence, what is owed, what came in; marks nothing read.
import type { Outcome } from '../run/outcome.ts'
import type { Command } from './command.ts'

export const announce: Command = {
  usage: 'announce',
  describe: 'Say that you are on line; for cron, every 2 minutes',
  example: '*/2 * * * * p2p announce --quiet',
  intent: () => ({ type: 'announce' }),
  text: (outcome) => [line(outcome)],
  json: ({ posted, received }) => ({
    presence: {
      expires: posted?.expires ?? 0,
      relays: { accepted: posted?.accepted ?? [], failed: posted?.failed ?? [] },
    },
    received,
  }),
}

function line({ posted, news }: Outcome): string {
  const taken = posted?.accepted.length ?? 0
  const failed = posted?.failed ?? []
  const on = taken === 0 ? 'NOT announced' : `announced on ${taken} of ${taken + failed.length} relays`
  const why = failed.map((f) => `; ${f.url}: ${f.reason}`).join('')
  return `${on}${why}; ${news.length === 0 ? 'nothing unread' : `${news.length} unread: \`p2p status\``}`
}
