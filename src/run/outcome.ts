// What came of a run, as data, which each command's printer turns into text or JSON. Items are marked read after they were printed, and
// not before.

import { type Agent, type AgentDirectory, agentOf, type Contact } from '../call/agents.ts'
import { judgeItems } from '../call/agreements.ts'
import type { KeptEscalation } from '../call/escalation.ts'
import { answerItem, type InboxItem, itemsOf, letterItem, sortByImportance } from '../call/inbox-items.ts'
import type { IntentOf, IntentType } from '../call/intent.ts'
import { presenceLifetime } from '../call/presence.ts'
import type { Call } from '../call/replay.ts'
import { foreignRefusal } from '../call/wording.ts'
import type { Failure } from '../errors.ts'
import type { SettingValue } from '../io/environment.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import { presenceEvery } from '../state/dial-limit.ts'
import { isDue, isOnItsWay, letterLogsOf } from '../state/letter-log.ts'
import { namesOf } from '../state/peer-memory.ts'
import { markRead } from '../state/read-marks.ts'
import type { RecordedSignal } from '../state/record-signals.ts'
import { callsOf, type Letter, type State } from '../state/state.ts'
import { resultsOf } from './action.ts'
import { authorOf, ownAgent, type RunContext } from './context.ts'
import type { PresenceFindings } from './discovery.ts'
import { failureOf, relaysOfLetter } from './failures.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import type { ForgottenCall } from './forget.ts'
import type { Task } from './needs.ts'
import { noticesOf } from './notices.ts'
import { NOTHING_HEARD, type SyncResult } from './sync-result.ts'
import type { TranscriptView } from './transcript.ts'

export type RelayReport = { url: string; ok: boolean; latencyMs?: number; error?: Foreign }

/**
 * Our presence. `expires`: unix seconds. `accepted`: the relays that have it. `age`: seconds since they took it; undefined where it was
 * published by this run.
 */
export type AnnounceResult = {
  expires: number
  age: number | undefined
  accepted: string[]
  failed: { url: string; reason: Foreign }[]
}

/** A letter of ours, and which relays have it. */
export type LetterResult = {
  id: string
  to: Agent
  accepted: readonly string[]
  failed: readonly { url: string; reason: Foreign }[]
}

/** What every command has to tell. */
export type CommonOutcome = {
  me: Agent
  people: AgentDirectory
  now: number
  state: State
  /** The calls that are loaded, oldest first: the open ones, and those that this run was about. */
  calls: Call[]
  /** Where transcripts lie as Markdown, by call. */
  transcripts: Readonly<Record<string, string>>
  /** What is unread: what matters first. */
  news: InboxItem[]
  relays: RelayReport[]
  /** What the user should know beside the result, one line each. */
  notices: string[]
  /** Why the command did not do its job, or not all of it. */
  failure: Failure | undefined
}

/** Of a command that says something: `parts`, the signals that it took, `said`, the first of them, and the call as it is now. */
export type SpokenOutcome = { call: Call | undefined; said: RecordedSignal | undefined; parts: RecordedSignal[] }

/** What each command has to tell beside the common part. */
export type OwnOutcome = {
  status: object
  list: { online: PresenceFindings }
  call: SpokenOutcome
  answer: SpokenOutcome
  /** `letter`: the letter that was written (`--to`). */
  send: SpokenOutcome & { letter?: LetterResult | undefined }
  propose: SpokenOutcome
  agree: SpokenOutcome
  decline: SpokenOutcome
  sendfile: SpokenOutcome
  /** `news`: without --wait only answers to this very question that are here already. */
  escalate: { escalation: KeptEscalation | undefined; news?: InboxItem[] }
  end: SpokenOutcome & { reading: TranscriptView | undefined }
  /** `received`: in how many calls something came in; `idle`: why nothing was done. */
  announce: { posted: AnnounceResult | undefined; received: number; idle?: string }
  /** `items`: what is shown: the unread ones, or with --all every one of the loaded calls and letters. */
  inbox: { items: InboxItem[] }
  /** `about`: the call that it waited for, where that is a single one. */
  wait: { about?: string | undefined }
  transcript: { reading: TranscriptView | undefined }
  forget: { forgotten: ForgottenCall | undefined }
  contacts: { contacts: readonly Contact[] }
  config: { settings: readonly SettingValue[] }
  /** `exported`: where the secret key was written to. */
  whoami: { self: { name: string; about: string; relays: RunContext['environment']['relays'] }; exported?: string }
}

