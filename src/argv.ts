// What was typed, in yargs' terms: the verb, its positionals and its options. Agents' texts start with dashes and bullets,
// so whatever does not look like an option is text, and what looks like one must be one.
import yargs, { type Argv, type Options } from 'yargs'
import type { Args, Command } from './commands/command.ts'
import { EXIT, Failure } from './failure.ts'

export const GLOBAL: Readonly<Record<string, Options>> = {
  json: { type: 'boolean', describe: 'one JSON document on stdout' },
  home: {
    type: 'string',
    describe: 'where identity and state lie (P2P_HOME, OPENCLAW_STATE_DIR, ~/.openclaw)',
  },
  relay: {
    type: 'string',
    array: true,
    describe: 'use this relay instead of the configured ones; repeatable (P2P_RELAYS)',
  },
  timeout: { type: 'string', describe: 'seconds that the network has to answer (8)' },
  call: { type: 'string', describe: 'which call: 6 characters of its id, or its peer' },
  quiet: { type: 'boolean', describe: 'print only what is new or wrong' },
  verbose: { type: 'boolean', describe: 'tell every step of the network on stderr' },
}

export type Typed = { verb: string; args: Args }

const VERSION = '0.1.0'

/** Throws Failure USAGE with what yargs found wrong. Undefined when help or the version was printed. */
export async function readArgv(
  argv: readonly string[],
  verbs: Readonly<Record<string, Command>>,
  print: (text: string) => void,
): Promise<Typed | undefined> {
  const verb = argv.find((word, i) => !word.startsWith('-') && !takesValue(argv[i - 1] ?? '', GLOBAL))
  const known = verb === undefined ? undefined : verbs[verb]
  if (verb !== undefined && (known === undefined || !Object.hasOwn(verbs, verb)))
    throw unknownVerb(verb, Object.keys(verbs))
  let typed: Typed | undefined
  const parser = describe(yargs([]), verbs, (name, args) => {
    typed = { verb: name, args }
  })
  const words = separate(argv, { ...GLOBAL, ...known?.options }, verb)
  await parser.parseAsync([...words], {}, (_error: unknown, _argv: unknown, output: string) => {
    if (output !== '') print(output)
  })
  if (typed === undefined && verb === undefined && !argv.some((word) => /^(--help|-h|--version)$/.test(word))) {
    throw new Failure(
      'USAGE',
      EXIT.usage,
      'no command is given',
      '`p2p --help` lists them; `p2p status` is a good start',
    )
  }
  return typed
}

function describe(
  parser: Argv,
  verbs: Readonly<Record<string, Command>>,
  found: (verb: string, args: Args) => void,
): Argv {
  let built: Argv = parser
    .scriptName('p2p')
    .usage('p2p <command>\n\nAI agents call each other, talk and hand over files over Nostr relays.')
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'duplicate-arguments-array': false,
    })
    .options(GLOBAL)
    .locale('en')
    .version(VERSION)
    .help()
    .alias('help', 'h')
    .strict()
    .exitProcess(false)
    // yargs ends with 0 on bad input unless what it finds is thrown.
    .fail((message, error) => {
      throw (
        error ??
        new Failure(
          'USAGE',
          EXIT.usage,
          sentence(message),
          '`p2p --help` lists commands and options; a text goes in quotes',
        )
      )
    })
  for (const [name, command] of Object.entries(verbs)) {
    built = built.command(
      command.usage,
      command.describe,
      (sub) => {
        const placed = Object.entries(command.positionals ?? {}).reduce<Argv>(
          (all, [key, option]) => all.positional(key, option),
          sub,
        )
        return placed.options(command.options ?? {}).example(command.example, '')
      },
      (args) => found(name, Object.fromEntries(Object.entries(args).map(([key, value]) => [key, unmarked(value)]))),
    )
  }
  return built
}

// yargs takes any word with a dash in front for an option, also behind "--" where a command has positionals. A mark that
// nobody types makes a text a text, and is taken off again.
const TEXT = '\u0001'

/** Options first, then what is text: `send "- one thing"` and `send -5` are messages. Behind a "--" everything is text. */
function separate(
  argv: readonly string[],
  options: Readonly<Record<string, Options>>,
  verb: string | undefined,
): string[] {
  const flags: string[] = []
  const texts: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') {
      texts.push(...argv.slice(i + 1))
      break
    }
    if (!/^(--?[A-Za-z][\w-]*(=[\s\S]*)?)$/.test(word)) {
      texts.push(word)
      continue
    }
    const following = argv[i + 1]
    if (word === '--wait') {
      // Its number may be left out, and what follows is then the text.
      const counts = following !== undefined && /^\d+$/.test(following)
      flags.push(`--wait=${counts ? following : '60'}`)
      if (counts) i++
    } else if (takesValue(word, options) && following !== undefined) {
      flags.push(`${word}=${following}`)
      i++
    } else {
      flags.push(word)
    }
  }
  const rest = verb === undefined ? texts : texts.slice(texts.indexOf(verb) + 1)
  return [...(verb === undefined ? [] : [verb]), ...flags, ...rest.map((word) => TEXT + word)]
}

// yargs' own words, in our case and without our mark.
function sentence(message: string): string {
  const line = message
    .replaceAll(TEXT, '')
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ')
  return line.charAt(0).toLowerCase() + line.slice(1)
}

function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked)
  return typeof value === 'string' && value.startsWith(TEXT) ? value.slice(TEXT.length) : value
}

function takesValue(word: string, options: Readonly<Record<string, Options>>): boolean {
  return word.startsWith('--') && word !== '--wait' && options[word.slice(2)]?.type === 'string'
}

function unknownVerb(verb: string, verbs: readonly string[]): Failure {
  const close = verbs.find((v) => v.startsWith(verb.slice(0, 3).toLowerCase()))
  const hint = close === undefined ? '`p2p --help` lists the commands' : `did you mean \`p2p ${close}\`?`
  return new Failure('UNKNOWN_COMMAND', EXIT.usage, `there is no command "${verb.slice(0, 40)}"`, hint)
}
