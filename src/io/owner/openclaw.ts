// owner.openclaw: a message to the owner's chat, sent with OpenClaw's own command, whose JSON says whether it was.

import { isRecord, ownValue, parseJson, text } from '../../json.ts'
import { type Foreign, foreign, foreignLine } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import type { OwnerNotice } from './notice.ts'
import { runProgram } from './program.ts'

export type OpenclawTarget = { channel: string | undefined; target: string | undefined; account: string | undefined }

/** Sends the message. Gives what went wrong; undefined where OpenClaw says that it has sent it. Never rejects. */
export async function tellOpenclaw(
  { channel, target, account }: OpenclawTarget,
  { text: message }: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<Foreign | undefined> {
  if (target === undefined) return foreign`owner.openclaw.target is not set`
  const words = [
    ...['openclaw', 'message', 'send'],
    ...(channel === undefined ? [] : ['--channel', channel]),
    ...['--target', target],
    ...(account === undefined ? [] : ['--account', account]),
    ...['--message', message, '--json'],
  ]
  const { error, stdout } = await runProgram(words, { input: '', ms, env })
  const answer = documentIn(stdout)
  if (error !== undefined) return complaintIn(answer) ?? error
  if (answer === undefined)
    return foreign`ended with 0, but said nothing in JSON: whether it has sent the message is unknown`
  return complaintIn(answer)
}

// Some versions print what their plugins have to say before the document (openclaw issues 81535, 84293).
function documentIn(stdout: string): unknown {
  const lines = stdout.split('\n')
  for (const [n, line] of lines.entries()) {
    const value = line.startsWith('{') ? parseJson(lines.slice(n).join('\n')) : undefined
    if (isRecord(value)) return value
  }
  return undefined
}

// The outcome is at the top, or in `payload`, as the channel's plugin gave it, or in the `result` of that.
function complaintIn(answer: unknown, depth = 0): Foreign | undefined {
  if (!isRecord(answer) || depth > 2) return undefined
  const said = (name: string) => ownValue(answer, name)
  const error = text(said('error')) ?? ''
  if (error !== '') return foreignLine(error)
  if (said('ok') === false) return foreign`OpenClaw says that it has not sent it`
  if (said('dryRun') === true || said('handledBy') === 'dry-run') return foreign`OpenClaw only tried it out`
  if (said('handledBy') === 'silent') return foreign`OpenClaw has suppressed it`
  return complaintIn(said('payload'), depth + 1) ?? complaintIn(said('result'), depth + 1)
}
