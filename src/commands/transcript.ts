// `transcript`: a call, whole or in part; without an id the calls there are, or where words were found in them.
import { EXIT, Failure } from '../errors.ts'
import type { Outcome } from '../run/outcome.ts'
import { optionalText } from './args.ts'
import type { Command } from './command.ts'
import { callShape } from './shapes.ts'
import { ALL_CALLS, listedCallLines, type FittingCalls, fitCalls } from './transcript/calls.ts'
import { allHitsCommand, foundLines } from './transcript/found.ts'
import { MAX_CHARS, maxCharsOption } from './transcript/most.ts'
import { periodOptions } from './transcript/period.ts'
import { excerptShown, excerptLines, excerptShape } from './transcript/show.ts'

const FORMATS = ['text', 'json', 'markdown', 'html'] as const

export const transcript: Command = {
  usage: 'transcript [id]',
  describe: 'The transcript of a call; without an id, the calls there are',
  example:
    'p2p transcript 1a2b3c4d --format html > call.html\n  p2p transcript --with bob --since 2026-07-01\n  p2p transcript --search invoice',
  positionals: { id: { type: 'string', describe: 'the call: 6 characters or more of its id, or its peer' } },
  options: {
    format: {
      type: 'string',
      choices: FORMATS,
      default: 'text',
      describe: 'how it is written; json is the same as --json',
    },
    'max-chars': { ...MAX_CHARS, describe: `${MAX_CHARS.describe}; an html page is whole unless you say so` },
    with: { type: 'string', describe: 'only calls with this agent: npub, 64-hex, petname or name' },
    since: { type: 'string', describe: 'only from then on: 2026-07-31, 2026-07-31T09:30Z or unix seconds' },
    until: { type: 'string', describe: 'only until then, a day with all of its hours' },
    search: { type: 'string', describe: 'find words in all calls, or in the one that is named' },
  },
  intent: (args) => {
    const format = FORMATS.find((f) => f === (optionalText(args, 'format') || 'text'))
    if (format === undefined)
      throw new Failure('USAGE', EXIT.usage, `no format "${optionalText(args, 'format')}"`, FORMATS.join(', '))
    const id = optionalText(args, 'id') || optionalText(args, 'call') || undefined
    const search = optionalText(args, 'search').trim() || undefined
    if (args.search !== undefined && search === undefined)
      throw new Failure('USAGE', EXIT.usage, 'no word is given to search for', '`p2p transcript --search invoice`')
    if ((format === 'html' || format === 'markdown') && (id === undefined || search !== undefined))
      throw new Failure(
        'USAGE',
        EXIT.usage,
        `${format} is a format of one call`,
        `\`p2p transcript <id> --format ${format}\`; \`p2p transcript\` lists the calls`,
      )
    // A page is for a browser and so for a file; what is read in a terminal is bounded.
    const max = maxCharsOption(args, format === 'html' ? 0 : undefined)
    return {
      type: 'transcript',
      id,
      format,
      most: max,
      with: optionalText(args, 'with') || undefined,
      search,
      ...periodOptions(args),
    }
  },
  text: (outcome) => {
    const { reading, intent } = outcome
    const { format, query } = transcriptIntent(outcome)
    const shown = excerptShown(outcome)
    if (shown !== undefined) return excerptLines(shown, format)
    if (reading?.type === 'found') return foundLines(reading.hits, reading.more, query)
    return reading === undefined || intent.type !== 'transcript'
      ? []
      : listedCallLines(listedCalls(outcome), Object.keys(outcome.state.index.calls).length > 0)
  },
  json: (outcome) => {
    const { reading } = outcome
    if (reading === undefined) return {}
    if (reading.type === 'call') return { transcript: excerptShape(outcome) }
    if (reading.type === 'found')
      return {
        found: reading.hits,
        ...(reading.more ? { truncated: true, next: `${allHitsCommand(transcriptIntent(outcome).query)} --json` } : {}),
      }
    const { calls, left } = listedCalls(outcome)
    return { calls, ...(left > 0 ? { truncated: true, left, next: `${ALL_CALLS} --json` } : {}) }
  },
}

function transcriptIntent({ intent }: Outcome) {
  return intent.type === 'transcript'
    ? { format: intent.format, query: intent.search ?? '' }
    : { format: 'text' as const, query: '' }
}

function listedCalls(outcome: Outcome): FittingCalls {
  const { reading, intent } = outcome
  const ids = reading?.type === 'calls' ? reading.ids : []
  return fitCalls(
    ids.flatMap((id) => callShape(outcome, id) ?? []),
    intent.type === 'transcript' ? intent.most : 0,
  )
}
