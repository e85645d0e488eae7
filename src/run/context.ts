// Where and when a run happens: its environment, the present second, and what its user typed for every command.

import { type Agent, type AgentDirectory, agentOf } from '../call/agents.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import type { Log } from '../call/log.ts'
import type { Environment } from '../io/environment.ts'
import type { PublishUntil } from '../io/relay/pool.ts'
import type { WrapOptions } from '../nostr/nip59.ts'
import { foreignText } from '../sanitize.ts'
import type { AuthorContext } from '../state/record-signals.ts'
import type { Index, LetterLog } from '../state/state.ts'
import type { RelayClock } from './clock.ts'

export type RunContext = {
  environment: Environment<Index, Log, LetterLog>
  /** Unix seconds by our own clock: time enters a run once. Whatever cannot be undone is decided by it alone. */
  now: number
  /** How wrong relays say that our clock is. */
  clock: RelayClock
  /** Unix ms by which the network must have answered. */
  deadline: number
  people: AgentDirectory
  /** Prints a line before the outcome: on stdout for a reader, on stderr for a program. */
  printLine: (line: string) => void
  /** Prints one item of a stream (`wait --follow`); resolves when it is out. */
  emit: (item: InboxItem) => Promise<void>
  /** What was typed after --call. */
  selector: string | undefined
  /** --work: the user accepts the proof of work that a first word takes. */
  work?: boolean
}

/** The same context at the present time, with the whole budget before it: for a command that stays. */
export function refreshContext(context: RunContext): RunContext {
  const ms = context.environment.clock()
  return { ...context, now: Math.floor(ms / 1000), deadline: ms + context.environment.budget }
}

/** The same context, with what relays have told of our clock. */
export function withRelayClock(context: RunContext, clock: RelayClock): RunContext {
  return { ...context, clock }
}

/** What we publish is dated with this, unix seconds: the relays' time where our clock is known to be wrong. */
export function publishTime({ now, clock }: RunContext): number {
  return now - clock.ahead
}

/** Ms that relays have at least to take what we publish: reading or proof of work may have used up the time that there was. */
const PUBLISH_WITHIN = 3_000

/** By when relays must have taken what we publish. */
export function publishUntil({ deadline }: RunContext): PublishUntil {
  return { deadline, atLeastMs: PUBLISH_WITHIN }
}

/**
 * How wraps are dated. Where the relays' time may be later than ours, wraps are dated back by less, so that whoever reads by the relays'
 * clock does not find them too old.
 */
export function envelopeTimes(context: RunContext): Pick<WrapOptions, 'now' | 'lag'> {
  return { now: publishTime(context), lag: context.clock.lag }
}

/** Ourselves, under the name that we gave ourselves, "" for none. */
export function ownAgent({ environment }: RunContext, people: AgentDirectory): Agent {
  return { ...agentOf(people, environment.keys.pubkey), name: foreignText(environment.config.name, 64) }
}

/** Who speaks in this run, and when, for what the state writes down with our own words. */
export function authorOf(context: RunContext): AuthorContext {
  const { environment, now, clock } = context
  const { keys, claimant, config } = environment
  return {
    me: keys.pubkey,
    now,
    stamp: publishTime(context),
    lag: clock.lag,
    ...claimant,
    tellRead: config.receipts.read,
  }
}
