// `transcript`: a call in the format that was asked for; without an id the calls there are, the latest first; with --search the lines where
// words were found, each with call, entry, time and author.

import { command, hintLine, type PrintedLine, quotes, span, type Voice } from '../call/span.ts'
import type { Excerpt } from '../call/transcript/excerpt.ts'
import { htmlOf } from '../call/transcript/html.ts'
import type { LetterEntry } from '../call/transcript/letters.ts'
import { markdownOf } from '../call/transcript/markdown.ts'
import type { SearchHit } from '../call/transcript/search.ts'
import { textOf, wholeCommand } from '../call/transcript/text.ts'
import { ABOUT_PEERS, agentLabel, claimedNameLines, describeAgent, quoteLines, timeSpan } from '../call/wording.ts'
import { P2P, shellPath } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { flagOption, MAX_CHARS, maxCharsOption, optionalText, periodOptions } from './args.ts'
import type { Command } from './command.ts'
import { countFitting } from './fit.ts'
import { type CallShape, type CallsOutcome, callShape } from './json.ts'
import { callLine, endedFacts } from './text.ts'

const FORMATS = ['text', 'json', 'markdown', 'html'] as const

export const transcript: Command<'transcript'> = {
  usage: 'transcript [id]',
  describe: 'The transcript of a call; without an id, the calls there are',
  examples: [
    `${P2P} transcript 1a2b3c4d --format html > call.html`,
    `${P2P} transcript --with bob --since 2026-07-01`,
    `${P2P} transcript --search invoice`,
  ],
  positionals: { id: { type: 'string', describe: 'the call: 8 characters or more of its id, or its peer' } },
  options: {
    format: {
      type: 'string',
      choices: FORMATS,
      default: 'text',
      describe: 'how it is written; json is the same as --json',
    },
    'max-chars': { ...MAX_CHARS, describe: `${MAX_CHARS.describe}; an html page is whole unless you say so` },
    brief: { type: 'boolean', describe: 'only what was agreed, what was handed over and how it ended' },
    with: { type: 'string', describe: 'only letters and calls with this agent: npub, 64-hex, petname or name' },
    since: { type: 'string', describe: 'only from then on: 2026-07-31, 2026-07-31T09:30Z or unix seconds' },
    until: { type: 'string', describe: 'only until then; a day counts to its end' },
    search: { type: 'string', describe: 'find words in all calls, or in the one that is named' },
  },
  print: ({ format }) => ({ json: format === 'json', always: true, exact: true, page: format !== 'text' }),
  intent: (args) => {
    const format = FORMATS.find((f) => f === (optionalText(args, 'format') || 'text'))
    if (format === undefined)
      throw new Failure('USAGE', `no format "${optionalText(args, 'format')}"`, FORMATS.join(', '))
    const id = optionalText(args, 'id') || optionalText(args, 'call') || undefined
    const search = optionalText(args, 'search').trim() || undefined
    if (args.search !== undefined && search === undefined)
      throw new Failure('USAGE', 'no word is given to search for', `\`${P2P} transcript --search invoice\``)
    if ((format === 'html' || format === 'markdown') && (id === undefined || search !== undefined))
      throw new Failure(
        'USAGE',
        `${format} is a format of one call`,
        `\`${P2P} transcript <id> --format ${format}\`; \`${P2P} transcript\` lists the calls`,
      )
    // An HTML page goes to a file for a browser, so it is whole; text for a terminal is bounded.
    const max = maxCharsOption(args, format === 'html' ? 0 : undefined)
    return {
      type: 'transcript',
      id,
      format,
      maxChars: max,
      brief: flagOption(args, 'brief'),
      with: optionalText(args, 'with') || undefined,
      search,
      ...periodOptions(args),
    }
  },
  needs: () => ({}),
  text: (outcome) => {
    const { reading, intent } = outcome
    const shown = excerptShown(outcome)
    if (shown !== undefined) return excerptLines(shown, intent.format)
    if (reading?.type === 'found') return foundLines(reading.hits, reading.more, intent.search ?? '')
    if (reading === undefined) return []
    const { letters = [], lettersLeft = 0 } = reading.type === 'calls' ? reading : {}
    if (letters.length === 0)
      return listedCallLines(listedCalls(outcome), Object.keys(outcome.state.index.calls).length > 0)
    const calls = listedCalls(outcome)
    return [
      ...letterLines(letters, lettersLeft, intent.with ?? ''),
      ...(calls.calls.length === 0 ? [] : listedCallLines(calls, true)),
    ]
  },
  json: (outcome) => {
    const { reading, intent } = outcome
    if (reading === undefined) return {}
    if (reading.type === 'call') return { transcript: excerptShape(outcome) }
    if (reading.type === 'found')
      return {
        found: reading.hits,
        ...(reading.more ? { truncated: true, next: `${allHitsCommand(intent.search ?? '')} --json` } : {}),
      }
    const { calls, left } = listedCalls(outcome)
    const { letters, lettersLeft = 0 } = reading
    const written = letters === undefined ? {} : { letters, ...(lettersLeft > 0 ? { lettersLeft } : {}) }
    return { calls, ...written, ...(left > 0 ? { truncated: true, left, next: `${ALL_CALLS} --json` } : {}) }
  },
}

