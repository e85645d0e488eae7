// Commands that stay until what they wait for has come: `wait`, `wait --follow`, and others with `--wait`. The mailbox stays open, and the
// state is read every second, since a parallel command may have taken in what is waited for.

import { asCall } from '../call/choose-call.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import type { IntentType } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import { isOver as isOverPhase } from '../call/rules.ts'
import { resolveSelector } from '../call/selector.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { Event } from '../nostr/event.ts'
import { isBlank } from '../sanitize.ts'
import { latestFirst } from '../state/call-index.ts'
import { isCleanUpDue } from '../state/clean-up.ts'
import { directoryOf } from '../state/directory.ts'
import { callsOf } from '../state/state.ts'
import type { StepOptions } from './action.ts'
import { type RunContext, refreshContext, withRelayClock } from './context.ts'
import { type Downloader, openDownloader } from './downloader.ts'
import { executeActions } from './execute.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import type { Wait } from './needs.ts'
import { type CommonOutcome, markShown, type OutcomeOf, outcomeOf } from './outcome.ts'
import { saveStep } from './save-step.ts'
import { syncAgain } from './sync.ts'
import type { SyncResult } from './sync-result.ts'
import { unwrapInTime } from './unwrap.ts'
import { callNotTakenFailure, waitFailure } from './wait-report.ts'

const ALWAYS_AWAITED: readonly InboxItem['type'][] = ['escalate', 'end', 'owner']
/** "`progress` … wakes nobody: no `wait` returns for it unless asked to." */
const WAKES_NOBODY: readonly InboxItem['type'][] = ['progress']
const CALL_ANSWERS: readonly InboxItem['type'][] = ['accept', 'reject', 'missed', 'end']

/** Ms between two looks at what other processes wrote, and between two offers of what is owed. */
const LOOK_EVERY = 1_000
const OFFER_EVERY = 20_000

/** Ms after which a mailbox that could not be read whole is read on. */
const SWEEP_EVERY = 5_000

/**
 * Gives the outcome when what the command waits for has come, when time is up, or at once where the command has failed already. Throws for
 * a --call that may mean several calls, or none.
 */
export async function waitFor<T extends IntentType>(type: T, run: FinishedRunOf<T>, wait: Wait): Promise<OutcomeOf<T>> {
  const outcome = outcomeOf(type, run)
  if (outcome.failure !== undefined && wait.type !== 'items') return outcome
  const only = wait.type === 'items' && wait.call !== undefined ? callsMeant(wait.call, outcome) : undefined
  const follows = wait.type === 'items' && wait.follow
  const { environment } = run.context
  const until = environment.clock() + wait.seconds * 1000
  const files = openDownloader(until)
  const began = environment.clock()
  // An answer of the owner that our agent wrote down itself, before it began to wait, does not end the wait.
  const written = outcome.news.flatMap(({ id, channel }) => (channel === 'answered' ? [id] : []))
  const watch = { run, wait, only, written, files, until, began, offered: began }
  try {
    return await (follows ? follow(type, watch) : waitOnce(type, watch))
  } finally {
    await files.stop()
  }
}

/**
 * A run that goes on. `only`: the calls that --call means; `written`: ids of the owner's answers that were written down before. In Unix
 * ms: `until`, when it ends, `began`, and `offered`, when what is owed was last offered.
 */
type Watch<T extends IntentType> = {
  run: FinishedRunOf<T>
  wait: Wait
  only: MeantCalls | undefined
  written: readonly string[]
  files: Downloader
  until: number
  began: number
  offered: number
}

async function waitOnce<T extends IntentType>(type: T, begun: Watch<T>): Promise<OutcomeOf<T>> {
  const { wait, only, began } = begun
  const { environment, printLine } = begun.run.context
  let [watch, call] = [begun, callOfRun(begun.run)]
  // Whoever started the wait may cut it off, so the call's id is printed before it begins.
  const about = call?.id ?? (only?.ids.length === 1 ? only.ids[0] : undefined)
  if (about !== undefined) printLine(`call ${about}: waiting for ${AWAITED[wait.type]}`)
  let burst: Burst | undefined
  for (;;) {
    const seen = outcomeOf(type, watch.run)
    call = callOfRun(watch.run) ?? call
    const outcome = { ...seen, ...('call' in seen ? { call } : { about }), failure: undefined }
    const came = seen.news.filter((item) => isAwaited(item, watch, call?.id))
    if (came.length > 0) burst = burstAfter(burst, came, seen.news.length, watch)
    if (burst !== undefined) {
      const failure = wait.type === 'answer' ? callNotTakenFailure(call, seen) : undefined
      if (came.length === 0) return { ...outcome, failure, notices: [...outcome.notices, SHOWN_ELSEWHERE] }
      if (isTimeUp(watch) || environment.clock() >= burst.until) return { ...outcome, failure }
    } else if (isCallClosed(wait, about, seen)) return outcome
    else if (isTimeUp(watch)) {
      const stopped = environment.stopped.aborted
      const interrupted = stopped ? Math.round((environment.clock() - began) / 1000) : undefined
      return {
        ...outcome,
        failure: waitFailure({ wait, ids: about === undefined ? (only?.ids ?? []) : [about], interrupted }, seen),
      }
    }
    watch = await nextRound(watch, async () => {}, burst?.until)
  }
}

