// Commands that stay until what they wait for has come: `wait`, `call --wait`, `send --wait`, and `wait --follow`. The mailbox stays
// open, and every second the state is looked at, since a parallel command may have taken in what is waited for.
import type { InboxItem } from '../call/inbox-items.ts'
import type { IntentType } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import { callsMatching, peerLabel } from '../call/select-call.ts'
import { EXIT, Failure } from '../errors.ts'
import type { Event } from '../nostr/event.ts'
import { directoryOf } from '../state/directory.ts'
import { callsOf } from '../state/state.ts'
import type { Plan } from './action.ts'
import { type RunContext, refreshContext, withRelayClock } from './context.ts'
import { type Downloader, openDownloader } from './downloader.ts'
import { carryOut } from './execute.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import type { Wait } from './needs.ts'
import { type CommonOutcome, markShown, type OutcomeOf, outcomeOf } from './outcome.ts'
import { saveStep } from './step.ts'
import { type SyncResult, sync } from './sync.ts'
import { unwrapInTime } from './unwrap.ts'

const ALWAYS_AWAITED: readonly InboxItem['type'][] = ['escalate', 'end', 'owner']
/** "`progress` … wakes nobody: no `wait` returns for it unless asked to." */
const AWAKENS_NOBODY: readonly InboxItem['type'][] = ['progress']
const CALL_ANSWERS: readonly InboxItem['type'][] = ['accept', 'reject', 'missed', 'end']

/** How often what other processes wrote is looked at, and how often what is owed is offered again, in ms. */
const LOOK_EVERY = 1_000
const OFFER_EVERY = 30_000

/** The outcome at once where there is nothing to wait for, when what the command waits for has come, or when time is up. */
export async function waitFor<T extends IntentType>(type: T, run: FinishedRunOf<T>, wait: Wait): Promise<OutcomeOf<T>> {
  const outcome = outcomeOf(type, run)
  if (outcome.failure !== undefined && wait.type !== 'items') return outcome
  if (wait.type === 'items' && wait.call !== undefined) callsAwaited(wait.call, outcome)
  const follows = wait.type === 'items' && wait.follow
  const { environment } = run.context
  const until = follows ? Number.POSITIVE_INFINITY : environment.clock() + wait.seconds * 1000
  const files = openDownloader(until)
  const watch = { run, wait, files, until, offered: environment.clock() }
  try {
    return await (follows ? follow(type, watch) : stay(type, watch))
  } finally {
    await files.stop()
  }
}

/** A run that goes on. `until`: Unix ms; `offered`: when what is owed was last offered. */
type Watch<T extends IntentType> = {
  run: FinishedRunOf<T>
  wait: Wait
  files: Downloader
  until: number
  offered: number
}

async function stay<T extends IntentType>(type: T, begun: Watch<T>): Promise<OutcomeOf<T>> {
  const { wait } = begun
  let [watch, call] = [begun, callOfRun(begun.run)]
  // A wait may be cut off by whoever started it: what goes on waiting for it is said before.
  if (call !== undefined)
    begun.run.context.say(`call ${call.id}: waiting for ${wait.type === 'answer' ? 'the answer' : 'a reply'}`)
  for (;;) {
    const seen = outcomeOf(type, watch.run)
    call = callOfRun(watch.run) ?? call
    const outcome = { ...seen, ...('call' in seen ? { call } : {}), failure: undefined }
    if (seen.news.some((item) => isAwaited(item, wait, seen, call)))
      return { ...outcome, failure: notTaken(wait, call, seen) }
    if (isOver(watch)) return { ...outcome, failure: timedOut(wait, call) }
    watch = await nextRound(watch, async () => {})
  }
}

async function follow<T extends IntentType>(type: T, begun: Watch<T>): Promise<OutcomeOf<T>> {
  const { context } = begun.run
  // Each item is on disk before it is printed, and read only once it has been.
  const show = async (run: FinishedRunOf<T>): Promise<OutcomeOf<T>> => {
    const seen = outcomeOf(type, run)
    const printed: InboxItem[] = []
    for (const item of seen.news.filter((i) => isAwaited(i, begun.wait, seen, undefined))) {
      if (context.environment.stopped.aborted) break
      await context.emit(item)
      printed.push(item)
    }
    await markShown(context, printed)
    return seen
  }
  const outcome = await show(begun.run)
  for (let watch = begun; !isOver(watch); await show(watch.run)) watch = await nextRound(watch, show)
  return { ...outcome, news: [], failure: undefined }
}

function isOver({ run, until }: Pick<Watch<IntentType>, 'run' | 'until'>): boolean {
  const { environment } = run.context
  return environment.clock() >= until || environment.stopped.aborted
}

