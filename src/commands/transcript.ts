// `transcript`: a call, whole or in part; without an id the calls there are, or where words were found in them.
import { EXIT, Failure } from '../errors.ts'
import type { Outcome } from '../run/outcome.ts'
import { optional } from './args.ts'
import type { Command } from './command.ts'
import { callShape } from './shapes.ts'
import { ALL_CALLS, callLines, type Fitting, fitting } from './transcript/calls.ts'
import { allFound, foundLines } from './transcript/found.ts'
import { MAX_CHARS, most } from './transcript/most.ts'
import { period } from './transcript/period.ts'
import { shownIn, shownLines, shownShape } from './transcript/show.ts'

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
    const format = FORMATS.find((f) => f === (optional(args, 'format') || 'text'))
    if (format === undefined)
      throw new Failure('USAGE', EXIT.usage, `no format "${optional(args, 'format')}"`, FORMATS.join(', '))
    const id = optional(args, 'id') || optional(args, 'call') || undefined
    const search = optional(args, 'search').trim() || undefined
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
    const max = most(args, format === 'html' ? 0 : undefined)
    return {
      type: 'transcript',
      id,
      format,
      most: max,
      with: optional(args, 'with') || undefined,
      search,
      ...period(args),
    }
  },
  text: (outcome) => {
    const { reading, intent } = outcome
    const { format, query } = asked(outcome)
    const shown = shownIn(outcome)
    if (shown !== undefined) return shownLines(shown, format)
    if (reading?.type === 'found') return foundLines(reading.hits, reading.more, query)
    return reading === undefined || intent.type !== 'transcript'
      ? []
      : callLines(listed(outcome), Object.keys(outcome.state.index.calls).length > 0)
  },
  json: (outcome) => {
    const { reading } = outcome
    if (reading === undefined) return {}
    if (reading.type === 'call') return { transcript: shownShape(outcome) }
    if (reading.type === 'found')
      return {
        found: reading.hits,
        ...(reading.more ? { truncated: true, next: `${allFound(asked(outcome).query)} --json` } : {}),
      }
    const { calls, left } = listed(outcome)
    return { calls, ...(left > 0 ? { truncated: true, left, next: `${ALL_CALLS} --json` } : {}) }
  },
}

function asked({ intent }: Outcome) {
  return intent.type === 'transcript'
    ? { format: intent.format, query: intent.search ?? '' }
    : { format: 'text' as const, query: '' }
}

function listed(outcome: Outcome): Fitting {
  const { reading, intent } = outcome
  const ids = reading?.type === 'calls' ? reading.ids : []
  return fitting(
    ids.flatMap((id) => callShape(outcome, id) ?? []),
    intent.type === 'transcript' ? intent.most : 0,
  )
}
