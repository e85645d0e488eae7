// Commands that stay until what they wait for has come: `wait`, `call --wait`, `send --wait`, and `wait --follow`. The mailbox stays
// open, and every second the state is looked at, since a parallel command may have taken in what is waited for.

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

/** How often what other processes wrote is looked at, and how often what is owed is offered again, in ms. */
const LOOK_EVERY = 1_000
const OFFER_EVERY = 20_000

/** How often a mailbox that could not be read whole is read on, in ms. */
const SWEEP_EVERY = 5_000

/** The outcome at once where there is nothing to wait for, when what the command waits for has come, or when time is up. */
export async function waitFor<T extends IntentType>(type: T, run: FinishedRunOf<T>, wait: Wait): Promise<OutcomeOf<T>> {
  const outcome = outcomeOf(type, run)
  if (outcome.failure !== undefined && wait.type !== 'items') return outcome
  const only = wait.type === 'items' && wait.call !== undefined ? callsMeant(wait.call, outcome) : undefined
  const follows = wait.type === 'items' && wait.follow
  const { environment } = run.context
  const until = follows ? Number.POSITIVE_INFINITY : environment.clock() + wait.seconds * 1000
  const files = openDownloader(until)
  const began = environment.clock()
  // What our agent has written down itself before it began to wait for something else is no answer to that.
  const written = outcome.news.flatMap(({ id, channel }) => (channel === 'answered' ? [id] : []))
  const watch = { run, wait, only, written, files, until, began, offered: began }
  try {
    return await (follows ? follow(type, watch) : waitOnce(type, watch))
  } finally {
    await files.stop()
  }
}

/** A run that goes on. `only`: what --call means; `written`: answers of the owner that were written down before. `until`, `began`: Unix ms; `offered`: when what is owed was last offered. */
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
  // A wait may be cut off by whoever started it: what goes on waiting for it is said before.
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

/** What is awaited has come, and more may be on its way. `until`: Unix ms; `items`: how many were unread then. */
type Burst = { until: number; items: number }

// "A second after the last thing of a burst, not in the middle of it." What came in long before the command began is no burst.
function burstAfter(
  burst: Burst | undefined,
  came: readonly InboxItem[],
  items: number,
  { wait, run }: Pick<Watch<IntentType>, 'wait' | 'run'>,
): Burst {
  const now = run.context.environment.clock()
  if (burst !== undefined) return items > burst.items ? { until: now + wait.settle * 1000, items } : burst
  // Until the end of the second in which it was said.
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
    // What was deleted is named when it is, since a stream need not end; what was before it began is a notice of its end.
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

/** What a command that stays is for from its second round on: to hear, to answer and to offer what is owed. */
const ROUND: StepOptions = { needs: {} }

/**
 * Waits until something comes, or a second; merges it, carries out what follows.
 * @param show called as soon as news are on disk
 * @param latest when the round is over in any case, Unix ms
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
  // What is offered again must not hold the command up: whoever runs it may end it a little later than it was told to wait.
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
  // Whoever stays for weeks deletes what is due as every command does: the keys of calls that are over.
  const isDue = isCleanUpDue(stepped.state.index, here.now)
  const deleted = isDue ? await (await import('./clean-up.ts')).deleteWhatIsDue(here) : []
  const seen = { ...run, context: here, heard, state: stepped.state, deleted: [...(run.deleted ?? []), ...deleted] }
  // It is on disk: relays that keep our answer waiting must not keep the news from being shown.
  await Promise.all([executeActions(ROUND, here, stepped), show(seen)])
  // Whoever was shown the news has marked it as read meanwhile.
  return { ...watch, run: { ...seen, state: environment.store.read() }, offered: now }
}

/** Whether an item is what the command waits for. The owner's word, an escalation and an end always are. */
function isAwaited(
  item: InboxItem,
  { wait, only, written }: Pick<Watch<IntentType>, 'wait' | 'only' | 'written'>,
  call: string | undefined,
): boolean {
  // How an end is confirmed is no item, and what else comes does not matter to it.
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

/** Whoever speaks in a call knows that it was accepted. */
function isNoReply({ type, text }: InboxItem): boolean {
  return type === 'request' || WAKES_NOBODY.includes(type) || (type === 'accept' && isBlank(text))
}

/** The calls that --call means, as they are now; of an agent also those that are still to come. */
type MeantCalls = { ids: readonly string[]; peer: string | undefined }

function isIn({ ids, peer }: MeantCalls, { call, from }: InboxItem): boolean {
  return peer === undefined ? ids.includes(call) : call !== '' && from.pubkey === peer
}

/**
 * That call, or those with an agent that are open, else the latest with it. Throws for a word that may mean several things: nobody
 * should wait for the wrong one.
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
  const past = Object.entries(state.index.calls).filter(([, { peer }]) => peer === meant.pubkey)
  const [latest] = past.sort(([, a], [, b]) => b.last - a.last)
  return { ids: latest === undefined ? [] : [latest[0]], peer: meant.pubkey }
}

// A mailbox of which a run could not read all is read on by whoever stays.
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

// A ring that has run out since the mailbox was opened needs a complete replay before it counts as missed.
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
