// What was typed: the verb, its positionals and its options. Agents' texts begin with dashes and bullets, so what does not look like an
// option is text, and what looks like one must be one. yargs, which takes longer to load than the rest of a start, is used only for help
// and for what was typed wrong.

import type { Options } from 'yargs'
import { P2P } from '../command-name.ts'
import { type Args, loadVerbs, type VerbTable } from '../commands/command.ts'
import { Failure } from '../errors.ts'
import { inputText } from '../input-text.ts'
import { guessOption, guessVerb } from './guess.ts'
import { GLOBAL_OPTIONS, VERSION } from './options.ts'

export type ParsedArgv = { verb: string; args: Args }

/** The words of argv, sorted into options with their values, and texts. */
type SplitArgv = { options: Record<string, unknown>; texts: string[]; help: boolean }

/**
 * The words without what was not meant: a script with Windows line ends leaves a carriage return at the end of each line. The value of
 * --home is left as it is: `homeOf` judges it. Throws TEXT_NOT_UTF8 for bytes of another locale, which the peer would read as something
 * else.
 */
export function normalizeArgv(argv: readonly string[]): string[] {
  const words = argv.at(-1) === '\r' ? argv.slice(0, -1) : argv
  return words.map((word, i) => {
    if (words[i - 1] === '--home' || word.startsWith('--home=')) return word
    const { text, wrong } = inputText('argument', word)
    if (text !== undefined) return text
    const what = `argument ${i + 1} ${wrong}: ${JSON.stringify(word.slice(0, 40))}`
    throw new Failure(
      'TEXT_NOT_UTF8',
      what,
      `type it in a UTF-8 locale (\`locale\` shows yours); a text can also come on stdin: \`${P2P} send -\``,
    )
  })
}

/**
 * The verb and its arguments; undefined where help or the version was printed. Throws a Failure (exit 2) for what was typed wrong.
 */
export async function readArgv(
  argv: readonly string[],
  verbs: VerbTable,
  print: (text: string) => Promise<void>,
): Promise<ParsedArgv | undefined> {
  const [verb, rest] = verbOf(argv)
  const load = verb !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (verb !== undefined && load === undefined) throw unknownVerb(verb, Object.keys(verbs))
  const command = await load?.()
  const words = splitArgv(rest, { verb, known: { ...GLOBAL_OPTIONS, ...command?.options } })
  if (words.options.version === true && !words.help) {
    await print(VERSION)
    return undefined
  }
  const placed = command === undefined || words.help ? undefined : placeArguments(words.texts, command.usage)
  if (verb !== undefined && placed !== undefined) return { verb, args: { ...words.options, ...placed } }
  const { printHelp } = await import('./help.ts')
  await printHelp(await loadVerbs(verbs), verb, words, print)
  return undefined
}

/** The verb, which is the first word that is neither an option nor an option's value, and all other words. */
export function verbOf(argv: readonly string[]): [string | undefined, string[]] {
  const at = argv.findIndex((word, i) => !word.startsWith('-') && !takesNext(argv[i - 1] ?? '', GLOBAL_OPTIONS))
  const end = argv.indexOf('--')
  if (at === -1 || (end !== -1 && end < at)) return [undefined, [...argv]]
  return [argv[at], [...argv.slice(0, at), ...argv.slice(at + 1)]]
}

/** `known`: the options that the verb takes. */
type Grammar = { verb: string | undefined; known: Readonly<Record<string, Options>> }

function splitArgv(argv: readonly string[], grammar: Grammar): SplitArgv {
  const { known } = grammar
  const words: SplitArgv = { options: {}, texts: [], help: false }
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') {
      words.texts.push(...argv.slice(i + 1))
      break
    }
    const [, name, value] = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (name === undefined) {
      words.texts.push(word)
    } else if (name === 'version' && value === undefined) {
      words.options.version = true
    } else if (name === 'help' || word === '-h') {
      words.help = true
    } else if (takesNext(word, known) && argv[i + 1] !== undefined) {
      i++
      setOption(words, name, argv[i], grammar)
    } else if (word === '--wait' && /^\d+$/.test(argv[i + 1] ?? '')) {
      // The number may be left out: what follows then is the text.
      i++
      setOption(words, name, argv[i], grammar)
    } else {
      setOption(words, name, value, grammar)
    }
  }
  return words
}

