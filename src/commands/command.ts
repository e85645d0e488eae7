// The shape of a verb: how it is typed, what it means, how its outcome is printed.
import type { Options } from 'yargs'
import type { IntentOf, IntentType } from '../call/intent.ts'
import type { PrintedLine } from '../call/span.ts'
import type { Needs } from '../run/needs.ts'
import type { OutcomeOf } from '../run/outcome.ts'

/** What was typed, by yargs: positionals and options under their names. `input`: what came on stdin; `files`: those that were named. */
export type Args = Readonly<Record<string, unknown>> & TypedInput

export type TypedInput = { readonly input?: Uint8Array; readonly files?: readonly SourceFile[] }

/** A file by its path: its bytes, or how many it has, where they are too many to be read for that. */
export type SourceFile = { path: string } & ({ bytes: Uint8Array } | { size: number })

/**
 * What must be read before an intent can be made: stdin, as a text, a file or a secret key (which is taken in at once and goes
 * no further), files by their paths, or two words that may be two paths or a name and base64.
 */
export type InputRequest =
  | { from: 'stdin'; as: 'text' | 'file' | 'secret' }
  | { from: 'files'; paths: readonly string[] }
  | { from: 'words'; words: readonly [string, string]; base64: boolean }

/** How a verb is typed. */
export type Verb = {
  /** yargs' grammar: the verb and its positionals. */
  usage: string
  describe: string
  /** Command lines, as they can be typed. */
  examples: readonly [string, ...string[]]
  positionals?: Readonly<Record<string, Options & { type: 'string' }>>
  options?: Readonly<Record<string, Options>>
}

/** The verbs by name, each still to be loaded. */
export type VerbTable<V extends Verb = Verb> = Readonly<Record<string, () => Promise<V>>>

/** All of a table, loaded: for help and completion. */
export async function loadVerbs<V extends Verb>(table: VerbTable<V>): Promise<Readonly<Record<string, V>>> {
  const all = Object.entries(table).map(async ([name, load]) => [name, await load()] as const)
  return Object.fromEntries(await Promise.all(all))
}

/**
 * `json`: one document, asked for by an option of its own; `always`: quiet or not; `page`: for a file or a browser, so that no line
 * of it is broken; `exact`: a record, which keeps its dates; `stream`: all of it was printed before the end.
 */
export type PrintStyle = { json?: boolean; always?: boolean; page?: boolean; exact?: boolean; stream?: boolean }

/** What a verb means in a run, and how its outcome is printed. */
export type Command<T extends IntentType> = Verb & {
  input?: (args: Args) => InputRequest | undefined
  /** Throws Failure (exit 2) for what cannot be meant. */
  intent: (args: Args) => IntentOf<T>
  /** What it needs of a run. */
  needs: (intent: IntentOf<T>) => Needs
  /** How its text is printed, where not like any other. */
  print?: (intent: IntentOf<T>) => PrintStyle
  /** Lines for an agent or a person. Commands to type next begin with P2P. */
  text: (outcome: OutcomeOf<T>) => PrintedLine[]
  /** `within`: its text tells the notices too, which otherwise follow it in lines of their own. */
  notices?: 'within'
  /** The fields beside `ok` and `command`. */
  json: (outcome: OutcomeOf<T>) => Record<string, unknown>
}