export type OutcomeOf<T extends IntentType> = CommonOutcome & { intent: IntentOf<T> } & OwnOutcome[T]

/** The outcome of a command that asks the relays, by its type. Throws for a command that asks none. */
export function outcomeOf<T extends IntentType>(type: T, finished: FinishedRunOf<T>): OutcomeOf<T> {
  const common = commonOutcome(finished)
  const own = OWN[type]?.(finished, common)
  if (own === undefined) throw new Error(`${type} does not ask the relays`)
  return Object.assign({ ...common, intent: finished.intent }, own)
}

/** The outcome of a command that asks no relay and says nothing. `own`: its own part. */
export function localOutcome<T extends IntentType>(
  { intent, needs }: Pick<Task<T>, 'intent' | 'needs'>,
  context: RunContext,
  state: State,
  own: OwnOutcome[T],
): OutcomeOf<T> {
  const silent = { decided: undefined, callsHeard: [], done: [] }
  const common = commonOutcome({ intent, needs, context, heard: NOTHING_HEARD, state, ...silent })
  return Object.assign({ ...common, relays: [], notices: [], failure: undefined, intent }, own)
}

function commonOutcome(finished: FinishedRun): CommonOutcome {
  const { context, heard, state } = finished
  const { environment, now } = context
  const people = { ...context.people, names: namesOf(state) }
  const calls = callsOf(state, environment.keys.pubkey, now)
  const news = unreadItems(state, calls, people, now)
  return {
    me: ownAgent(context, people),
    people,
    now,
    state,
    calls,
    transcripts: context.environment.transcripts(),
    news,
    relays: relayReport(context, heard),
    notices: noticesOf(finished, calls, news),
    failure: failureOf(finished),
  }
}

/** The own part of each command that asks the relays. local.ts makes that of the others. */
type OwnOutcomes = { [T in IntentType]?: (finished: FinishedRunOf<T>, common: CommonOutcome) => OwnOutcome[T] }

const OWN: OwnOutcomes = {
  status: () => ({}),
  list: ({ heard }) => {
    if (heard.online === undefined) throw new Error('nobody has asked who is on line')
    return { online: heard.online }
  },
  call: spokenOutcome,
  answer: spokenOutcome,
  send: (finished, common) => ({ ...spokenOutcome(finished, common), letter: letterResult(finished, common) }),
  propose: spokenOutcome,
  agree: spokenOutcome,
  decline: spokenOutcome,
  sendfile: spokenOutcome,
  escalate: ({ intent, decided, state }, { news }) => {
    const id = decided?.asked?.id ?? ''
    const answers = intent.wait === undefined ? { news: news.filter(({ escalation }) => escalation === id) } : {}
    return { escalation: state.index.escalations[id], ...answers }
  },
  end: (finished, common) => ({ ...spokenOutcome(finished, common), reading: finished.reading }),
  announce: (finished) => ({
    posted: finished.idle === undefined ? announceResult(finished) : undefined,
    received: finished.callsHeard.length,
    ...(finished.idle === undefined ? {} : { idle: finished.idle }),
  }),
  inbox: ({ intent }, { state, calls, people, now, news }) => ({
    items: intent.all ? unreadItems(state, calls, people, now, true) : news,
  }),
  wait: () => ({}),
}

