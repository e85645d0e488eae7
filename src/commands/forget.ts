// `forget`: deletes what is kept of a call that is over, and names what was deleted.
import { span } from '../call/span.ts'
import { P2P } from '../command-name.ts'
import { flagOption, wordsArgument } from './args.ts'
import type { Command } from './command.ts'

export const forget: Command<'forget'> = {
  usage: 'forget <call-id>',
  describe: 'Delete what is kept of a call that is over',
  examples: [`${P2P} forget 1a2b3c4d --files`],
  positionals: { 'call-id': { type: 'string', describe: '8 characters of its id will do' } },
  options: { files: { type: 'boolean', describe: 'also the files that were received in it' } },
  intent: (args) => ({ type: 'forget', call: wordsArgument(args, 'call-id'), files: flagOption(args, 'files') }),
  needs: () => ({}),
  text: ({ intent, forgotten }) => {
    if (forgotten === undefined) return []
    const { call, deleted, kept } = forgotten
    const shared = 'another call, or letters, have files there too'
    const why = intent.files ? shared : `\`${P2P} forget ${call.slice(0, 8)} --files\` deletes it`
    return [
      [span('heading', 'forgot the call'), ` ${call.slice(0, 8)}; deleted:`],
      ...deleted.map((path) => `  ${path}`),
      ...kept.map((path) => `not deleted: ${path} (${why})`),
      'what relays, backups and the other side still have of it is theirs',
    ]
  },
  json: ({ forgotten }) => ({ forgotten }),
}