// Parallel commands share what is unread: that nothing came would be untrue.
const SHOWN_ELSEWHERE = `what came was shown by another command meanwhile; \`${P2P} inbox --all\` shows it again`

const AWAITED: Readonly<Record<Wait['type'], string>> = {
  answer: 'the answer',
  reply: 'a reply',
  end: 'the other side to confirm it',
  owner: 'your owner',
  items: 'what comes in it',
}

/** What is awaited has come, and more may be on its way. `until`: when the wait ends, Unix ms; `items`: how many were unread then. */
type Burst = { until: number; items: number }

// "A second after the last thing of a burst, not in the middle of it." What was said long before the command began is no burst.
function burstAfter(
  burst: Burst | undefined,
  came: readonly InboxItem[],
  items: number,
  { wait, run }: Pick<Watch<IntentType>, 'wait' | 'run'>,
): Burst {
  const now = run.context.environment.clock()
  if (burst !== undefined) return items > burst.items ? { until: now + wait.settle * 1000, items } : burst
  // `at` is in whole seconds: counted from the end of that second.
  const last = Math.max(...came.map(({ at }) => (at + 1) * 1000))
  return { until: Math.min(now, last) + wait.settle * 1000, items }
}

/** Whether nothing is left to come in the call that a wait is about: it is over, and confirmed if it ever will be. */
function isCallClosed({ type }: Wait, call: string | undefined, { state, calls }: CommonOutcome): boolean {
  const held = call === undefined || (type !== 'items' && type !== 'end') ? undefined : state.index.calls[call]
  if (held === undefined) return false
  const phase = calls.find(({ id }) => id === call)?.phase ?? held.phase
  return isOverPhase(phase) && (phase !== 'ended' || held.verified === true)
}

async function follow<T extends IntentType>(type: T, begun: Watch<T>): Promise<OutcomeOf<T>> {
  const { context } = begun.run
  let saidCount = begun.run.deleted?.length ?? 0
  // Each item is on disk before it is printed, and read only once it has been.
  const show = async (run: FinishedRunOf<T>): Promise<OutcomeOf<T>> => {
    const seen = outcomeOf(type, run)
    // A stream may never end, so what was deleted is named at once. What was deleted before it began is a notice at its end.
    for (const line of run.deleted?.slice(saidCount) ?? []) context.environment.say(line)
    saidCount = Math.max(saidCount, run.deleted?.length ?? 0)
    const printed: InboxItem[] = []
    for (const item of seen.news.filter((i) => isAwaited(i, begun, undefined))) {
      if (context.environment.stopped.aborted) break
      await context.emit(item)
      printed.push(item)
    }
    await markShown(context, printed)
    return seen
  }
  const outcome = await show(begun.run)
  for (let watch = begun; !isTimeUp(watch); await show(watch.run)) watch = await nextRound(watch, show)
  return { ...outcome, news: [], failure: undefined }
}

function isTimeUp({ run, until }: Pick<Watch<IntentType>, 'run' | 'until'>): boolean {
  const { environment } = run.context
  return environment.clock() >= until || environment.stopped.aborted
}

function callOfRun({ context, state, decided }: FinishedRun): Call | undefined {
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  return calls.find((c) => c.id === decided?.said[0]?.call)
}

/** From its second round on a command that stays only hears, answers, and offers what is owed. */
const ROUND: StepOptions = { needs: {} }

/**
 * Waits until something comes, at most a second; merges it and carries out what follows.
 * @param show called as soon as news is on disk
 * @param latest when the waiting is over in any case, Unix ms
 */
async function nextRound<T extends IntentType>(
  watch: Watch<T>,
  show: (run: FinishedRunOf<T>) => Promise<unknown>,
  latest = watch.until,
): Promise<Watch<T>> {
  const { run, until, offered, files } = watch
  const { environment } = run.context
  files.begin(run.context, run.state)
  const came = await environment.pool.next(Math.min(until, latest, environment.clock() + LOOK_EVERY))
  const refreshed = refreshContext(run.context)
  // Offering must not hold the command up: whoever started it may kill it soon after its time is up.
  const context = { ...refreshed, deadline: Math.min(refreshed.deadline, until) }
  const now = environment.clock()
  const rung = hasRungOut(run, context.now)
  const sweeps = now - offered >= SWEEP_EVERY && isSweeping(context)
  const offers = now - offered >= OFFER_EVERY || isRested(context, offered)
  if (came.length === 0 && !rung && !sweeps && !offers)
    return { ...watch, run: { ...run, context, state: environment.store.read() } }
  const events = came.map((c) => c.event)
  const heard = rung || sweeps ? await syncAgain(context) : await unwrapArrived(context, run.heard, events)
  const here = withRelayClock(context, heard.clock)
  const stepped = await saveStep({ heard }, ROUND, here)
  // A command that stays for weeks deletes what is due, as every command does: the keys of calls that are over.
  const isDue = isCleanUpDue(stepped.state.index, here.now)
  const deleted = isDue ? await (await import('./clean-up.ts')).deleteWhatIsDue(here) : []
  const seen = { ...run, context: here, heard, state: stepped.state, deleted: [...(run.deleted ?? []), ...deleted] }
  // The news is on disk: relays that are slow to take our answer must not keep it from being shown.
  await Promise.all([executeActions(ROUND, here, stepped), show(seen)])
  // `show` may have marked the news as read.
  return { ...watch, run: { ...seen, state: environment.store.read() }, offered: now }
}

