// Carrying out what a step wants done and writing down what became of it, until nothing more follows.
import type { Action, ActionResult, StepOptions } from './action.ts'
import { type RunContext, refreshContext, withRelayClock } from './context.ts'
import { executeAction, recordResults } from './executors.ts'
import { saveStep } from './save-step.ts'
import { joinDecided, type StepResult } from './step.ts'

/** The result of the last step, and what became of all actions of the run. */
export type ExecutedRun = { context: RunContext; result: StepResult; done: ActionResult[] }

/**
 * Carries out the actions of a step, and of every step that follows from them. Throws what is wrong with this machine, once
 * everything else is written down.
 * @param before what became of actions that were carried out earlier
 */
export async function executeActions(
  options: StepOptions,
  opened: RunContext,
  first: StepResult,
  before: readonly ActionResult[] = [],
): Promise<ExecutedRun> {
  const earlier = [...before]
  let [context, result] = [opened, first]
  while (result.actions.length > 0) {
    const { done, saved, error } = await executeSideBySide(result.actions, context)
    context = contextAfter(done, context)
    const { decided, callsHeard, ...next } = await saveStep({ done, saved, earlier }, options, context)
    result = {
      ...next,
      decided: joinDecided(result.decided, decided),
      callsHeard: [...result.callsHeard, ...callsHeard],
    }
    earlier.push(...done)
    if (error !== undefined) throw error.thrown
  }
  return { context, result, done: earlier }
}

/** What became of actions. `saved`: those of `done` that are on disk already; `error`: the first that was thrown. */
type Round = { done: ActionResult[]; saved: ReadonlySet<ActionResult>; error: { thrown: unknown } | undefined }

/** So few actions are over before a run could be cut short: what became of them is not written down one by one. */
const FEW = 3

/** Carries out actions side by side. What an action throws is given back as `error`. */
export async function executeSideBySide(actions: readonly Action[], context: RunContext): Promise<Round> {
  const writer = openWriter(context)
  const many = actions.length > FEW
  const settled = await Promise.allSettled(
    actions.map(async (action) => {
      const one = await executeAction(action, context)
      if (many) writer.note(one)
      return one
    }),
  )
  const saved = await writer.close()
  const done = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = settled.find((one) => one.status === 'rejected')
  return { done, saved, error: failed && { thrown: failed.reason } }
}

// An upload or a download takes seconds, so the clock is read again afterwards.
function contextAfter(done: readonly ActionResult[], context: RunContext): RunContext {
  const upload = done.findLast((one) => one.type === 'upload-file')
  if (upload !== undefined) return withRelayClock(refreshContext(context), upload.heard.clock)
  return done.some((one) => one.type === 'fetch-file') ? refreshContext(context) : context
}

/** Writes down what became of signals and letters while the rest is on its way: a run that is killed need not say them again. */
type Writer = {
  note(one: ActionResult): void
  /** Waits for what is being written, and gives what is on disk then. The rest is for the caller to write. */
  close(): Promise<ReadonlySet<ActionResult>>
}

/** Between two writes passes three times as long as the last one took: the larger the call, the longer. */
const WRITE_PAUSE_RATIO = 3

/** Most ms between two writes: a machine that slept during a write would write nothing for three times as long. */
const MAX_WRITE_PAUSE = 10_000

function openWriter(context: RunContext): Writer {
  const { environment } = context
  const saved = new Set<ActionResult>()
  let waiting: ActionResult[] = []
  let writing: Promise<void> | undefined
  let [pause, planned, closed] = [0, false, false]

  async function write(): Promise<void> {
    const some = waiting
    waiting = []
    const began = environment.clock()
    const calls = some.flatMap((one) => (one.type === 'signal' ? [one.action.due.call] : []))
    await environment.store.update(calls, (fresh) => ({
      snapshot: recordResults(fresh, some, context),
      value: undefined,
    }))
    for (const one of some) saved.add(one)
    pause = Math.min(MAX_WRITE_PAUSE, WRITE_PAUSE_RATIO * (environment.clock() - began))
  }

  async function schedule(): Promise<void> {
    if (planned) return
    planned = true
    await environment.pause(pause)
    planned = false
    if (closed || waiting.length === 0) return
    // A full disk is reported at the end of the run, when all of it is to be written.
    writing = write().catch(() => {})
    await writing
    if (waiting.length > 0) await schedule()
  }

  return {
    note(one) {
      if (one.type !== 'signal' && one.type !== 'letter') return
      waiting.push(one)
      if (!closed) void schedule()
    },
    async close() {
      closed = true
      await writing
      return saved
    },
  }
}
