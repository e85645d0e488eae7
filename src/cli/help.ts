// The help of every command, by yargs, and what is wrong with what was typed.

import yargs, { type Argv } from 'yargs'
import { P2P, WHOLE_P2P } from '../command-name.ts'
import type { Verb } from '../commands/command.ts'
import { Failure } from '../errors.ts'
import { COMMON_OPTIONS_HELP, GLOBAL_OPTIONS, VERSION, type Verbs } from './options.ts'

// yargs takes any word with a dash in front for an option. This mark in front, which nobody types, makes it a text.
const TEXT_MARK = '\u0001'

const EXIT_CODES_HELP =
  'Exit codes: 0 done, 1 a fault, 2 typed wrongly, 3 no relay took it (it is kept and goes out with the next command), ' +
  '4 refused, 5 timed out, 6 not possible now, 7 the other side rejected the call.'

// In every line of the list the whole name would leave no room for what each command does.
const NAME_HELP = WHOLE_P2P === 'p2p' ? [] : [`Here \`p2p\` stands for \`${WHOLE_P2P}\`.`]

// Whoever reads a command's help looks for the command's own options.
const HIDDEN_OPTIONS = Object.fromEntries(
  Object.entries(GLOBAL_OPTIONS).map(([name, option]) => [name, { ...option, hidden: true }]),
)

/** Prints help where it was asked for; else throws USAGE, which says what is wrong with the texts. */
export async function printHelp(
  verbs: Verbs,
  verb: string | undefined,
  { texts, help }: { texts: readonly string[]; help: boolean },
  print: (text: string) => Promise<void>,
): Promise<void> {
  const command = verb === undefined ? undefined : verbs[verb]
  if (command !== undefined && !help) throw misplacedFailure(command, texts)
  const words = [
    ...(verb === undefined ? [] : [verb]),
    ...texts.map((text) => TEXT_MARK + text),
    ...(help ? ['--help'] : []),
  ]
  let shown = ''
  await describe(yargs([]).scriptName(command === undefined ? 'p2p' : P2P), verbs).parseAsync(
    words,
    {},
    (_error: unknown, _argv: unknown, output: string) => {
      shown = output
    },
  )
  if (shown !== '') await print([shown, ...examplesOf(command)].join('\n'))
}

// Not those of yargs, which breaks long ones over several lines.
function examplesOf(command: Verb | undefined): string[] {
  return command === undefined ? [] : ['\nExamples:', ...command.examples.map((line) => `  ${line}`)]
}

// There are too few texts, or too many, most often since a text of several words has no quotes.
function misplacedFailure({ usage, examples }: Verb, texts: readonly string[]): Failure {
  const [verb = '', ...places] = usage.split(' ')
  const typed = `\`${examples[0]}\``
  const surplus = texts[places.length]
  if (surplus === undefined) return new Failure('USAGE', `${verb} needs ${places.join(' ')}`, `for example ${typed}`)
  const message = `${verb} takes ${places.join(' ') || 'no text'}; "${surplus.slice(0, 40)}" is too much`
  const hint = places.length === 0 ? `\`${P2P} ${verb} --help\`` : `a text of several words goes in quotes: ${typed}`
  return new Failure('USAGE', message, hint)
}

function describe(parser: Argv, verbs: Verbs): Argv {
  let built: Argv = parser
    .usage('p2p <command>\n\nAI agents call each other, talk and hand over files over Nostr relays.')
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'greedy-arrays': false,
    })
    .options(HIDDEN_OPTIONS)
    .locale('en')
    .version(VERSION)
    .epilogue([COMMON_OPTIONS_HELP, EXIT_CODES_HELP, ...NAME_HELP].join('\n'))
    .help()
    .alias('help', 'h')
    .hide('help')
    .hide('version')
    .demandCommand(1, 'no command is given')
    .strict()
    .exitProcess(false)
    // Without this yargs would end with 0 on bad input.
    .fail((message, error) => {
      throw (
        error ??
        new Failure('USAGE', sentence(message), `\`${P2P} --help\` lists commands and options; a text goes in quotes`)
      )
    })
  for (const command of Object.values(verbs)) {
    built = built.command(command.usage, command.describe, (sub) => {
      const places = Object.entries(command.positionals ?? {})
      const placed = places.reduce<Argv>((all, [key, option]) => all.positional(key, option), sub)
      return placed.options(command.options ?? {}).epilogue(COMMON_OPTIONS_HELP)
    })
  }
  return built
}

// A message of yargs as one line, with a small first letter and without our mark.
function sentence(message: string): string {
  const parts = message
    .replaceAll(TEXT_MARK, '')
    .split('\n')
    .map((part) => part.trim())
  const line = parts.filter((part) => part !== '').join(' ')
  return line.charAt(0).toLowerCase() + line.slice(1)
}