/** Whether an item is what the command waits for. With --for, the owner's word, an escalation and an end always are. */
function isAwaited(
  item: InboxItem,
  { wait, only, written }: Pick<Watch<IntentType>, 'wait' | 'only' | 'written'>,
  call: string | undefined,
): boolean {
  // The confirmation of an end is no item, and a wait for it is not ended by items.
  if (wait.type === 'end') return false
  if (item.type === 'owner') {
    const asks = wait.type === 'items' && (wait.for.length === 0 || wait.for.includes('owner'))
    return asks || !written.includes(item.id)
  }
  if (wait.type === 'owner') return item.call === call && item.type === 'end'
  if (wait.type === 'answer') return item.call === call && CALL_ANSWERS.includes(item.type)
  if (wait.type === 'reply') return item.call === call && !isNoReply(item)
  if (only !== undefined && !isIn(only, item)) return false
  if (wait.for.length === 0) return !WAKES_NOBODY.includes(item.type)
  return wait.for.includes(item.type) || ALWAYS_AWAITED.includes(item.type)
}

/** Whether an item tells an agent that speaks in a call nothing new: the request, an accept without words, progress. */
function isNoReply({ type, text }: InboxItem): boolean {
  return type === 'request' || WAKES_NOBODY.includes(type) || (type === 'accept' && isBlank(text))
}

/** The calls that --call means now. `peer`: the agent that it names, whose later calls are meant too. */
type MeantCalls = { ids: readonly string[]; peer: string | undefined }

function isIn({ ids, peer }: MeantCalls, { call, from }: InboxItem): boolean {
  return peer === undefined ? ids.includes(call) : call !== '' && from.pubkey === peer
}

/**
 * The call that the word names, or the open ones with the agent that it names, else the latest one with it. Throws for a word that means
 * nothing or several things: nobody should wait for the wrong call.
 */
function callsMeant(selector: string, { calls, people, state }: CommonOutcome): MeantCalls {
  const meant = resolveSelector(selector, directoryOf(state.index, people, 'callers'))
  if (meant instanceof Failure) throw asCall(meant)
  if (meant.type === 'call') return { ids: [meant.id], peer: undefined }
  if (meant.type !== 'agent') {
    const hint = `\`${P2P} transcript\` lists the calls there are`
    throw new Failure('NO_SUCH_CALL', `no call fits "${selector}"`, hint)
  }
  const open = calls.filter(({ peer, phase }) => peer === meant.pubkey && !isOverPhase(phase))
  if (open.length > 0) return { ids: open.map(({ id }) => id), peer: meant.pubkey }
  const latest = latestFirst(state.index).find(([, { peer }]) => peer === meant.pubkey)
  return { ids: latest === undefined ? [] : [latest[0]], peer: meant.pubkey }
}

// A mailbox that a run could not read whole is read on by a command that stays.
function isSweeping({ environment }: RunContext): boolean {
  const { relays } = environment.store.read().index
  return environment.relays.inbox.some((url) => relays[url]?.sweep !== undefined)
}

// "A relay whose limits refuse us is left alone as long as it says": what is owed goes there as soon as that is over.
function isRested({ environment }: RunContext, since: number): boolean {
  const now = environment.clock()
  const { relays } = environment.store.read().index
  return Object.values(relays).some(({ backoff }) => {
    const until = 1000 * (backoff?.until ?? 0)
    return until > since && until <= now
  })
}

// A ring that has run out since the mailbox was opened counts as missed only after a complete read that began later.
function hasRungOut({ heard, state, context }: FinishedRun, now: number): boolean {
  const calls = callsOf(state, context.environment.keys.pubkey, now)
  return calls.some(
    (c) => c.phase === 'ringing' && now > c.deadline && !heard.completeReads.some((r) => r.began > c.deadline),
  )
}

async function unwrapArrived(context: RunContext, heard: SyncResult, events: readonly Event[]): Promise<SyncResult> {
  const { seen } = context.environment.store.read().index
  const fresh = events.filter((e) => seen[e.id] === undefined)
  return { ...heard, opened: await unwrapInTime(context, fresh), public: [], answers: [], asked: [] }
}
