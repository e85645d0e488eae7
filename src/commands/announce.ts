// `announce`, for cron: publishes presence, sends what is owed, takes in what came; marks nothing as read.

import { countsAsUnread } from '../call/inbox-items.ts'
import { type PrintedLine, span } from '../call/span.ts'
import { quoteRelayReason } from '../call/wording.ts'
import { expandCommandName, P2P } from '../command-name.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { cleanLine } from '../sanitize.ts'
import { secondsOption } from './args.ts'
import type { Command } from './command.ts'

export const announce: Command<'announce'> = {
  usage: 'announce',
  describe: 'Say that you are on line; for cron, every 2 minutes',
  examples: [`${P2P} announce --jitter 20 --quiet`],
  options: {
    jitter: { type: 'string', describe: 'sleep for a random time first, at most that many seconds (under cron 20)' },
  },
  intent: (args) => ({ type: 'announce', jitter: secondsOption(args, 'jitter', 20) }),
  needs: ({ jitter }) => ({
    network: true,
    singleton: { jitter },
    announces: 'presence',
    downloads: 'quick',
    wakes: true,
    unattended: true,
  }),
  text: (outcome) => {
    const rest = [announceText(outcome), ...outcome.notices].map((part) => cleanLine(expandCommandName(part), MAX_PART))
    return [[...announcedParts(outcome), rest.join('; ')]]
  },
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

/** Most characters of one part of the line. All is printed in one line, since logs and cron's mails are read by the line. */
const MAX_PART = 2000

/** Whether we are announced, and on how many relays; nothing where another announce does it. */
function announcedParts({ posted, idle }: OutcomeOf<'announce'>): Exclude<PrintedLine, string> {
  if (idle !== undefined) return []
  if (posted === undefined || posted.accepted.length === 0) return [span('fault', 'NOT'), ' announced']
  const { accepted, failed, age } = posted
  const before = age === undefined ? '' : ` ${age} s ago, not due again`
  return [span('good', 'announced'), ` on ${accepted.length} of ${accepted.length + failed.length} relays${before}`]
}

function announceText({ posted, news, idle }: OutcomeOf<'announce'>): string {
  if (idle !== undefined) return idle
  const why = (posted?.failed ?? []).map((f) => `; ${quoteRelayReason(f)}`).join('')
  const unread = news.filter(countsAsUnread).length
  return `${why}; ${unread === 0 ? 'nothing unread' : `${unread} unread: \`${P2P} status\``}`
}
