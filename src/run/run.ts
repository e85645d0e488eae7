// One run, top to bottom: load what we know, hear what is new, decide and write it down, carry it out and write down what came of it,
// report. What only some commands need is loaded where their needs say so.

import type { IntentType } from '../call/intent.ts'
import { isPastConversation } from '../call/rules.ts'
import { isCleanUpDue } from '../state/clean-up.ts'
import { letterLogName } from '../state/letter-log.ts'
import { relayFacts } from '../state/relay-memory.ts'
import type { State } from '../state/state.ts'
import type { ActionResult } from './action.ts'
import { type RunContext, withRelayClock } from './context.ts'
import { executeActions } from './execute.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import {
  loadAcceptAfterLossReport,
  loadAnnounceOnce,
  loadCleanUp,
  loadKeepTranscripts,
  loadLocal,
  loadStepOptions,
  loadTranscript,
  loadWait,
  loadWake,
} from './lazy.ts'
import { load } from './load.ts'
import type { Task, Wait } from './needs.ts'
import { optimisticRelays, sendOptimistically } from './optimistic-send.ts'
import { type OutcomeOf, outcomeOf } from './outcome.ts'
import { refuseSecrets } from './refuse-secrets.ts'
import { refuseWork } from './refuse-work.ts'
import { saveStep } from './save-step.ts'
import { sync } from './sync.ts'
import { lookupsFrom, resolveCallee, syncRequestFor } from './sync-request.ts'
import { NOTHING_HEARD } from './sync-result.ts'
import type { TranscriptView } from './transcript.ts'

/**
 * Carries a command out and gives its outcome. Throws a Failure for what keeps the run from going on; what it could not do though it went
 * on (no relay took it) is the outcome's `failure`.
 */
export async function run<T extends IntentType>(task: Task<T>, context: RunContext): Promise<OutcomeOf<T>> {
  const { network, singleton } = task.needs
  if (network !== true) return await (await loadLocal()).runLocally(task, context)
  const refused = await refuseSecrets(task.intent, context)
  if (refused !== undefined) throw refused
  if (singleton === undefined) return await runOnline(task, context)
  const turn = await (await loadAnnounceOnce()).takeTurn(context, singleton.jitter)
  if ('idle' in turn) return { ...outcomeOf(task.type, idleRun(task, context, turn.idle)), news: [] }
  return await runOnline(task, turn.context).finally(turn.end)
}

async function runOnline<T extends IntentType>(
  { type, intent, needs }: Task<T>,
  start: RunContext,
): Promise<OutcomeOf<T>> {
  // Load.
  const { pool, relays, ownerKey } = start.environment
  const loaded = await load(start)
  const options = await loadStepOptions(needs)

  pool.setKnownLimits(relayFacts(loaded.index, start.now, needs.unattended))

  // Hear. A message in an active call does not wait for what there is to hear.
  const callee = await resolveCallee(needs, loaded.index, start)
  const request = syncRequestFor(needs, loaded.index, callee, ownerKey)
  const route = optimisticRelays(needs, loaded, start)
  if (route !== undefined) await pool.warm([...relays.inbox, ...route])
  const [heard, optimistic] = await Promise.all([
    sync(start, loaded.index, request),
    route === undefined ? undefined : sendOptimistically(intent, options, start),
  ])
  const context = { ...withRelayClock(start, heard.clock), work: 'work' in intent && intent.work === true }
  const lookup = lookupsFrom(heard, callee, context)
  const workRefusal = refuseWork(intent, lookup, loaded.index, context)
  if (workRefusal !== undefined) throw workRefusal

  // Decide, and write down what is to be said before anybody hears it.
  const input = optimistic === undefined ? { intent, heard, lookup } : { heard, lookup, done: optimistic.done }
  const stepped = await saveStep(input, options, context)

  // Carry out, and write down what came of it.
  const executed = await executeActions(options, context, stepped, optimistic?.done)
  const mustReportFirst = executed.result.decided?.refusal?.code === 'CALL_KEY_LOST' && intent.type === 'answer'
  const finished = mustReportFirst
    ? await (await loadAcceptAfterLossReport()).acceptAfterLossReport(intent, options, executed)
    : executed
  const { result, done, context: finalContext } = finished

  // Report.
  const { state, callsHeard, decided = optimistic?.decided } = result
  const isDue = isCleanUpDue(state.index, finalContext.now)
  const deleted = isDue ? await (await loadCleanUp()).deleteWhatIsDue(finalContext) : []
  const run = { intent, needs, context: finalContext, heard, state, decided, callsHeard, done, deleted }
  return await withTranscripts(await report(type, run), loaded.index, finalContext)
}

