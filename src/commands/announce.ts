// `announce`: for cron. Presence, what is owed, what came in; marks nothing read.

import { countsAsUnread } from '../call/inbox-items.ts'
import { relayReason } from '../call/wording.ts'
import { P2P, spellOut } from '../command-name.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { cleanLine } from '../sanitize.ts'
import { secondsOption } from './args.ts'
import type { Command } from './command.ts'

export const announce: Command<'announce'> = {
  usage: 'announce',
  describe: 'Say that you are on line; for cron, every 2 minutes',
  example: 'p2p announce --jitter 20 --quiet',
  options: {
    jitter: { type: 'string', describe: 'sleep for a random time first, at most that many seconds (under cron 20)' },
  },
  intent: (args) => ({ type: 'announce', jitter: secondsOption(args, 'jitter', 20) }),
  needs: ({ jitter }) => ({
    network: true,
    alone: { jitter },
    goesOnline: 'presence',
    downloads: 'quick',
    wakes: true,
    unattended: true,
  }),
  text: (outcome) => [
    [announceLine(outcome), ...outcome.notices].map((part) => cleanLine(spellOut(part), MAX_ERROR_TEXT)).join('; '),
  ],
  notices: 'within',
  json: ({ posted, received, idle }) => ({
    presence: {
      expires: posted?.expires ?? 0,
      relays: { accepted: posted?.accepted ?? [], failed: posted?.failed ?? [] },
      ...(posted?.age === undefined ? {} : { age: posted.age }),
    },
    received,
    ...(idle === undefined ? {} : { idle }),
  }),
}

/** Characters of one part of the line: logs and cron's mails are read by the line. */
const MAX_ERROR_TEXT = 2000

function announceLine({ posted, news, idle }: OutcomeOf<'announce'>): string {
  if (idle !== undefined) return idle
  const taken = posted?.accepted.length ?? 0
  const failed = posted?.failed ?? []
  const before = posted?.age === undefined ? '' : ` ${posted.age} s ago, not due again`
  const on = taken === 0 ? 'NOT announced' : `announced on ${taken} of ${taken + failed.length} relays${before}`
  const why = failed.map((f) => `; ${relayReason(f)}`).join('')
  const unread = news.filter(countsAsUnread).length
  return `${on}${why}; ${unread === 0 ? 'nothing unread' : `${unread} unread: \`${P2P} status\``}`
}
