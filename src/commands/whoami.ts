// `whoami`: npub, name, relays. A secret key comes in on stdin and goes out to a file, and is never an argument or an output.
import { command } from '../call/span.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { optionalText } from './args.ts'
import type { Command } from './command.ts'

export const whoami: Command<'whoami'> = {
  usage: 'whoami',
  describe: 'Your key, your name, your relays',
  examples: [`${P2P} whoami`],
  options: {
    import: { type: 'string', describe: '"-": take in a secret key (nsec or hex) on stdin, where there is none yet' },
    export: { type: 'string', describe: 'write your secret key (nsec) to this new file' },
  },
  input: (args) => {
    const source = optionalText(args, 'import')
    if (source === '') return undefined
    if (source === '-') return { from: 'stdin', as: 'secret' }
    // The attack: other users of the machine read arguments, and shells keep them. So the error does not repeat what was typed.
    throw new Failure(
      'USAGE',
      '--import reads the secret key from stdin and takes nothing but "-"',
      `\`${P2P} whoami --import - < FILE\`; a key that was typed as an argument should be taken for leaked`,
    )
  },
  intent: (args) => ({ type: 'whoami', exportTo: optionalText(args, 'export') || undefined }),
  needs: () => ({}),
  text: ({ me, self, exported }) => [
    `npub: ${me.npub}`,
    self.name === '' ? ['name: (none; ', command(`${P2P} config set name "…"`), ')'] : `name: ${self.name}`,
    `inbox relays: ${self.relays.inbox.join(', ')}`,
    `presence relays: ${self.relays.presence.join(', ')}`,
    ...(exported === undefined ? [] : [`your secret key is in ${exported}, for your eyes only: whoever has it is you`]),
  ],
  json: ({ me, self, exported }) => ({ agent: { ...me, ...self }, exported }),
}
