// Every verb, in the order of --help. Each is loaded when it is typed, together with the code that only it needs.
import type { IntentType } from '../call/intent.ts'
import type { Command, VerbTable } from './command.ts'

/** The verbs that make a run, each with a function that loads it. */
export type CommandTable = { readonly [T in IntentType]: () => Promise<Command<T>> }

export const commands: CommandTable = {
  status: async () => (await import('./status.ts')).status,
  list: async () => (await import('./list.ts')).list,
  call: async () => (await import('./call.ts')).call,
  answer: async () => (await import('./answer.ts')).answer,
  send: async () => (await import('./send.ts')).send,
  propose: async () => (await import('./propose.ts')).propose,
  agree: async () => (await import('./agree.ts')).agree,
  decline: async () => (await import('./agree.ts')).decline,
  sendfile: async () => (await import('./sendfile.ts')).sendfile,
  escalate: async () => (await import('./escalate.ts')).escalate,
  end: async () => (await import('./end.ts')).end,
  inbox: async () => (await import('./inbox.ts')).inbox,
  wait: async () => (await import('./wait.ts')).wait,
  announce: async () => (await import('./announce.ts')).announce,
  transcript: async () => (await import('./transcript.ts')).transcript,
  forget: async () => (await import('./forget.ts')).forget,
  contacts: async () => (await import('./contacts.ts')).contacts,
  config: async () => (await import('./config.ts')).config,
  whoami: async () => (await import('./whoami.ts')).whoami,
}

/** Whether a verb makes a run. */
export function isCommand(verb: string): verb is IntentType {
  return Object.hasOwn(commands, verb)
}

/** All verbs: those that make a run, and those that make none. */
export const verbs: VerbTable = {
  ...commands,
  doctor: async () => (await import('./doctor.ts')).doctor,
  hook: async () => (await import('./hook.ts')).hook,
  completion: async () => (await import('./completion.ts')).completion,
}