async function report<T extends IntentType>(type: T, run: FinishedRunOf<T>): Promise<OutcomeOf<T>> {
  const { needs, context } = run
  const { environment } = context
  const maxChars = needs.transcript?.maxChars
  const reading = maxChars === undefined ? undefined : await readTranscript(run, maxChars)
  const state = needs.archives ? withArchives(run.state, environment) : run.state
  const finished = { ...run, reading, state }
  const outcome =
    needs.waits === undefined ? outcomeOf(type, finished) : await waitAndReport(type, finished, needs.waits)
  if (needs.wakes !== true || environment.config.hook.command.length === 0) return outcome
  const woken = await (await loadWake()).wake(outcome.news, context)
  return { ...outcome, notices: [...outcome.notices, ...woken] }
}

/** Writes the transcripts of calls that are over now to disk; the outcome with their paths. */
async function withTranscripts<T extends IntentType>(
  outcome: OutcomeOf<T>,
  before: State['index'],
  context: RunContext,
): Promise<OutcomeOf<T>> {
  const { state, transcripts } = outcome
  const isTranscribed = (id: string) => isPastConversation(state.index.calls[id]?.phase ?? 'active')
  // A call that this run has closed for good is no longer among the logs.
  const open = Object.keys(before.calls).filter((id) => before.calls[id]?.open)
  if (![...Object.keys(state.logs), ...open].some(isTranscribed)) return outcome
  const { keepTranscripts, transcriptsDue } = await loadKeepTranscripts()
  const due = transcriptsDue(before, state, transcripts, {
    now: context.now,
    keepDays: context.environment.config.transcript.keep,
  })
  if (due.length === 0) return outcome
  keepTranscripts(due, state, context)
  return { ...outcome, transcripts: context.environment.transcripts() }
}

/** Waits; then the transcript of the call that was waited for is read once more. */
async function waitAndReport<T extends IntentType>(type: T, run: FinishedRunOf<T>, wait: Wait): Promise<OutcomeOf<T>> {
  const outcome = await (await loadWait()).waitFor(type, run, wait)
  const maxChars = run.needs.transcript?.maxChars
  const id = run.decided?.said[0]?.call
  if (maxChars === undefined || id === undefined) return outcome
  const state = run.context.environment.store.read([id])
  return { ...outcome, reading: await readTranscript({ ...run, state }, maxChars) }
}

async function readTranscript(
  { context, state, decided }: FinishedRun,
  maxChars: number,
): Promise<TranscriptView | undefined> {
  const { readOwnCall } = await loadTranscript()
  return readOwnCall(context, state, decided?.said[0]?.call, maxChars)
}

/** The same state with the signals that lie in the archives of its calls, and all letters. */
function withArchives(state: State, { store }: RunContext['environment']): State {
  const archived = Object.values(state.logs).flatMap(({ id, archive }) => (archive === undefined ? [] : [id]))
  const { logs, letters } = store.read(Object.keys(state.index.letterLogs).map(letterLogName), archived)
  const whole = archived.flatMap((id) => (logs[id] === undefined ? [] : [[id, logs[id]] as const]))
  return { ...state, ...(letters && { letters }), logs: { ...state.logs, ...Object.fromEntries(whole) } }
}

/** A run in which nothing was done, and why. */
function idleRun<T extends IntentType>(
  { intent, needs }: Task<T>,
  context: RunContext,
  idle: string,
): FinishedRunOf<T> {
  const state = context.environment.store.read()
  const done: ActionResult[] = []
  return { intent, needs, context, heard: NOTHING_HEARD, state, decided: undefined, callsHeard: [], done, idle }
}
