// One run, top to bottom: load what we know, hear what is new, decide and write it down, say it, write down what came of
// it. The only context where pure meets impure.
// What only some commands do, loaded for them alone: a command pays for nothing that it does not use.
// Whoever asks for everything gets the words that lie in chapters too.
import { type FileContent, type Intent, type IntentOf, type IntentType, isLarge, type Large } from '../call/intent.ts'
import { letterLogName } from '../state/letter-log.ts'
import { relayFacts, relaysToProbe } from '../state/relay-memory.ts'
import type { State } from '../state/state.ts'
import type { AnnounceResult } from './announce.ts'
import type { Turn } from './announce-once.ts'
import { type RunContext, refreshContext, withRelayClock } from './context.ts'
import { execute } from './deliver.ts'
import type { FinishedRunOf } from './finished-run.ts'
import { mergeOptimistic, optimisticRelays, sendOptimistically } from './optimistic-send.ts'
import { type CommonOutcome, idleRun, type OutcomeOf, outcomeOf } from './outcome.ts'
import { runStep, type StepResult } from './step.ts'
import { lookupsFrom, resolveCallee, type SyncResult, sync, syncRequestFor } from './sync.ts'

/** `type`: the intent's. */
export async function run<T extends IntentType>(
  type: T,
  intent: IntentOf<T>,
  opened: RunContext,
): Promise<OutcomeOf<T>> {
  const turn = await announceTurn(intent, opened)
  if ('idle' in turn) return { ...outcomeOf(type, idleRun(intent, opened, turn.idle)), news: [] }
  const { context } = turn
  try {
    const { server } = context.environment.config.file
    if (!isLarge(intent) || server === undefined) return await runOnce(type, intent, context)
    const before = await runOnce('status', { type: 'status' }, context, intent)
    const content = await uploadFor(intent, server, context, before)
    return await runOnce(type, Object.assign({ ...intent }, { content }), refreshContext(context))
  } finally {
    await turn.end()
  }
}

/** @param purpose what the user wants in the end, where the round only prepares it */
async function runOnce<T extends IntentType>(
  type: T,
  intent: IntentOf<T>,
  context: RunContext,
  purpose: Intent = intent,
): Promise<OutcomeOf<T>> {
  const read = context.environment.store.read()
  const known = read.index.legacy === true ? await (await import('./legacy.ts')).withoutLegacyCalls(context) : read
  context.environment.pool.learn(relayFacts(known.index, context.now))
  const answered = await runLocal(type, intent, context, known)
  if (answered !== undefined) return answered

  const wanted = await resolveCallee(intent, context, known.index)
  const request = syncRequestFor(intent, known.index, wanted, context.environment.ownerKey)
  // A message in an active call does not wait for what there is to hear.
  const to = optimisticRelays(intent, context, known)
  if (to !== undefined) await context.environment.pool.warm([...context.environment.relays.inbox, ...to])
  const [heard, ahead] = await Promise.all([
    sync(context, known.index, request),
    to === undefined ? undefined : sendOptimistically(intent, context),
  ])
  const here = withRelayClock(context, heard.clockAhead)
  const left: Intent = ahead === undefined ? intent : { type: 'status' }
  const result = await runStep(here, left, heard, lookupsFrom(heard, wanted, here), ahead?.delivered)
  const [carried, posted] = await Promise.all([
    execute(here, result),
    announce(intent, here, result),
    probeNip77(here, heard, result.state),
  ])

  const state = withArchives(intent, here, await downloadFor(purpose, here, carried.state))

  const merged = mergeOptimistic(result, ahead)
  const finished = { context: here, intent, heard, result: merged, ...carried, state, posted, idle: undefined }
  const outcome = await withTranscript(await waitFor(type, finished, outcomeOf(type, finished)), here)
  return { ...outcome, notices: [...outcome.notices, ...(await runHook(intent, here, outcome))] }
}

type IntentTypes = readonly Intent['type'][]