function callOfRun({ context, state, decided }: FinishedRun): Call | undefined {
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  return calls.find((c) => c.id === decided?.said[0]?.call)
}

/** What a command that stays is for from its second round on: to hear, to answer and to offer what is owed. */
const ROUND: Plan = { needs: {} }

/** Waits until something comes, or a second; merges it, carries out what follows. @param show called as soon as news are on disk */
async function nextRound<T extends IntentType>(
  watch: Watch<T>,
  show: (run: FinishedRunOf<T>) => Promise<unknown>,
): Promise<Watch<T>> {
  const { run, until, offered, files } = watch
  const { environment } = run.context
  files.begin(run.context, run.state)
  const came = await environment.pool.next(Math.min(until, environment.clock() + LOOK_EVERY))
  const context = refreshContext(run.context)
  const now = environment.clock()
  const rung = hasRungOut(run, context.now)
  if (came.length === 0 && !rung && now - offered < OFFER_EVERY)
    return { ...watch, run: { ...run, context, state: environment.store.read() } }
  const events = came.map((c) => c.event)
  const heard = rung ? await syncAgain(context) : await unwrapArrived(context, run.heard, events)
  const here = withRelayClock(context, heard.clock)
  const stepped = await saveStep({ heard }, ROUND, here)
  const seen = { ...run, context: here, heard, state: stepped.state }
  // It is on disk: relays that keep our answer waiting must not keep the news from being shown.
  await Promise.all([carryOut(ROUND, here, stepped), show(seen)])
  // Whoever was shown the news has marked it as read meanwhile.
  return { ...watch, run: { ...seen, state: environment.store.read() }, offered: now }
}

/** Whether an item is what the command waits for. The owner's word, an escalation and an end always are. */
function isAwaited(item: InboxItem, wait: Wait, outcome: CommonOutcome, call: Call | undefined): boolean {
  if (item.type === 'owner') return true
  if (wait.type === 'answer') return item.call === call?.id && CALL_ANSWERS.includes(item.type)
  if (wait.type === 'reply')
    return item.call === call?.id && item.type !== 'request' && !AWAKENS_NOBODY.includes(item.type)
  if (wait.call !== undefined && !callsAwaited(wait.call, outcome).some((c) => c.id === item.call)) return false
  if (wait.for.length === 0) return !AWAKENS_NOBODY.includes(item.type)
  return wait.for.includes(item.type) || ALWAYS_AWAITED.includes(item.type)
}

/** Throws for a word that may mean several calls: nobody should wait for the wrong one. */
function callsAwaited(selector: string, { calls, people, state }: CommonOutcome): readonly Call[] {
  const meant = callsMatching(calls, selector, directoryOf(state.index, people, 'callers'))
  if (meant instanceof Failure) throw meant
  return meant
}

/** Why a call that was answered is not one to speak in. */
function notTaken({ type }: Wait, call: Call | undefined, { people }: CommonOutcome): Failure | undefined {
  if (type !== 'answer' || call === undefined || call.phase === 'active') return undefined
  const who = peerLabel(call, people)
  if (call.phase === 'rejected') {
    return new Failure('REJECTED', EXIT.rejected, `${who} rejected the call`, '`p2p list` shows who else is on line')
  }
  return new Failure('NO_ANSWER', EXIT.waited, `${who} did not take the call (${call.phase})`, '`p2p call` calls again')
}

function timedOut({ type, seconds }: Wait, call: Call | undefined): Failure {
  const which = call === undefined ? '' : ` --call ${call.id.slice(0, 8)}`
  const what = type === 'answer' ? 'no answer' : 'nothing'
  return new Failure(
    'TIMED_OUT',
    EXIT.waited,
    `${what} came within ${seconds} s`,
    `\`p2p wait${which}\` goes on waiting`,
  )
}

// A ring that has run out since the mailbox was opened needs a complete replay before it counts as missed.
function hasRungOut({ heard, state, context }: FinishedRun, now: number): boolean {
  const calls = callsOf(state, context.environment.keys.pubkey, now)
  return calls.some(
    (c) => c.phase === 'ringing' && now > c.deadline && !heard.replayed.some((r) => r.began > c.deadline),
  )
}

async function syncAgain(context: RunContext): Promise<SyncResult> {
  const { index } = context.environment.store.read()
  return await sync(context, index, { peers: [], hints: {}, online: undefined, deep: false, live: false })
}

async function unwrapArrived(context: RunContext, heard: SyncResult, events: readonly Event[]): Promise<SyncResult> {
  const { seen } = context.environment.store.read().index
  const fresh = events.filter((e) => seen[e.id] === undefined)
  return { ...heard, opened: await unwrapInTime(context, fresh), public: [], answers: [], asked: [] }
}
