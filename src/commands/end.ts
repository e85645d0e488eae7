// `end`: ends the call and prints its transcript.
import { who } from '../call/wording.ts'
import { optional } from './args.ts'
import type { Command } from './command.ts'
import { callShape, transcriptIn } from './shapes.ts'
import { transcriptLines, transcriptShape } from './transcript.ts'

export const end: Command = {
  usage: 'end [farewell]',
  describe: 'End the active call, or hang up one that rings; prints the transcript',
  example: 'p2p end "Thanks, bye"',
  positionals: { farewell: { type: 'string', describe: 'a last word' } },
  intent: (args) => ({ type: 'end', text: optional(args, 'farewell') }),
  text: (outcome) => {
    const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
    const transcript = transcriptIn(outcome)
    if (shape === undefined || transcript === undefined) return []
    return [
      `call ${shape.id.slice(0, 8)} with ${who(shape.peer)} is ${shape.state}`,
      ...transcriptLines(outcome, transcript),
    ]
  },
  json: (outcome) => ({
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
    transcript: transcriptShape(outcome),
  }),
}
