// Which executor carries out which action. What only some runs do is loaded for them alone.
import type { State } from '../state/state.ts'
import {
  type Action,
  type ActionOf,
  type ActionResult,
  type ActionResultOf,
  type ActionType,
  type Executor,
  resultsOf,
} from './action.ts'
import { saveFile } from './assemble-files.ts'
import { openEarly } from './call-keys.ts'
import type { RunContext } from './context.ts'
import { lookUpAgain, publishLetter, publishReceipt, publishSignal } from './publish.ts'

const LOADERS: { readonly [T in ActionType]: () => Promise<Executor<T>> } = {
  signal: async () => publishSignal,
  letter: async () => publishLetter,
  receipt: async () => publishReceipt,
  'open-early': async () => openEarly,
  presence: async () => (await import('./announce.ts')).publishPresence,
  'inbox-list': async () => (await import('./announce.ts')).publishInboxList,
  canary: async () => (await import('./canaries.ts')).publishCanary,
  'look-up': async () => lookUpAgain,
  'probe-nip77': async () => (await import('./nip77.ts')).probeNip77,
  'tell-owner': async () => (await import('./tell-owner.ts')).tellOwner,
  'log-escalation': async () => (await import('./tell-owner.ts')).logEscalation,
  'save-file': async () => saveFile,
  'fetch-file': async () => (await import('./download.ts')).fetchFile,
  'upload-file': async () => (await import('./upload.ts')).uploadFile,
  'run-hook': async () => (await import('./hook.ts')).runHook,
}

/** The executors that have been needed so far. */
const loaded: { [T in ActionType]?: Executor<T> } = {}

/** Carries out one action. Throws what its executor throws. */
export async function executeAction(action: Action, context: RunContext): Promise<ActionResult> {
  return await executeAs(action.type, action, context)
}

/** Puts what became of actions into the state. Pure; their executors must have been loaded. */
export function recordResults(state: State, done: readonly ActionResult[], context: RunContext): State {
  const types = [...new Set(done.map(({ type }) => type))]
  return types.reduce((next, type) => recordAs(type, next, done, context), state)
}

async function executeAs<T extends ActionType>(
  type: T,
  action: ActionOf<T>,
  context: RunContext,
): Promise<ActionResultOf<T>> {
  const executor = loaded[type] ?? (await load(type))
  return await executor.execute(action, context)
}

function recordAs<T extends ActionType>(
  type: T,
  state: State,
  done: readonly ActionResult[],
  context: RunContext,
): State {
  const executor = loaded[type]
  if (executor === undefined) throw new Error(`nothing has become of ${type}`)
  return executor.record(state, resultsOf(type, done), context)
}

/** Loads all executors at once, for the simulation, which runs many commands in one process. */
export async function loadExecutors(): Promise<void> {
  for (const type of Object.keys(LOADERS)) if (isActionType(type)) await load(type)
}

function isActionType(type: string): type is ActionType {
  return Object.hasOwn(LOADERS, type)
}

async function load<T extends ActionType>(type: T): Promise<Executor<T>> {
  const held: { [K in T]?: Executor<K> } = loaded
  const executor = await LOADERS[type]()
  held[type] = executor
  return executor
}
