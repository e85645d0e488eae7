// Where and when a run happens: the world, the second it began, and the calls it may mean.

import { type Agent, type AgentDirectory, agentOf } from '../call/agents.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import type { Log } from '../call/log.ts'
import type { Environment } from '../io/environment.ts'
import { foreignText } from '../sanitize.ts'
import type { Speaker } from '../state/say.ts'
import type { Index, LetterLog } from '../state/state.ts'

export type RunContext = {
  environment: Environment<Index, Log, LetterLog>
  /** Unix seconds, by the relays' clock once one has told it and ours is wrong: time enters a run once. */
  now: number
  /** Seconds by which our clock is ahead of `now`. */
  ahead: number
  /** Unix ms by which the network must have answered. */
  deadline: number
  people: AgentDirectory
  /** Prints a line before the outcome: on stdout for a reader, on stderr for a program. */
  say: (line: string) => void
  /** Prints one item of a stream (`wait --follow`) and resolves when it is out. */
  emit: (item: InboxItem) => Promise<void>
  /** The call that --call names. */
  selector: string | undefined
}

/** The same context, now: for a command that stays. */
export function refreshContext(context: RunContext): RunContext {
  const ms = context.environment.clock()
  return { ...context, now: Math.floor(ms / 1000) - context.ahead, deadline: ms + context.environment.budget }
}

/**
 * The same context by the relays' clock. What we say is dated by it, so that the deadline of a call means the same to both
 * sides, however wrong a clock is.
 */
export function withRelayClock(context: RunContext, ahead: number): RunContext {
  return { ...context, ahead, now: context.now + context.ahead - ahead }
}

/** Ourselves, under the name that we give ourselves; "" for none. */
export function ownAgent({ environment }: RunContext, people: AgentDirectory): Agent {
  return { ...agentOf(people, environment.keys.pubkey), name: foreignText(environment.config.name, 64) }
}

export function speakerOf({ environment, now }: RunContext): Speaker {
  return { me: environment.keys.pubkey, now, pid: environment.pid, tellRead: environment.config.receipts.read }
}