/** Commands that talk to nobody, those with which an agent goes on line, and those that fetch files from servers. */
const LOCAL: IntentTypes = ['whoami', 'transcript', 'contacts', 'config']
const GOES_ONLINE: IntentTypes = ['announce', 'call', 'answer']
const FETCHES: IntentTypes = ['inbox', 'status', 'announce']

/** Undefined for a command that needs the relays. */
async function runLocal<T extends IntentType>(
  type: T,
  intent: IntentOf<T>,
  context: RunContext,
  state: State,
): Promise<OutcomeOf<T> | undefined> {
  if (!LOCAL.includes(type)) return undefined
  return await (await import('./local.ts')).runLocal(type, intent, context, state)
}

/** One `announce` at a time; every other command has its turn at once. */
async function announceTurn(intent: Intent, context: RunContext): Promise<Turn> {
  if (intent.type !== 'announce') return { context, end: async () => {} }
  return await (await import('./announce-once.ts')).announceTurn(context, intent.jitter)
}

/** What to say of a file, once it lies on the server. */
async function uploadFor(
  intent: Large,
  server: string,
  context: RunContext,
  before: CommonOutcome,
): Promise<FileContent> {
  return await (await import('./upload.ts')).uploadFor(intent, server, context, before)
}

async function announce(intent: Intent, context: RunContext, result: StepResult): Promise<AnnounceResult | undefined> {
  return GOES_ONLINE.includes(intent.type)
    ? await (await import('./announce.ts')).announce(intent, context, result)
    : undefined
}

/** Finds out which relays speak NIP-77, where it would have spared this run much. */
async function probeNip77(context: RunContext, { answers }: SyncResult, { index }: State): Promise<void> {
  const mailboxes = answers.filter((a) => a.name === 'inbox')
  const relays = relaysToProbe(index, mailboxes, context.now)
  if (relays.length > 0) await (await import('./sync.ts')).probeNip77(context, relays)
}

/** The state, with the files that lie on servers and that the command has time for. */
async function downloadFor(intent: Intent, context: RunContext, state: State): Promise<State> {
  return FETCHES.includes(intent.type)
    ? await (await import('./download.ts')).downloadFor(intent, context, state)
    : state
}

/** The outcome at once, or when what the command waits for has come, or in vain. */
async function waitFor<T extends IntentType>(
  type: T,
  finished: FinishedRunOf<T>,
  outcome: OutcomeOf<T>,
): Promise<OutcomeOf<T>> {
  const intent: Intent = finished.intent
  const waits = intent.type === 'wait' || ('wait' in intent && intent.wait !== undefined)
  return waits ? await (await import('./wait.ts')).waitFor(type, finished, outcome) : outcome
}

/** Whoever ends a call gets it to read. */
async function withTranscript<O extends CommonOutcome & { intent: Intent }>(
  outcome: O,
  context: RunContext,
): Promise<O> {
  const intent: Intent = outcome.intent
  const call = 'call' in outcome ? outcome.calls.find((c) => c === outcome.call) : undefined
  if (intent.type !== 'end' || call === undefined) return outcome
  const { readCall } = await import('./transcript.ts')
  return { ...outcome, reading: readCall(context, call, outcome, intent.most) }
}

/** Wakes the agent for what came in, and says what went wrong with that. */
async function runHook(intent: Intent, context: RunContext, outcome: CommonOutcome): Promise<string[]> {
  const wakes =
    (intent.type === 'announce' || intent.type === 'wait') && context.environment.config.hook.command.length > 0
  return wakes ? await (await import('./hook.ts')).runHook(context, outcome) : []
}

function withArchives(intent: Intent, { environment }: RunContext, state: State): State {
  if (intent.type !== 'inbox' || !intent.all) return state
  const packed = Object.values(state.logs).flatMap(({ id, past }) => (past === undefined ? [] : [id]))
  const { logs, letters } = environment.store.read(Object.keys(state.index.letterLogs).map(letterLogName), packed)
  return {
    ...state,
    ...(letters !== undefined && { letters }),
    logs: {
      ...state.logs,
      ...Object.fromEntries(packed.flatMap((id) => (logs[id] === undefined ? [] : [[id, logs[id]]]))),
    },
  }
}
