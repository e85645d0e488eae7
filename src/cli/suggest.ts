// What may be typed at the place that a shell asks about: verbs, options and their values, from the same table by which typed words are
// read, and calls, contacts and settings from this machine. It asks no relay and makes no file.
import type { Options } from 'yargs'
import type { Verb } from '../commands/command.ts'
import { cleanLine } from '../sanitize.ts'
import { takesNext } from './argv.ts'
import { GLOBAL_OPTIONS, type Verbs } from './options.ts'

export type Candidate = { word: string; describe: string }

/** Candidates that come from this machine's files. */
export type CandidateSource = 'calls' | 'agents' | 'settings'

/**
 * The candidates for the word that is being typed, or 'files' where file names are wanted.
 * @param typed the words after `p2p`; the last one is being typed, and may be ""
 * @param known gives candidates from this machine
 */
export function suggest(
  verbs: Verbs,
  typed: readonly string[],
  known: (what: CandidateSource) => readonly Candidate[],
): Candidate[] | 'files' {
  const current = typed.at(-1) ?? ''
  const found = candidates(verbs, typed.slice(0, -1), current, known)
  return found === 'files' ? found : found.filter(({ word }) => word.startsWith(current)).map(cleanCandidate)
}

type Candidates = readonly Candidate[] | 'files'

function candidates(
  verbs: Verbs,
  before: readonly string[],
  current: string,
  known: (what: CandidateSource) => readonly Candidate[],
): Candidates {
  const { verb, texts, open, ended } = positionAt(verbs, before)
  const command = verb === undefined || !Object.hasOwn(verbs, verb) ? undefined : verbs[verb]
  const options = { ...GLOBAL_OPTIONS, ...command?.options }
  if (open !== undefined) return valuesOf(open, options[open], known)
  if (current.startsWith('-') && !ended) return optionsOf(options)
  if (verb === undefined) return Object.entries(verbs).map(([word, { describe }]) => ({ word, describe }))
  const name = command === undefined ? undefined : placeOf(command, texts)
  return name === undefined ? [] : valuesOf(name, command?.positionals?.[name], known)
}

/** What was typed before: the verb, how many texts follow it, and an option that waits for its value. */
function positionAt(verbs: Verbs, before: readonly string[]) {
  const seen = { verb: undefined as string | undefined, texts: 0, open: undefined as string | undefined, ended: false }
  for (const word of before) {
    const known = { ...GLOBAL_OPTIONS, ...(seen.verb === undefined ? {} : verbs[seen.verb]?.options) }
    if (seen.open !== undefined) seen.open = undefined
    else if (!seen.ended && word === '--') seen.ended = true
    else if (!seen.ended && word.startsWith('-')) seen.open = takesNext(word, known) ? word.slice(2) : undefined
    else if (seen.verb === undefined) seen.verb = word
    else seen.texts++
  }
  return seen
}

/** The name of a place in a usage line. The last place may take many words. */
function placeOf({ usage }: Verb, at: number): string | undefined {
  const places = usage.split(' ').slice(1)
  const last = places.at(-1)
  const place = places[at] ?? (last?.endsWith('..]') ? last : undefined)
  return place?.replace(/[<>[\].]/g, '')
}

const SOURCE_BY_ARGUMENT: Readonly<Record<string, CandidateSource>> = {
  agent: 'agents',
  with: 'agents',
  call: 'calls',
  id: 'calls',
  key: 'settings',
}

const FILE_ARGUMENTS = ['name', 'home']

function valuesOf(
  name: string,
  option: Options | undefined,
  known: (what: CandidateSource) => readonly Candidate[],
): Candidates {
  if (option?.choices !== undefined) return option.choices.map((word) => ({ word: String(word), describe: '' }))
  if (FILE_ARGUMENTS.includes(name)) return 'files'
  const what = Object.hasOwn(SOURCE_BY_ARGUMENT, name) ? SOURCE_BY_ARGUMENT[name] : undefined
  return what === undefined ? [] : known(what)
}

function optionsOf(options: Readonly<Record<string, Options>>): Candidate[] {
  const all = Object.entries(options).map(([name, { describe }]) => ({ word: `--${name}`, describe: describe ?? '' }))
  return [...all, { word: '--help', describe: 'how it is typed' }]
}

// The two are separated by a tab, and candidates by a line break; a shell shows them as they are.
function cleanCandidate({ word, describe }: Candidate): Candidate {
  return { word: cleanLine(word, 200), describe: cleanLine(describe, 100) }
}
