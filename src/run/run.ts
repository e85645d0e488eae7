// One run, top to bottom: load what we know, hear what is new, decide and write it down, say it, write down what came of
// it. The only context where pure meets impure.
// What only some commands do, loaded for them alone: a command pays for nothing that it does not use.
// Whoever asks for everything gets the words that lie in chapters too.
import { type Intent, type IntentOf, isLarge, type Large } from '../call/intent.ts'
import { relaysToProbe } from '../state/relay-memory.ts'
import type { State } from '../state/state.ts'
import type { AnnounceResult } from './announce.ts'
import { type RunContext, refreshContext, withRelayClock } from './context.ts'
import { execute } from './deliver.ts'
import type { FinishedRun } from './finished-run.ts'
import { mergeOptimistic, optimisticRelays, sendOptimistically } from './optimistic-send.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { runStep, type StepResult } from './step.ts'
import { lookupsFrom, resolveCallee, type SyncResult, sync, syncRequestFor } from './sync.ts'

export async function run(intent: Intent, context: RunContext): Promise<Outcome> {
  if (intent.type === 'announce') return await announceAlone(intent, context, (then) => runOnce(intent, then))
  const { server } = context.environment.config.file
  if (!isLarge(intent) || server === undefined) return await runOnce(intent, context)
  const before = await runOnce({ type: 'status' }, context, intent)
  const ready = await uploadFor(intent, server, context, before)
  return await runOnce(ready, refreshContext(context))
}

/** @param purpose what the user wants in the end, where the round only prepares it */
async function runOnce(intent: Intent, context: RunContext, purpose = intent): Promise<Outcome> {
  const known = context.environment.store.read()
  const answered = await runLocal(intent, context, known)
  if (answered !== undefined) return answered

  const wanted = await resolveCallee(intent, context)
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

  const finished = { context: here, intent, heard, result: mergeOptimistic(result, ahead), ...carried, state, posted }
  const outcome = await withTranscript(await waitFor(finished, outcomeOf(finished)), here)
  return { ...outcome, notices: [...outcome.notices, ...(await runHook(intent, here, outcome))] }
}

type IntentTypes = readonly Intent['type'][]

/** Commands that talk to nobody, those with which an agent goes on line, and those that fetch files from servers. */
const LOCAL: IntentTypes = ['whoami', 'transcript', 'contacts', 'config']
const GOES_ONLINE: IntentTypes = ['announce', 'call', 'answer']
const FETCHES: IntentTypes = ['inbox', 'status', 'announce']

/** Undefined for a command that needs the relays. */
export async function runLocal(intent: Intent, context: RunContext, state: State): Promise<Outcome | undefined> {
  return LOCAL.includes(intent.type) ? await (await import('./local.ts')).runLocal(intent, context, state) : undefined
}

/** One `announce` at a time. */
export async function announceAlone(
  intent: IntentOf<'announce'>,
  context: RunContext,
  work: (context: RunContext) => Promise<Outcome>,
): Promise<Outcome> {
  return await (await import('./announce-once.ts')).announceAlone(intent, context, work)
}

/** The intent to announce a file, once it lies on the server. */
export async function uploadFor(intent: Large, server: string, context: RunContext, before: Outcome): Promise<Intent> {
  return await (await import('./upload.ts')).uploadFor(intent, server, context, before)
}

export async function announce(
  intent: Intent,
  context: RunContext,
  result: StepResult,
): Promise<AnnounceResult | undefined> {
  return GOES_ONLINE.includes(intent.type)
    ? await (await import('./announce.ts')).announce(intent, context, result)
    : undefined
}

/** Finds out which relays speak NIP-77, where it would have spared this run much. */
export async function probeNip77(context: RunContext, { answers }: SyncResult, { index }: State): Promise<void> {
  const mailboxes = answers.filter((a) => a.name === 'inbox')
  const relays = relaysToProbe(index, mailboxes, context.now)
  if (relays.length > 0) await (await import('./sync.ts')).probeNip77(context, relays)
}

/** The state, with the files that lie on servers and that the command has time for. */
export async function downloadFor(intent: Intent, context: RunContext, state: State): Promise<State> {
  return FETCHES.includes(intent.type)
    ? await (await import('./download.ts')).downloadFor(intent, context, state)
    : state
}

/** The outcome at once, or when what the command waits for has come, or in vain. */
export async function waitFor(finished: FinishedRun, outcome: Outcome): Promise<Outcome> {
  const { intent } = finished
  const waits = intent.type === 'wait' || ('wait' in intent && intent.wait !== undefined)
  return waits ? await (await import('./wait.ts')).waitFor(finished, outcome) : outcome
}

/** Whoever ends a call gets it to read. */
export async function withTranscript(outcome: Outcome, context: RunContext): Promise<Outcome> {
  const { intent, call } = outcome
  if (intent.type !== 'end' || call === undefined) return outcome
  const { readCall } = await import('./transcript.ts')
  return { ...outcome, reading: readCall(context, call, outcome, intent.most) }
}

/** Wakes the agent for what came in, and says what went wrong with that. */
export async function runHook(intent: Intent, context: RunContext, outcome: Outcome): Promise<string[]> {
  const wakes =
    (intent.type === 'announce' || intent.type === 'wait') && context.environment.config.hook.command.length > 0
  return wakes ? await (await import('./hook.ts')).runHook(context, outcome) : []
}

export function withArchives(intent: Intent, { environment }: RunContext, state: State): State {
  if (intent.type !== 'inbox' || !intent.all) return state
  const packed = Object.values(state.logs).flatMap(({ id, past }) => (past === undefined ? [] : [id]))
  if (packed.length === 0) return state
  const { logs } = environment.store.read([], packed)
  return {
    ...state,
    logs: {
      ...state.logs,
      ...Object.fromEntries(packed.flatMap((id) => (logs[id] === undefined ? [] : [[id, logs[id]]]))),
    },
  }
}