function letterResult({ decided, done }: FinishedRun, { people }: CommonOutcome): LetterResult | undefined {
  const letter = decided?.letter
  if (letter === undefined) return undefined
  const { id } = letter.rumor
  return { id, to: agentOf(people, letter.to), ...relaysOfLetter(id, done) }
}

function spokenOutcome({ decided }: FinishedRun, { calls }: CommonOutcome): SpokenOutcome {
  const parts = decided?.said ?? []
  const [said] = parts
  return { call: calls.find((c) => c.id === said?.call), said, parts }
}

// Our presence is as old as on the relay that has kept it longest.
function announceResult({ state, done, context }: FinishedRun): AnnounceResult {
  const { now, environment } = context
  const answers = resultsOf('presence', done).flatMap(({ oks }) => oks)
  const taken = answers.filter((r) => r.accepted).map((r) => r.relay)
  const relays = [...new Set(environment.relays.presence)]
  const accepted = [...taken, ...relays.filter((url) => !answers.some((r) => r.relay === url))]
  const since = Math.min(now, ...accepted.map((url) => state.index.announced.presenceTakenAt?.[url] ?? now))
  return {
    expires: since + presenceLifetime(presenceEvery(state.index, relays, environment.config.presence.every, now)),
    age: answers.length === 0 ? now - since : undefined,
    accepted,
    failed: answers.flatMap((r) => (r.accepted ? [] : [{ url: r.relay, reason: foreignRefusal(r) }])),
  }
}

/** What is unread: what matters first, then call by call. @param all also what was read before */
export function unreadItems(
  state: State,
  calls: readonly Call[],
  people: AgentDirectory,
  now: number,
  all = false,
): InboxItem[] {
  // A letter with a file is shown once the file is here, or will never be.
  const isShown = (letter: Letter) => (all ? !letter.mine : isDue(letter, now)) && !isOnItsWay(letter)
  const letters = letterLogsOf(state).flatMap(({ letters }) => Object.values(letters).filter(isShown))
  letters.sort((a, b) => a.heard - b.heard || a.rumor.created_at - b.rumor.created_at)
  const items = calls.flatMap((call) => {
    const log = state.logs[call.id]
    return log === undefined ? [] : judgeItems(itemsOf(log, call, people, all), call)
  })
  const answers = Object.entries(state.index.escalations).flatMap(([id, kept]) =>
    kept.answers.map((answer) => ({ escalation: id, answer })),
  )
  const answered = new Map(answers.map(({ escalation, answer }) => [answer.id, escalation]))
  // An answer that came as a letter is shown as that letter.
  const otherwise = answers.filter(({ answer }) => answer.channel !== 'nostr' && (all || answer.unread))
  return sortByImportance([
    ...items,
    ...otherwise.map(({ escalation, answer }) => answerItem(answer, escalation, people)),
    ...letters.map((letter) => letterItem(letter, people, answered.get(letter.rumor.id))),
  ])
}

function relayReport({ environment }: RunContext, { answers }: SyncResult): RelayReport[] {
  return environment.pool.relays().map(({ url, ok, latencyMs, error }) => {
    const failed = answers.find((a) => a.relay === url && !a.complete)
    const why = error ?? (failed === undefined ? undefined : (failed.text ?? foreign`${failed.reason ?? 'error'}`))
    return {
      url,
      ok: ok && failed === undefined,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(why === undefined ? {} : { error: why }),
    }
  })
}

/** Marks as read what was printed. Throws where that cannot be written. */
export async function markShown(context: RunContext, items: readonly InboxItem[]): Promise<void> {
  if (items.length === 0) return
  const calls = [...new Set(items.flatMap((item) => (item.call === '' ? [] : [item.call])))]
  await context.environment.store.update(calls, (fresh) => ({
    snapshot: markRead(fresh, items, authorOf(context)),
    value: undefined,
  }))
}