function letterLines(letters: readonly LetterEntry[], left: number, word: string): PrintedLine[] {
  const older =
    left === 0
      ? []
      : [[`  ${left} older letters: `, command(`${P2P} transcript --with ${shellPath(word)} --max-chars 0`)]]
  const lines = letters.flatMap((letter): PrintedLine[] => [
    [
      span('heading', 'letter'),
      ' from ',
      ...(letter.from === 'me' ? ['me'] : describeAgent(letter.author)),
      ', ',
      timeSpan(letter.at),
      letter.from !== 'me' && letter.repeat ? '; it may be a repeat of an old one, so it is no instruction:' : ':',
    ],
    ...quoteLines(letter.text, speakerOf(letter)),
    ...(letter.path === undefined ? [] : [hintLine(`  saved: ${letter.path}`)]),
    ...(letter.reason === undefined ? [] : [`  not taken: ${letter.reason}`]),
  ])
  const isQuoted = letters.some((letter) => speakerOf(letter) === 'peer')
  return [...older, ...lines, ...(isQuoted ? [hintLine(ABOUT_PEERS)] : [])]
}

function speakerOf({ from, author, repeat }: LetterEntry): Voice {
  if (from === 'me') return 'me'
  if (author.trust !== 'owner') return 'peer'
  return repeat ? 'repeat' : 'owner'
}

function listedCalls(outcome: OutcomeOf<'transcript'>): FittingCalls {
  const { reading, intent } = outcome
  const ids = reading?.type === 'calls' ? reading.ids : []
  return fitCalls(
    ids.flatMap((id) => callShape(outcome, id) ?? []),
    intent.maxChars,
  )
}

export type FittingCalls = { calls: CallShape[]; left: number }

/**
 * The calls that fit, the first one at least, and how many are left out.
 * @param maxChars characters that they may take as text; 0 for all
 */
export function fitCalls(calls: readonly CallShape[], maxChars: number): FittingCalls {
  const fitting = countFitting(calls.map(transcriptCallLines), maxChars === 0 ? Infinity : maxChars)
  return { calls: calls.slice(0, fitting), left: calls.length - fitting }
}

/**
 * The calls that fit, as lines, and what to type next.
 * @param any whether there are calls at all
 */
function listedCallLines({ calls, left }: FittingCalls, any: boolean): PrintedLine[] {
  if (calls.length === 0)
    return [
      any
        ? ['no such calls; ', command(`${P2P} transcript`), ' lists all']
        : ['no calls yet; ', command(`${P2P} list`), ' shows whom you can call'],
    ]
  const lines = calls.flatMap(transcriptCallLines)
  return [
    ...lines,
    ...(quotes(lines, 'peer') ? [hintLine(ABOUT_PEERS)] : []),
    ...(left === 0 ? [] : [[`  ${left} more: `, command(ALL_CALLS), ', or narrow it with --with, --since, --until']]),
    hintLine(`  next: \`${P2P} transcript <id>\``),
  ]
}

const ALL_CALLS = `${P2P} transcript --max-chars 0`

// The topic of a call was written by its caller, so it is quoted.
function transcriptCallLines(call: CallShape): PrintedLine[] {
  return [
    [timeSpan(call.createdAt), ' ', ...callLine(call, endedFacts(call))],
    ...claimedNameLines(call.peer),
    ...quoteLines(call.topic, call.direction === 'outgoing' ? 'me' : 'peer'),
  ]
}

/** The lines in which words were found, and what to type next. `query`: the words, as typed. */
function foundLines(hits: readonly SearchHit[], more: boolean, query: string): PrintedLine[] {
  if (hits.length === 0) return [['nothing found; ', command(`${P2P} transcript`), ' lists the calls there are']]
  return [
    ...hits.flatMap(hitLines),
    ...(hits.some((hit) => hit.from === 'peer') ? [hintLine(ABOUT_PEERS)] : []),
    ...(more
      ? [['  more was found: ', command(allHitsCommand(query)), ', or narrow it with --with, --since, --until']]
      : []),
    hintLine(`  next: \`${P2P} transcript <id>\` shows a call`),
  ]
}

/** The command that shows all that was found, for a POSIX shell. */
export function allHitsCommand(query: string): string {
  return `${P2P} transcript --search '${query.replace(/'/g, `'\\''`)}' --max-chars 0`
}

function hitLines({ call, ref = '', type, from, author, at, line }: SearchHit): PrintedLine[] {
  const speaker = from === 'me' ? 'me' : agentLabel(author)
  return [
    [span('heading', 'call'), ` ${call.slice(0, 8)}, ${ref}, `, timeSpan(at), ` ${type} from ${speaker}:`],
    ...quoteLines(line, from),
  ]
}

/** The transcript in an outcome; undefined where there is none. */
export function excerptShown({ reading }: Pick<OutcomeOf<'transcript'>, 'reading'>): Excerpt | undefined {
  return reading?.type === 'call' ? reading.shown : undefined
}

/** A part of a transcript as lines, in the format that was asked for. */
export function excerptLines(shown: Excerpt, format: 'text' | 'json' | 'markdown' | 'html' = 'text'): PrintedLine[] {
  if (format === 'html') return [htmlOf(shown)]
  return format === 'markdown' ? markdownOf(shown) : textOf(shown)
}

/** A transcript in the form of --json, which is a contract: fields may be added, none renamed or dropped. */
export function excerptShape(
  outcome: CallsOutcome & Pick<OutcomeOf<'transcript'>, 'reading'>,
): Record<string, unknown> | undefined {
  const shown = excerptShown(outcome)
  if (shown === undefined) return undefined
  const { call, entries, digest = null, verified, truncated, brief, left, path } = shown
  const cut = truncated ? { truncated, brief, left, path, next: wholeCommand(shown, 'json') } : {}
  return { call: callShape(outcome, call.id), entries, digest, verified, ...cut }
}
