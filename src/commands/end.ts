// `end`: ends the call and prints its transcript.
import { who } from '../call/wording.ts'
import { MAX_CHARS, maxCharsOption, optionalText } from './args.ts'
import type { Command } from './command.ts'
import { callShape } from './json.ts'
import { excerptLines, excerptShape, excerptShown } from './transcript.ts'

export const end: Command<'end'> = {
  usage: 'end [farewell]',
  describe: 'End the active call, or hang up one that rings; prints the transcript',
  example: 'p2p end "Thanks, bye"',
  positionals: { farewell: { type: 'string', describe: 'a last word' } },
  options: { 'max-chars': MAX_CHARS },
  print: () => ({ exact: true }),
  intent: (args) => ({ type: 'end', text: optionalText(args, 'farewell'), most: maxCharsOption(args) }),
  needs: ({ most }) => ({ network: true, transcript: { most } }),
  text: (outcome) => {
    const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
    const shown = excerptShown(outcome)
    if (shape === undefined || shown === undefined) return []
    return [`call ${shape.id.slice(0, 8)} with ${who(shape.peer)} is ${shape.state}`, ...excerptLines(shown)]
  },
  json: (outcome) => ({
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    transcript: excerptShape(outcome),
  }),
}
