// What came of a run, as data: each command's printer turns its own into text or JSON.
// What has been printed is read. Done after printing, and only then.
import type { Agent, AgentDirectory, Contact } from '../call/agents.ts'
import { type InboxItem, itemsOf, letterItem, ownerFirst } from '../call/inbox-items.ts'
import type { IntentOf, IntentType } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import type { Failure } from '../errors.ts'
import type { SettingValue } from '../io/environment.ts'
import { isDue, isOnItsWay, letterLogsOf } from '../state/letter-log.ts'
import { namesOf } from '../state/peer-memory.ts'
import { markRead } from '../state/read-marks.ts'
import type { RecordedSignal } from '../state/say.ts'
import { callsOf, type Letter, type State } from '../state/state.ts'
import type { AnnounceResult } from './announce.ts'
import { ownAgent, type RunContext, speakerOf } from './context.ts'
import type { PresenceFindings } from './discovery.ts'
import { failureOf } from './failures.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import { noticesOf } from './notices.ts'
import type { StepResult } from './step.ts'
import { NOTHING_HEARD, type SyncResult } from './sync.ts'
import type { EscalationResult } from './tell-owner.ts'
import type { TranscriptView } from './transcript.ts'

export type RelayReport = { url: string; ok: boolean; latencyMs?: number; error?: string }

/** What every command has to tell. */
export type CommonOutcome = {
  me: Agent
  people: AgentDirectory
  now: number
  state: State
  /** The calls that are open, oldest first. */
  calls: Call[]
  /** Where transcripts lie as Markdown, by call. */
  transcripts: Readonly<Record<string, string>>
  /** What is unread. */
  news: InboxItem[]
  relays: RelayReport[]
  /** One line each: what the user should know beside the result. */
  notices: string[]
  /** Why the command did not, or not wholly, do its job. */
  failure: Failure | undefined
}

/** Of a command that says something: `said`, the first of the `parts` that it took, and the call as it is now. */
export type SpokenOutcome = { call: Call | undefined; said: RecordedSignal | undefined; parts: RecordedSignal[] }

/** What each command has to tell beside that. */
export type OwnOutcome = {
  status: object
  list: { online: PresenceFindings }
  call: SpokenOutcome
  answer: SpokenOutcome
  send: SpokenOutcome
  sendfile: SpokenOutcome
  escalate: { escalation: EscalationResult | undefined }
  end: SpokenOutcome & { reading: TranscriptView | undefined }
  /** `received`: how many calls something new came in for; `idle`: why nothing was done. */
  announce: { posted: AnnounceResult | undefined; received: number; idle?: string }
  /** `items`: what is shown: what is unread, or all of it. */
  inbox: { items: InboxItem[] }
  wait: object
  transcript: { reading: TranscriptView | undefined }
  contacts: { contacts: readonly Contact[] }
  config: { settings: readonly SettingValue[] }
  /** `exported`: where the secret key was written to. */
  whoami: { self: { name: string; about: string; relays: RunContext['environment']['relays'] }; exported?: string }
}

export type OutcomeOf<T extends IntentType> = CommonOutcome & { intent: IntentOf<T> } & OwnOutcome[T]

export function outcomeOf<T extends IntentType>(type: T, finished: FinishedRunOf<T>): OutcomeOf<T> {
  const { context, heard, state } = finished
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  const { failure, notices } = { failure: failureOf(finished), notices: noticesOf(finished, calls) }
  const common = { ...commonOutcome(context, state, calls), relays: relayReport(context, heard), notices, failure }
  const own = OWN[type]?.(finished, common)
  if (own === undefined) throw new Error(`${type} does not ask the relays`)
  return Object.assign({ ...common, intent: finished.intent }, own)
}

/** The outcome of a run in which nobody was heard and nothing said. */
export function localOutcome<T extends IntentType>(
  intent: IntentOf<T>,
  context: RunContext,
  state: State,
  own: OwnOutcome[T],
): OutcomeOf<T> {
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  return Object.assign({ ...commonOutcome(context, state, calls), intent }, own)
}

/** A run in which nothing was done, and why. */
export function idleRun<I>(intent: I, context: RunContext, idle: string) {
  const state = context.environment.store.read()
  const none = { said: [], dues: [], appeals: [], asked: undefined, acks: [], touched: [] }
  const result: StepResult = { state, verdict: { say: [] }, ...none }
  return {
    ...{ context, intent, heard: NOTHING_HEARD, result, state, posted: undefined, idle },
    ...{ escalation: undefined, answers: [] },
  }
}

function commonOutcome(context: RunContext, state: State, calls: Call[]): CommonOutcome {
  const people = { ...context.people, names: namesOf(state) }
  return {
    me: ownAgent(context, people),
    people,
    now: context.now,
    state,
    calls,
    transcripts: context.environment.transcripts(),
    news: unreadItems(state, calls, people, context.now),
    relays: [],
    notices: [],
    failure: undefined,
  }
}

/** Of the commands that ask the relays. The others say themselves what came of them. */
type OwnOutcomes = { [T in IntentType]?: (finished: FinishedRunOf<T>, common: CommonOutcome) => OwnOutcome[T] }

const OWN: OwnOutcomes = {
  status: () => ({}),
  list: ({ heard }) => {
    if (heard.online === undefined) throw new Error('nobody has asked who is on line')
    return { online: heard.online }
  },
  call: spokenOutcome,
  answer: spokenOutcome,
  send: spokenOutcome,
  sendfile: spokenOutcome,
  escalate: ({ escalation }) => ({ escalation }),
  end: (finished, common) => ({ ...spokenOutcome(finished, common), reading: undefined }),
  announce: ({ posted, result, idle }) => ({
    posted,
    received: result.touched.length,
    ...(idle === undefined ? {} : { idle }),
  }),
  inbox: ({ intent }, { state, calls, people, now, news }) => ({
    items: intent.all ? unreadItems(state, calls, people, now, true) : news,
  }),
  wait: () => ({}),
}

function spokenOutcome({ result }: Pick<FinishedRun, 'result'>, { calls }: CommonOutcome): SpokenOutcome {
  const parts = result.said.slice(result.said.length - result.verdict.say.length)
  const said = parts[0]
  return { call: calls.find((c) => c.id === said?.call), said, parts }
}

/** Everything unread: the owner's words first, then call by call. */
export function unreadItems(
  state: State,
  calls: readonly Call[],
  people: AgentDirectory,
  now: number,
  all = false,
): InboxItem[] {
  // A letter that brings a file is news once the file is here, or will never be.
  const told = (letter: Letter) => (all ? !letter.mine : isDue(letter, now)) && !isOnItsWay(letter)
  const letters = letterLogsOf(state).flatMap(({ letters }) => Object.values(letters).filter(told))
  letters.sort((a, b) => a.heard - b.heard || a.rumor.created_at - b.rumor.created_at)
  const items = calls.flatMap((call) => {
    const log = state.logs[call.id]
    return log === undefined ? [] : itemsOf(log, call, people, all)
  })
  return ownerFirst([...items, ...letters.map((letter) => letterItem(letter, people))])
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

export async function markShown(context: RunContext, items: readonly InboxItem[]): Promise<void> {
  if (items.length === 0) return
  const calls = [...new Set(items.flatMap((item) => (item.call === '' ? [] : [item.call])))]
  await context.environment.store.update(calls, (fresh) => ({
    snapshot: markRead(fresh, items, speakerOf(context)),
    value: undefined,
  }))
}
