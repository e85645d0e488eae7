// `whoami`: npub, name, relays.
import type { Command } from './command.ts'

export const whoami: Command = {
  usage: 'whoami',
  describe: 'Your key, your name, your relays',
  example: 'p2p whoami',
  intent: () => ({ type: 'whoami' }),
  text: ({ me, self }) => [
    `npub: ${me.npub}`,
    `name: ${self.name === '' ? '(none; `p2p config set name "…"`)' : self.name}`,
    `inbox relays: ${self.relays.inbox.join(', ')}`,
    `presence relays: ${self.relays.presence.join(', ')}`,
  ],
  json: ({ me, self }) => ({ agent: { ...me, ...self } }),
}
