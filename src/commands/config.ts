// `config`: settings, read and changed.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { optionalText } from './args.ts'
import type { Command } from './command.ts'

const ACTIONS = ['list', 'get', 'set', 'unset'] as const

export const config: Command<'config'> = {
  usage: 'config [action] [key] [values..]',
  describe: 'Settings',
  examples: [
    `${P2P} config set name "Ada's agent"`,
    `${P2P} config set relays.inbox wss://nos.lol,wss://relay.primal.net`,
  ],
  positionals: {
    action: { type: 'string', choices: ACTIONS, describe: 'what to do' },
    key: { type: 'string', describe: 'which setting' },
    values: { type: 'string', array: true, describe: 'its new value' },
  },
  intent: (args) => {
    const action = ACTIONS.find((a) => a === (optionalText(args, 'action') || 'list'))
    const key = optionalText(args, 'key')
    const values = Array.isArray(args.values) ? args.values.map(String) : []
    if (action === undefined)
      throw new Failure('USAGE', `config cannot "${optionalText(args, 'action')}"`, ACTIONS.join(', '))
    if (action !== 'list' && key === '')
      throw new Failure('USAGE', `config ${action} needs a key`, `\`${P2P} config\` shows them all`)
    if (action === 'set' && values.length === 0)
      throw new Failure('USAGE', 'no value is given', `\`${P2P} config unset ${key}\` goes back to the default`)
    return { type: 'config', action, key, values }
  },
  needs: () => ({}),
  text: ({ settings, intent }) => {
    if (intent.key !== '') return settings.map((s) => `${s.key} = ${JSON.stringify(s.value ?? null)}`)
    return settings.map((s) => `${s.key} = ${JSON.stringify(s.value ?? null)}  (${s.describe})`)
  },
  json: ({ settings }) => ({ config: Object.fromEntries(settings.map((s) => [s.key, s.value ?? null])) }),
}
