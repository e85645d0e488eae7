// owner.command: the owner's own program, which gets the notice as JSON on stdin, and nothing of it in its arguments.
import type { Env } from '../home/paths.ts'
import { type OwnerReply, parseAnswer } from './answer.ts'
import type { OwnerNotice } from './notice.ts'
import { runProgram } from './program.ts'

/** Runs the program; the owner counts as told where it ended with 0. Its stdout may be the answer. Never rejects. */
export async function tellCommand(
  words: readonly string[],
  { facts, text }: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<OwnerReply> {
  const { error, stdout } = await runProgram(words, {
    input: `${JSON.stringify({ ...facts, message: text })}\n`,
    ms,
    env,
  })
  if (error !== undefined) return { error }
  const answer = parseAnswer(stdout)
  return answer === undefined ? {} : { answer }
}
