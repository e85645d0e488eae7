// `wait`: blocks until something comes.
import { ITEM_TYPES } from '../call/inbox-items.ts'
import { EXIT, Failure } from '../errors.ts'
import { flagOption, optionalText, secondsOption } from './args.ts'
import type { Command } from './command.ts'
import { itemShape } from './json.ts'
import { newsLines } from './text.ts'

export const wait: Command<'wait'> = {
  usage: 'wait [seconds]',
  describe: 'Stay until something comes',
  example: 'p2p wait 30 --for message,file',
  positionals: { seconds: { type: 'string', describe: 'how long (60)' } },
  options: {
    follow: { type: 'boolean', describe: 'stream JSON lines until stopped' },
    for: { type: 'string', describe: 'only for these: request,accept,message,file,escalate,end' },
  },
  print: ({ follow }) => ({ stream: follow }),
  intent: (args) => {
    const types = optionalText(args, 'for')
      .split(',')
      .map((t) => t.trim())
      .filter((t) => t !== '')
    const unknown = types.find((t) => !ITEM_TYPES.some((known) => known === t))
    if (unknown !== undefined)
      throw new Failure('USAGE', EXIT.usage, `nothing is called "${unknown}"`, `--for takes ${ITEM_TYPES.join(', ')}`)
    return {
      type: 'wait',
      seconds: secondsOption(args, 'seconds', 60) ?? 60,
      for: types,
      follow: flagOption(args, 'follow'),
      call: optionalText(args, 'call') || undefined,
    }
  },
  needs: ({ seconds, for: types, call, follow }) => ({
    network: true,
    waits: { type: 'items', seconds, for: types, call, follow },
    wakes: true,
    shows: true,
    notes: ['pace', 'files'],
  }),
  text: (outcome) => newsLines(outcome.news),
  json: (outcome) => ({ new: outcome.news.map(itemShape) }),
}
