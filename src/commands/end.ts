// `end`: ends the call and prints its transcript.

import type { CallOutcome } from '../call/signal.ts'
import { hintLine, span } from '../call/span.ts'
import { describeAgent } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { MAX_CHARS, maxCharsOption, optionalText, spokenText, stayOption, stdinFor, waitOptions } from './args.ts'
import type { Args, Command } from './command.ts'
import { callShape } from './json.ts'
import { stateSpan } from './text.ts'
import { excerptLines, excerptShape, excerptShown } from './transcript.ts'

const OUTCOMES = ['done', 'partial', 'failed'] as const

export const end: Command<'end'> = {
  usage: 'end [farewell]',
  describe: 'End the active call, or hang up one that rings; prints the transcript',
  examples: [`${P2P} end "Thanks, bye"`],
  positionals: { farewell: { type: 'string', describe: 'a last word; "-" reads stdin' } },
  options: {
    outcome: { type: 'string', choices: OUTCOMES, describe: 'how it went' },
    ...waitOptions('the other side has confirmed'),
    'max-chars': MAX_CHARS,
  },
  print: () => ({ exact: true }),
  input: stdinFor('farewell'),
  intent: (args) => ({
    type: 'end',
    text: spokenText(args, 'farewell'),
    outcome: outcomeOption(args),
    maxChars: maxCharsOption(args),
    ...stayOption(args),
  }),
  needs: ({ maxChars, wait, settle = 0 }) => ({
    network: true,
    transcript: { maxChars },
    waits: wait === undefined ? undefined : { type: 'end', seconds: wait, settle },
  }),
  text: (outcome) => {
    const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
    const shown = excerptShown(outcome)
    if (shape === undefined || shown === undefined) return []
    const id = shape.id.slice(0, 8)
    const next = shape.state === 'ended' && shape.verified !== true && outcome.failure === undefined
    return [
      [span('heading', 'call'), ` ${id} with `, ...describeAgent(shape.peer), ' is ', stateSpan(shape.state)],
      ...excerptLines(shown),
      ...(shape.transcript === undefined ? [] : [`transcript as Markdown: ${shape.transcript}`]),
      ...(next ? [hintLine(`  next: \`${P2P} wait --call ${id}\` stays until the other side has confirmed it`)] : []),
    ]
  },
  json: (outcome) => ({
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    transcript: excerptShape(outcome),
  }),
}

function outcomeOption(args: Args): CallOutcome | undefined {
  if (args.outcome === undefined) return undefined
  const typed = optionalText(args, 'outcome')
  const known = OUTCOMES.find((one) => one === typed)
  if (known !== undefined) return known
  throw new Failure(
    'USAGE',
    `an outcome is done, partial or failed, not "${typed.slice(0, 40)}"`,
    `\`${P2P} end --outcome done\``,
  )
}
