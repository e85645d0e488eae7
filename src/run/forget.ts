// Forgetting a call by hand: deletes everything that is kept of it, and its files where that was asked for.
import type { IntentOf } from '../call/intent.ts'
import type { Log } from '../call/log.ts'
import { replay } from '../call/replay.ts'
import { isOver, isPastConversation } from '../call/rules.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { confirmedOf, summariseCall } from '../state/call-index.ts'
import { forgetCall, forgetFiles } from '../state/clean-up.ts'
import { namesOf } from '../state/peer-memory.ts'
import type { CallSummary, State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { deletedCall, pickCall } from './transcript.ts'

/**
 * `deleted`: the paths of what was there. `kept`: the folder of its files, where that was not to be deleted or other calls and letters
 * have files in it too.
 */
export type ForgottenCall = { call: string; deleted: string[]; kept: string[] }

/** `notices`: what is lost with it that was unread or not confirmed, one line each. */
export type Forgetting = { forgotten: ForgottenCall; notices: string[] }

/**
 * Deletes what is kept of the call that the word names. Refuses, as a value, a call that is not over and a word that names none or
 * several; throws what reading and writing throw.
 */
export async function forgetOne(
  { call: word, files }: IntentOf<'forget'>,
  context: RunContext,
  state: State,
): Promise<Forgetting | Failure> {
  const { environment, now } = context
  const { store, keys } = environment
  const call = pickCall(word, { state, people: { ...context.people, names: namesOf(state) } })
  if (call instanceof Failure) return await forgetFilesOfDeleted(call, word, files, context, state)
  // Under the lock once more: an answer may have come meanwhile.
  let refusal: Failure | undefined
  let notices: string[] = []
  const others = store.allLogIds()
  const deleted = await store.remove((fresh) => {
    const log = fresh.logs[call] ?? store.readLog(call)
    const summary = summaryOf(log, fresh, { call, me: keys.pubkey, now })
    refusal = summary === undefined || isOver(summary.phase) ? undefined : notOver(call)
    if (refusal !== undefined) return { snapshot: fresh }
    notices = summary === undefined ? [] : lossesOf(summary)
    const { state: snapshot, removals } = forgetCall(fresh, call, { now, withFiles: files, others })
    return { snapshot, removals }
  })
  if (refusal !== undefined) return refusal
  return { forgotten: { call, deleted, kept: foldersOf(call, context) }, notices }
}

/** Deletes the files of a call that was forgotten without them. Gives `failure` where there is no such call, or without --files. */
async function forgetFilesOfDeleted(
  failure: Failure,
  word: string,
  files: boolean,
  context: RunContext,
  state: State,
): Promise<Forgetting | Failure> {
  const [call] = deletedCall(word, state) ?? []
  const [folder] = call === undefined ? [] : foldersOf(call, context)
  if (call === undefined || folder === undefined) return failure
  if (!files) {
    const hint = `its files are still in ${folder}: \`${P2P} forget ${call.slice(0, 8)} --files\` deletes them`
    return new Failure('NO_SUCH_CALL', failure.message, hint)
  }
  const { store } = context.environment
  const others = store.allLogIds()
  const deleted = await store.remove((fresh) => ({ snapshot: fresh, removals: forgetFiles(fresh, call, others) }))
  return { forgotten: { call, deleted, kept: foldersOf(call, context) }, notices: [] }
}

function summaryOf(
  log: Log | undefined,
  { index }: State,
  { call, me, now }: { call: string; me: string; now: number },
): CallSummary | undefined {
  const replayed = log && replay(log, me, now)
  return replayed && log ? summariseCall(replayed, log, now, index.calls[call]) : index.calls[call]
}

/** "Nothing unread is ever dropped in silence", and nothing owed. */
function lossesOf(summary: CallSummary): string[] {
  const { n, of } = confirmedOf(summary)
  const { unread, phase } = summary
  const isOwed = n < of && isPastConversation(phase)
  return [
    ...(unread === 0 ? [] : [`${unread === 1 ? '1 unread item' : `${unread} unread items`} of it went with it`]),
    ...(isOwed
      ? [
          `the other side had confirmed ${n} of your ${of} in it; the rest is not offered any more, and what it still says in it cannot be read here`,
        ]
      : []),
  ]
}

function foldersOf(call: string, { environment }: RunContext): string[] {
  const folder = call.slice(0, 8)
  const isThere = environment.listKeptFiles().folders.some((one) => one.folder === folder)
  return isThere ? [`${environment.home.files}/${folder}`] : []
}

function notOver(call: string): Failure {
  const id = call.slice(0, 8)
  return new Failure(
    'CALL_NOT_OVER',
    `the call ${id} is not over`,
    `\`${P2P} end --call ${id}\` ends it; then \`${P2P} forget ${id}\` deletes what is kept of it`,
  )
}
