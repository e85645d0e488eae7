// Fuzzes what is typed: words in any order, options of other commands, texts that look like options.
import { readArgv } from '../../src/cli/argv.ts'
import { commands, isCommand, verbs } from '../../src/commands/index.ts'
import { Failure } from '../../src/errors.ts'
import { NASTY, spoiledText } from './mutate.ts'
import { KEYS } from './samples.ts'
import { target } from './target.ts'

const WORDS: readonly string[] = [
  ...Object.keys(verbs),
  ...[
    '--json',
    '--home',
    '/tmp/x',
    '--relay',
    'wss://relay.example',
    '--timeout',
    '5',
    '--call',
    '1a2b3c4d',
    '--quiet',
    '--verbose',
  ],
  ...[
    '--wait',
    '--wait=5',
    '--all',
    '--peek',
    '--deep',
    '--follow',
    '--for',
    'message,file',
    '--format',
    'html',
    '--',
    '-',
    '-h',
  ],
  ...[
    '--import',
    '--export',
    '--max-chars',
    '--search',
    '--since',
    '2026-07-31',
    '--jitter',
    'accept',
    'reject',
    'add',
    'set',
    'hello',
  ],
  ...[
    '--__proto__=1',
    '--constructor',
    '--wait=',
    '--timeout=-1',
    '--=',
    '--no-json',
    '--json=false',
    ...KEYS.slice(0, 1),
  ],
]

const argv = target(
  'argv',
  25,
  (chance) =>
    Array.from({ length: 1 + chance.int(7) }, (_, n) => {
      if (n === 0 && chance.often(85)) return chance.pick(Object.keys(verbs))
      return chance.often(70) ? chance.pick(WORDS) : spoiledText(chance, [...WORDS, ...NASTY])
    }),
  async (words) => {
    try {
      const typed = await readArgv(words, verbs, async () => {})
      if (typed === undefined) return undefined
      if (!Object.hasOwn(verbs, typed.verb)) return 'it is no verb'
      const command = isCommand(typed.verb) ? await commands[typed.verb]() : undefined
      command?.input?.(typed.args)
      return command === undefined || typeof command.intent(typed.args).type === 'string'
        ? undefined
        : 'it means nothing'
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return error.message === '' ? 'its refusal says nothing' : undefined
    }
  },
)

export const argvTargets = [argv]
