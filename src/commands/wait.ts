// `wait`: stays until something comes.

import { ITEM_TYPES } from '../call/inbox-items.ts'
import type { PrintedLine } from '../call/span.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { flagOption, optionalText, SETTLE, secondsOption, settleOption, WAIT_SECONDS } from './args.ts'
import type { Command } from './command.ts'
import { callShape, isOverState, itemShape } from './json.ts'
import { newsLines, overLines } from './text.ts'

export const wait: Command<'wait'> = {
  usage: 'wait [seconds]',
  describe: 'Stay until something comes',
  examples: [`${P2P} wait 30 --for message,file`],
  positionals: { seconds: { type: 'string', describe: `how long (${WAIT_SECONDS})` } },
  options: {
    follow: { type: 'boolean', describe: 'stream JSON lines, until stopped where no seconds are named' },
    for: {
      type: 'string',
      describe: `come back for these only, and always for escalate, end and owner: ${ITEM_TYPES.join(', ')}`,
    },
    settle: SETTLE,
  },
  print: ({ follow }) => ({ stream: follow }),
  intent: (args) => {
    const types = optionalText(args, 'for')
      .split(',')
      .map((t) => t.trim())
      .filter((t) => t !== '')
    const unknown = types.find((t) => !ITEM_TYPES.some((known) => known === t))
    if (unknown !== undefined)
      throw new Failure('USAGE', `nothing is called "${unknown}"`, `--for takes ${ITEM_TYPES.join(', ')}`)
    const follow = flagOption(args, 'follow')
    const untold = follow ? Number.POSITIVE_INFINITY : WAIT_SECONDS
    return {
      type: 'wait',
      seconds: secondsOption(args, 'seconds', untold) ?? untold,
      settle: settleOption(args),
      for: types,
      follow,
      call: optionalText(args, 'call') || undefined,
    }
  },
  needs: ({ seconds, settle = 0, for: types, call, follow }) => ({
    network: true,
    waits: { type: 'items', seconds, settle, for: types, call, follow },
    wakes: true,
    shows: true,
    notes: ['mail', 'files'],
  }),
  text: (outcome) => [...newsLines(outcome.news), ...endedLines(outcome)],
  json: (outcome) => ({
    new: outcome.news.map(itemShape),
    call: outcome.about === undefined ? undefined : callShape(outcome, outcome.about),
  }),
}

// A call that is over is shown with whether its end is confirmed. Its unread items are above.
function endedLines(outcome: OutcomeOf<'wait'>): PrintedLine[] {
  const shape = outcome.about === undefined ? undefined : callShape(outcome, outcome.about)
  return shape === undefined || !isOverState(shape.state) ? [] : overLines({ ...shape, unread: 0 })
}
