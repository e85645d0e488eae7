// `transcript`: a call, whole or in part; without an id, the calls there are.
import type { Transcript } from '../call/transcript.ts'
import { time } from '../call/wording.ts'
import { EXIT, Failure } from '../failure.ts'
import type { Outcome } from '../run/outcome.ts'
import { optional } from './args.ts'
import type { Command } from './command.ts'
import { callShape, callShapes, transcriptIn } from './shapes.ts'
import { callLine, entryLines } from './words.ts'

/** Agents' tools cut what a command prints at about 16,000 characters. */
const MOST = 12_000

export const transcript: Command = {
  usage: 'transcript [id]',
  describe: 'The transcript of a call; without an id, all calls',
  example: 'p2p transcript 1a2b3c4d',
  positionals: { id: { type: 'string', describe: 'the call, 6 characters or more' } },
  options: {
    format: { type: 'string', choices: ['text', 'json'], default: 'text', describe: 'json prints the same as --json' },
  },
  intent: (args) => {
    const format = optional(args, 'format') || 'text'
    if (format !== 'text' && format !== 'json')
      throw new Failure('USAGE', EXIT.usage, `no format "${format}"`, 'text or json')
    return { type: 'transcript', id: optional(args, 'id') || undefined, format }
  },
  text: (outcome) => {
    const found = transcriptIn(outcome)
    if (found !== undefined) return transcriptLines(outcome, found)
    const calls = callShapes(outcome, () => true)
    if (calls.length === 0) return ['no calls yet; `p2p list` shows whom you can call']
    return [...calls.slice(0, 50).map((c) => `${time(c.createdAt)} ${callLine(c)}`), '  next: `p2p transcript <id>`']
  },
  json: (outcome) => {
    if (outcome.intent.type === 'transcript' && outcome.intent.id === undefined && outcome.call === undefined)
      return { calls: callShapes(outcome, () => true) }
    return { transcript: transcriptShape(outcome) }
  },
}

export function transcriptLines(outcome: Outcome, { entries, digest, verified }: Transcript): string[] {
  const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
  const lines = entries.flatMap(entryLines)
  const id = shape?.id.slice(0, 8) ?? ''
  const end =
    digest === undefined
      ? 'digest: pending until both sides have ended the call'
      : `digest: ${digest} (${verified === true ? 'verified: both sides hold the same call' : verified === 'pending' ? 'pending' : 'NOT verified: the other side holds a different call'})`
  return [`transcript of call ${id}, ${shape?.state ?? ''}:`, ...bounded(lines, id), end]
}

export function transcriptShape(outcome: Outcome): Record<string, unknown> | undefined {
  const found = transcriptIn(outcome)
  if (found === undefined || outcome.call === undefined) return undefined
  return {
    call: callShape(outcome, outcome.call.id),
    entries: found.entries,
    digest: found.digest ?? null,
    verified: found.verified,
  }
}

// The end matters most to who has just hung up: what does not fit is left out at the beginning.
function bounded(lines: readonly string[], id: string): string[] {
  let room = MOST
  const kept = lines.toReversed().filter((line) => {
    room -= line.length + 1
    return room > 0
  })
  const left = lines.length - kept.length
  return left === 0
    ? [...lines]
    : [`(truncated: ${left} lines left out; \`p2p transcript ${id} --format json\` has all)`, ...kept.toReversed()]
}
