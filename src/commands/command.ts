// The shape of a verb: how it is typed, what it means, how its outcome is printed.
import type { Options } from 'yargs'
import type { IntentOf, IntentType } from '../call/intent.ts'
import type { PrintedLine } from '../call/span.ts'
import type { Needs } from '../run/needs.ts'
import type { OutcomeOf } from '../run/outcome.ts'

/** What was typed: positionals and options under their names, and what was read for them. */
export type Args = Readonly<Record<string, unknown>> & TypedInput

/** What was read: `input`: stdin; `files`: the files whose paths were typed. */
export type TypedInput = { readonly input?: Uint8Array; readonly files?: readonly SourceFile[] }

/** A file by its path: its bytes, or only its size where it is too large to go through relays. */
export type SourceFile = { path: string } & ({ bytes: Uint8Array } | { size: number })

/**
 * What must be read before an intent can be made: stdin, as a text, a file or a secret key (which becomes the identity at once and is not
 * passed on), files by their paths, or two words that may be two paths or a name and base64.
 */
export type InputRequest =
  | { from: 'stdin'; as: 'text' | 'file' | 'secret' }
  | { from: 'files'; paths: readonly string[] }
  | { from: 'words'; words: readonly [string, string]; base64: boolean }

/** How a verb is typed. */
export type Verb = {
  /** The verb and its positionals, in yargs' grammar. */
  usage: string
  describe: string
  /** Command lines, as they can be typed. */
  examples: readonly [string, ...string[]]
  positionals?: Readonly<Record<string, Options & { type: 'string' }>>
  options?: Readonly<Record<string, Options>>
}

/** Verbs by name, each with a function that loads it. */
export type VerbTable<V extends Verb = Verb> = Readonly<Record<string, () => Promise<V>>>

/** Loads all verbs of a table, for help and completion. */
export async function loadVerbs<V extends Verb>(table: VerbTable<V>): Promise<Readonly<Record<string, V>>> {
  const all = Object.entries(table).map(async ([name, load]) => [name, await load()] as const)
  return Object.fromEntries(await Promise.all(all))
}

/**
 * How an outcome is printed. `json`: as JSON even without --json; `always`: even with --quiet; `page`: for a file or a browser, so its
 * lines are not broken for a terminal; `exact`: a record, in which times stay dates; `stream`: everything was printed before the end.
 */
export type PrintStyle = { json?: boolean; always?: boolean; page?: boolean; exact?: boolean; stream?: boolean }

/** What a verb means in a run, and how its outcome is printed. */
export type Command<T extends IntentType> = Verb & {
  /** What must be read first; undefined for nothing. */
  input?: (args: Args) => InputRequest | undefined
  /** What was meant. Throws a Failure (exit 2) for what cannot be meant. */
  intent: (args: Args) => IntentOf<T>
  /** What it needs of a run. */
  needs: (intent: IntentOf<T>) => Needs
  /** How its outcome is printed, where that is special. */
  print?: (intent: IntentOf<T>) => PrintStyle
  /** Lines for an agent or a person. Commands to type next begin with P2P. */
  text: (outcome: OutcomeOf<T>) => PrintedLine[]
  /** `within`: its text holds the notices, which otherwise follow on lines of their own. */
  notices?: 'within'
  /** The fields of its JSON beside `ok`, `command` and `notices`. */
  json: (outcome: OutcomeOf<T>) => Record<string, unknown>
}
