// What came of a run, as data: commands turn it into text or JSON.
// A run that asks nobody.
// What has been printed is read. Done after printing, and only then.
import type { Agent, AgentDirectory, Contact } from '../call/agents.ts'
import { type InboxItem, itemsOf, letterItem, ownerFirst } from '../call/inbox-items.ts'
import type { Intent } from '../call/intent.ts'
import { type Presence, readPresences } from '../call/presence.ts'
import type { Call } from '../call/replay.ts'
import type { Failure } from '../errors.ts'
import type { SettingValue } from '../io/environment.ts'
import { isOnItsWay } from '../state/files.ts'
import { namesOf } from '../state/peer-memory.ts'
import { markRead } from '../state/read-marks.ts'
import type { RecordedSignal } from '../state/say.ts'
import { callsOf, type State } from '../state/state.ts'
import type { AnnounceResult } from './announce.ts'
import { ownAgent, type RunContext, speakerOf } from './context.ts'
import { failureOf } from './failures.ts'
import type { FinishedRun } from './finished-run.ts'
import { noticesOf } from './notices.ts'
import { NOTHING_HEARD, type SyncResult } from './sync.ts'
import type { EscalationResult } from './tell-owner.ts'
import type { TranscriptView } from './transcript.ts'

export type RelayReport = { url: string; ok: boolean; latencyMs?: number; error?: string }

export type Outcome = {
  intent: Intent
  me: Agent
  self: { name: string; about: string; relays: RunContext['environment']['relays'] }
  people: AgentDirectory
  now: number
  state: State
  /** The calls that are open, oldest first. */
  calls: Call[]
  /** The call that the command was about, as it is now. */
  call: Call | undefined
  /** What the command itself said. */
  said: RecordedSignal | undefined
  /** All of it, where it took several rumors. */
  parts: RecordedSignal[]
  /** What is unread. */
  news: InboxItem[]
  presences: Presence[]
  relays: RelayReport[]
  /** How many calls something new came in for, for `announce`. */
  received: number
  posted: AnnounceResult | undefined
  /** Why nothing was done. */
  idle?: string
  escalation: EscalationResult | undefined
  /** What was read for its reader, by `transcript` and `end`. */
  reading: TranscriptView | undefined
  settings: readonly SettingValue[]
  contacts: readonly Contact[]
  /** Where the secret key was written to, by `whoami --export`. */
  exported?: string
  /** One line each: what the user should know beside the result. */
  notices: string[]
  /** Why the command did not, or not wholly, do its job. */
  failure: Failure | undefined
}

export function outcomeOf(finished: FinishedRun): Outcome {
  const { context, intent, heard, result, state, posted, escalation } = finished
  const { environment, now } = context
  const people = { ...context.people, names: namesOf(state) }
  const me = environment.keys.pubkey
  const calls = callsOf(state, me, now)
  const parts = result.said.slice(result.said.length - result.verdict.say.length)
  const said = parts[0]
  return {
    intent,
    me: ownAgent(context, people),
    self: { name: environment.config.name, about: environment.config.about, relays: environment.relays },
    people,
    now,
    state,
    calls,
    call: calls.find((c) => c.id === said?.call),
    said,
    parts,
    news: unreadItems(state, calls, people),
    presences: readPresences(heard.public, now),
    relays: relayReport(context, heard),
    received: result.touched.length,
    posted,
    escalation,
    reading: undefined,
    settings: [],
    contacts: people.contacts,
    notices: noticesOf(finished, calls),
    failure: failureOf(finished),
  }
}

/** Everything unread: the owner's words first, then call by call. */
export function unreadItems(state: State, calls: readonly Call[], people: AgentDirectory, all = false): InboxItem[] {
  // A letter that brings a file is news once the file is here, or will never be.
  const letters = Object.values(state.index.dms).filter((dm) => (dm.unread || all) && !isOnItsWay(dm))
  const items = calls.flatMap((call) => {
    const log = state.logs[call.id]
    return log === undefined ? [] : itemsOf(log, call, people, all)
  })
  return ownerFirst([...items, ...letters.map((dm) => letterItem(dm.rumor, dm.heard, people, dm.file))])
}

function relayReport({ environment }: RunContext, { answers }: SyncResult): RelayReport[] {
  return environment.pool.relays().map(({ url, ok, latencyMs, error }) => {
    const failed = answers.find((a) => a.relay === url && !a.complete)
    const why = error ?? (failed === undefined ? undefined : (failed.text ?? failed.reason))
    return {
      url,
      ok: ok && failed === undefined,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(why === undefined ? {} : { error: why }),
    }
  })
}

/** The outcome of a run in which nobody was heard and nothing said. */
export function localOutcome(intent: Intent, context: RunContext, state: State): Outcome {
  const result = {
    state,
    verdict: { say: [] },
    said: [],
    dues: [],
    appeals: [],
    asked: undefined,
    acks: [],
    touched: [],
  }
  return outcomeOf({
    context,
    intent,
    heard: NOTHING_HEARD,
    result,
    state,
    posted: undefined,
    escalation: undefined,
    answers: [],
  })
}

export async function markShown(context: RunContext, items: readonly InboxItem[]): Promise<void> {
  if (items.length === 0) return
  const calls = [...new Set(items.flatMap((item) => (item.call === '' ? [] : [item.call])))]
  await context.environment.store.update(calls, (fresh) => ({
    snapshot: markRead(fresh, items, speakerOf(context)),
    value: undefined,
  }))
}
