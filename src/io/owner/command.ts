// owner.command: the owner's own program, which gets the notice as JSON on its stdin and nothing of it in its arguments.
import type { Foreign } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import type { OwnerNotice } from './notice.ts'
import { runProgram } from './program.ts'

/** What went wrong; undefined when the program ended with 0. Never rejects. */
export async function tellCommand(
  words: readonly string[],
  { facts, text }: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<Foreign | undefined> {
  const { error } = await runProgram(words, { input: `${JSON.stringify({ ...facts, message: text })}\n`, ms, env })
  return error
}
