// Takes a step on what is on disk at that moment and writes it down under the lock: parallel commands take turns, and none overwrites
// another.
import type { Keys } from '../nostr/crypto.ts'
import { logNamesIn } from '../state/signal-step.ts'
import type { State } from '../state/state.ts'
import { type ActionResult, resultsOf, type StepOptions } from './action.ts'
import type { RunContext } from './context.ts'
import { runStep, type StepInput, type StepResult } from './step.ts'

/** Takes the step on what is on disk at that moment, and writes the result. Throws what the store throws (LOCKED, DISK_FULL, …). */
export async function saveStep(input: StepInput, options: StepOptions, context: RunContext): Promise<StepResult> {
  const { environment, selector } = context
  const { heard, done = [], earlier = [] } = input
  const meanwhile = [
    ...resultsOf('upload-file', done).flatMap((one) => one.heard.opened),
    ...resultsOf('open-early', done).flatMap((one) => one.opened),
  ]
  const opened = [...(heard?.opened ?? []), ...meanwhile]
  const { index } = environment.store.read()
  // A call that is over with this step is still the one that the command is about.
  const callsOfActions = new Set([...earlier, ...done].flatMap(callOfDone))
  const names = [...logNamesIn(opened, index, { selector, now: context.now }), ...callsOfActions]
  const makeKeys = sameKeysAgain(environment.callKeys.make)
  // A word that is said before anything was heard changes only the file of its call: what was seen of relays is written afterwards.
  const observed = heard === undefined && done.length === 0 ? undefined : environment.pool.observed()
  let before: StepResult | undefined
  return await environment.store.update(names, (fresh) => {
    const keys = { ...environment.callKeys, make: makeKeys() }
    const here = { ...context, environment: { ...environment, callKeys: keys } }
    const written = before !== undefined && isSaid(before, fresh) ? { written: before } : {}
    const result = runStep(fresh, { ...input, ...(observed && { observed }), ...written }, options, here)
    before = result
    const { state: snapshot, callsOnly, removals, secrets } = result
    return { snapshot, value: result, callsOnly, removals, secrets }
  })
}

// A run that was stopped after writing the call's file and before the index, that lost the lock and woke up: what it has said is in
// the call already, and is not said again.
function isSaid({ decided }: StepResult, { logs }: State): boolean {
  const said = decided?.said ?? []
  return said.length > 0 && said.every(({ call, rumor }) => logs[call]?.entries[rumor.id] !== undefined)
}

// A step may be taken twice, the second time in place of the first: it gets the same key pairs, which are expensive to make.
function sameKeysAgain(make: () => Keys): () => () => Keys {
  const made: Keys[] = []
  return () => {
    let at = 0
    return () => {
      const keys = made[at] ?? make()
      made[at++] = keys
      return keys
    }
  }
}

/** The call whose file is written for what became of an action. */
function callOfDone(one: ActionResult): string[] {
  if (one.type === 'signal') return [one.action.due.call]
  if (one.type === 'receipt') return one.action.receipt.call === undefined ? [] : [one.action.receipt.call]
  if (one.type === 'open-early') return [one.action.early.call]
  if (one.type === 'save-file') return [one.action.transfer.call]
  if (one.type === 'fetch-file') return one.action.remoteFile.call === undefined ? [] : [one.action.remoteFile.call]
  return []
}
