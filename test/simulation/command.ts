// A command as the program runs it: what it needs, the run, what it prints and what is read by that.
import type { InboxItem } from '../../src/call/inbox-items.ts'
import type { IntentOf, IntentType } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import type { Command } from '../../src/commands/command.ts'
import { commands, isCommand } from '../../src/commands/index.ts'
import type { Environment } from '../../src/io/environment.ts'
import { RIGHT_CLOCK } from '../../src/run/clock.ts'
import { refreshContext } from '../../src/run/context.ts'
import { loadExecutors } from '../../src/run/executors.ts'
import { loadCleanUp, loadStepOptions } from '../../src/run/lazy.ts'
import { markShown, type OutcomeOf } from '../../src/run/outcome.ts'
import { run } from '../../src/run/run.ts'
import type { Index, LetterLog } from '../../src/state/state.ts'

/**
 * @param selector what --call names
 * @param print called where the program prints what is unread
 */
export async function runCommand<T extends IntentType>(
  type: T,
  intent: IntentOf<T>,
  environment: Environment<Index, Log, LetterLog>,
  selector?: string,
  print: (items: readonly InboxItem[]) => void | Promise<void> = () => {},
): Promise<OutcomeOf<T>> {
  const needs = (await commandOf(type)).needs(intent)
  const people = { contacts: environment.config.contacts, owner: environment.ownerKey, names: {} }
  const silent = { printLine: () => {}, emit: async () => {} }
  const context = refreshContext({ environment, now: 0, clock: RIGHT_CLOCK, deadline: 0, people, selector, ...silent })
  const outcome = await run({ type, intent, needs }, context)
  if (needs.shows !== true) return outcome
  await print(outcome.news)
  await markShown(context, outcome.news)
  return outcome
}

/** A command is loaded once: the world waits for nothing but itself. */
const loaded: { [T in IntentType]?: Command<T> } = {}

/** Loads everything that a run may load, so that a world goes the same way from its first command on. */
export async function loadCommands(): Promise<void> {
  await Promise.all([
    ...Object.keys(commands).map((verb) => isCommand(verb) && commandOf(verb)),
    loadExecutors(),
    loadCleanUp(),
  ])
  await loadStepOptions({ announces: 'presence', downloads: 'quick' })
}

async function commandOf<T extends IntentType>(type: T): Promise<Command<T>> {
  const held: { [K in T]?: Command<K> } = loaded
  const command: Command<T> = held[type] ?? (await commands[type]())
  held[type] = command
  return command
}