/**
 * Options that choose. Empty ones are refused. The trap: a variable of a script is empty, and its words go into the only call there is, or
 * out in another agent's name.
 */
const CHOOSERS: readonly string[] = ['home', 'call', 'id', 'with', 'name', 'capability', 'search', 'for']

function setOption(words: SplitArgv, name: string, value: string | undefined, { verb, known }: Grammar): void {
  const option = Object.hasOwn(known, name) ? known[name] : undefined
  if (option === undefined) {
    throw unknownOption(name, verb, Object.keys(known))
  }
  if (option.type === 'boolean' && value !== undefined)
    throw usageFailure(`--${name} takes no value`, `\`${P2P} --help\` lists the options`)
  if (option.type === 'string' && value === undefined && name !== 'wait')
    throw usageFailure(`--${name} needs a value`, `\`${P2P} --help\` lists the options`)
  if (CHOOSERS.includes(name) && value?.trim() === '')
    throw usageFailure(
      `--${name} is empty`,
      'is the variable set? Where there is nothing to choose, leave the option out',
    )
  if (option.array) {
    words.options[name] = [...strings(words.options[name]), value ?? '']
    return
  }
  const held = words.options[name]
  const given = option.type === 'boolean' ? true : (value ?? '')
  // The trap: of two calls the last would be spoken in, and of two words the first would be lost, without a word on it.
  if (held !== undefined && held !== given)
    throw usageFailure(
      `--${name} was given twice: ${JSON.stringify(held)} and ${JSON.stringify(given)}`,
      name === 'for' ? `several go into one: \`--for ${String(held)},${given}\`` : 'say it once',
    )
  words.options[name] = given
}

function unknownOption(name: string, verb: string | undefined, known: readonly string[]): Failure {
  const close = guessOption(name, known)
  const list = `\`${P2P} ${verb === undefined ? '' : `${verb} `}--help\` lists the options`
  const text = `a text that begins with dashes goes behind "--": \`${P2P} send -- "--help"\``
  const hints = [...(close === undefined ? [] : [`did you mean --${close}?`]), list, ...(verb === 'send' ? [text] : [])]
  return usageFailure(`there is no option --${name} here`, hints.join('; '))
}

/** The texts under the names of the places in a usage line; undefined where there are too few or too many. */
function placeArguments(texts: readonly string[], usage: string): Record<string, unknown> | undefined {
  const places = usage.split(' ').slice(1)
  const rest = places.at(-1)?.endsWith('..]') ?? false
  const needed = places.filter((p) => p.startsWith('<')).length
  if (texts.length < needed || (texts.length > places.length && !rest)) return undefined
  return Object.fromEntries(
    places.flatMap((p, i): [string, unknown][] => {
      const name = p.replace(/[<>[\].]/g, '')
      if (rest && i === places.length - 1) return [[name, texts.slice(i)]]
      return texts[i] === undefined ? [] : [[name, texts[i]]]
    }),
  )
}

/** Whether the next word is the value of this one. */
export function takesNext(word: string, known: Readonly<Record<string, Options>>): boolean {
  return word.startsWith('--') && word !== '--wait' && known[word.slice(2)]?.type === 'string'
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function usageFailure(message: string, hint: string): Failure {
  return new Failure('USAGE', message, hint)
}

function unknownVerb(verb: string, verbs: readonly string[]): Failure {
  const close = guessVerb(verb, verbs)
  const hint = close === undefined ? `\`${P2P} --help\` lists the commands` : `did you mean \`${P2P} ${close}\`?`
  return new Failure('UNKNOWN_COMMAND', `there is no command "${verb.slice(0, 40)}"`, hint)
}
