// The shape of a verb: how it is typed, what it means, how its outcome is printed.
import type { Options } from 'yargs'
import type { Intent } from '../call/intent.ts'
import type { Outcome } from '../run/outcome.ts'

/** What was typed, by yargs: positionals and options under their names. `input`: the file or stdin that was asked for. */
export type Args = Readonly<Record<string, unknown>> & { readonly input?: Uint8Array }

export type Command = {
  /** yargs' grammar: the verb and its positionals. */
  usage: string
  describe: string
  example: string
  positionals?: Readonly<Record<string, Options & { type: 'string' }>>
  options?: Readonly<Record<string, Options>>
  /** What must be read before the intent can be made: stdin, or a file by its path. */
  input?: (args: Args) => { from: 'stdin' } | { from: 'file'; path: string } | undefined
  /** Throws Failure (exit 2) for what cannot be meant. */
  intent: (args: Args) => Intent
  /** Whether it prints what is unread, which is then read. */
  shows?: true
  /** Lines for an agent or a person. Commands to type next are written as `p2p …`. */
  text: (outcome: Outcome) => string[]
  /** The fields beside `ok` and `command`. */
  json: (outcome: Outcome) => Record<string, unknown>
}
