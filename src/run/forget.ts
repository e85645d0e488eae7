// Forgetting a call by hand: everything that is kept of it, and its files where that was asked for.
import type { IntentOf } from '../call/intent.ts'
import { isOver } from '../call/rules.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { forgetCall } from '../state/clean-up.ts'
import { namesOf } from '../state/peer-memory.ts'
import { callOf, type State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { pickCall } from './transcript.ts'

/** `deleted`: the paths of what was there of it. `kept`: that of the folder of its files, where it was not to be deleted, or lies with others'. */
export type ForgottenCall = { call: string; deleted: string[]; kept: string[] }

/** Refuses a call that is not over, and a word that names none or several. */
export async function forgetOne(
  { call: word, files }: IntentOf<'forget'>,
  context: RunContext,
  state: State,
): Promise<ForgottenCall | Failure> {
  const { environment, now } = context
  const { store, keys } = environment
  const call = pickCall(word, { state, people: { ...context.people, names: namesOf(state) } })
  if (call instanceof Failure) return call
  // Under the lock once more: an answer may have come meanwhile.
  let refusal: Failure | undefined
  const others = store.allLogIds()
  const deleted = await store.remove((fresh) => {
    const log = fresh.logs[call] ?? store.readLog(call)
    const phase = (log && callOf(log, keys.pubkey, now)?.phase) ?? fresh.index.calls[call]?.phase
    refusal = phase === undefined || isOver(phase) ? undefined : notOver(call)
    if (refusal !== undefined) return { snapshot: fresh }
    const { state: snapshot, removals } = forgetCall(fresh, call, { now, withFiles: files, others })
    return { snapshot, removals }
  })
  if (refusal !== undefined) return refusal
  const folder = call.slice(0, 8)
  const kept = environment.listKeptFiles().folders.some((one) => one.folder === folder)
  return { call, deleted, kept: kept ? [`${environment.home.files}/${folder}`] : [] }
}

function notOver(call: string): Failure {
  const id = call.slice(0, 8)
  return new Failure(
    'CALL_NOT_OVER',
    `the call ${id} is not over`,
    `\`${P2P} end --call ${id}\` ends it; then \`${P2P} forget ${id}\` deletes what is kept of it`,
  )
}
