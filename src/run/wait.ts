// Commands that stay until what they wait for has come: `wait`, `call --wait`, `send --wait`, and `wait --follow`.
// A command that stays: the mailbox stays open, and every second the state is looked at, since a parallel command may have
// taken in what is waited for.
import type { InboxItem } from '../call/inbox-items.ts'
import type { Intent, IntentType } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import { callsMatching, peerLabel } from '../call/select-call.ts'
import { EXIT, Failure } from '../errors.ts'
import { directoryOf } from '../state/directory.ts'
import { callsOf } from '../state/state.ts'
import { refreshContext, withRelayClock } from './context.ts'
import { execute } from './deliver.ts'
import { openDownloader } from './download.ts'
import type { FinishedRun, FinishedRunOf } from './finished-run.ts'
import { type CommonOutcome, markShown, type OutcomeOf, outcomeOf, type SpokenOutcome } from './outcome.ts'
import { runStep } from './step.ts'
import { NOBODY_LOOKED_UP, type SyncResult, sync } from './sync.ts'
import { unwrapInTime } from './unwrap.ts'

const ALWAYS_AWAITED: readonly InboxItem['type'][] = ['escalate', 'end', 'owner']
const CALL_ANSWERS: readonly InboxItem['type'][] = ['accept', 'reject', 'missed', 'end']

/** The outcome at once, or when what the command waits for has come, or time is up. */
export async function waitFor<T extends IntentType>(
  type: T,
  finished: FinishedRunOf<T>,
  outcome: OutcomeOf<T>,
): Promise<OutcomeOf<T>> {
  const { context } = finished
  const intent: Intent = finished.intent
  const seconds = waitSeconds(intent)
  if (seconds === undefined || (outcome.failure !== undefined && intent.type !== 'wait')) return outcome
  if (intent.type === 'wait' && intent.call !== undefined) callsAwaited(intent.call, outcome)
  if (intent.type === 'wait' && intent.follow) return await followItems(type, finished, outcome)
  const about = callIn(outcome)
  // A wait may be cut off by whoever started it: what goes on waiting for it is said before.
  if (about !== undefined)
    context.say(`call ${about.id}: waiting for ${intent.type === 'call' ? 'the answer' : 'a reply'}`)
  let last = outcome
  for await (const seen of watch(type, finished, context.environment.clock() + seconds * 1000)) {
    const call = callIn(seen) ?? about
    last = { ...seen, ...('call' in seen ? { call } : {}), failure: undefined }
    if (last.news.some((item) => isAwaited(item, intent, last, call)))
      return { ...last, failure: notTaken(intent, last, call) }
  }
  return { ...last, failure: timedOut(intent, callIn(last), seconds) }
}

// Each item is on disk before it is printed, and read only once it has been.
async function followItems<T extends IntentType>(
  type: T,
  finished: FinishedRunOf<T>,
  outcome: OutcomeOf<T>,
): Promise<OutcomeOf<T>> {
  const { context, intent } = finished
  for await (const seen of watch(type, finished, Number.POSITIVE_INFINITY)) {
    const printed: InboxItem[] = []
    for (const item of seen.news.filter((i) => isAwaited(i, intent, seen, undefined))) {
      if (context.environment.stopped.aborted) break
      await context.emit(item)
      printed.push(item)
    }
    await markShown(context, printed)
  }
  return { ...outcome, news: [], failure: undefined }
}

function callIn(outcome: object): Call | undefined {
  return 'call' in outcome ? (outcome as SpokenOutcome).call : undefined
}

function waitSeconds(intent: Intent): number | undefined {
  if (intent.type === 'wait') return intent.seconds
  return intent.type === 'call' || intent.type === 'send' ? intent.wait : undefined
}

/** Whether an item is what the command waits for. The owner's word, an escalation and an end always are. */
function isAwaited(item: InboxItem, intent: Intent, outcome: CommonOutcome, call: Call | undefined): boolean {
  if (item.type === 'owner') return true
  if (intent.type === 'call') return item.call === call?.id && CALL_ANSWERS.includes(item.type)
  if (intent.type === 'send') return item.call === call?.id && item.type !== 'request'
  if (intent.type !== 'wait') return true
  if (intent.call !== undefined && !callsAwaited(intent.call, outcome).some((c) => c.id === item.call)) return false
  return intent.for.length === 0 || intent.for.includes(item.type) || ALWAYS_AWAITED.includes(item.type)
}

/** Throws for a word that may mean several calls: nobody should wait for the wrong one. */
function callsAwaited(selector: string, { calls, people, state }: CommonOutcome): readonly Call[] {
  const meant = callsMatching(calls, selector, directoryOf(state.index, people, 'callers'))
  if (meant instanceof Failure) throw meant
  return meant
}

/** Why a call that was answered is not one to speak in. */
function notTaken(intent: Intent, { people }: CommonOutcome, call: Call | undefined): Failure | undefined {
  if (intent.type !== 'call' || call === undefined || call.phase === 'active') return undefined
  const who = peerLabel(call, people)
  if (call.phase === 'rejected') {
    return new Failure('REJECTED', EXIT.rejected, `${who} rejected the call`, '`p2p list` shows who else is on line')
  }
  return new Failure('NO_ANSWER', EXIT.waited, `${who} did not take the call (${call.phase})`, '`p2p call` calls again')
}

function timedOut(intent: Intent, call: Call | undefined, seconds: number): Failure {
  const which = call === undefined ? '' : ` --call ${call.id.slice(0, 8)}`
  const what = intent.type === 'call' ? 'no answer' : 'nothing'
  return new Failure(
    'TIMED_OUT',
    EXIT.waited,
    `${what} came within ${seconds} s`,
    `\`p2p wait${which}\` goes on waiting`,
  )
}

/** How often what other processes wrote is looked at, and how often what is owed is offered again, in ms. */
const LOOK_EVERY = 1_000
const OFFER_EVERY = 30_000

/** The outcome so far, again and again: at once, whenever something came in, and every second; until `until` (Unix ms). */
async function* watch<T extends IntentType>(
  type: T,
  finished: FinishedRunOf<T>,
  until: number,
): AsyncGenerator<OutcomeOf<T>> {
  yield outcomeOf(type, finished)
  const fetcher = openDownloader(until)
  try {
    fetcher.begin(finished.context, finished.state)
    for await (const now of changes(finished, until)) {
      fetcher.begin(now.context, now.state)
      yield outcomeOf(type, now)
    }
  } finally {
    await fetcher.stop()
  }
}

async function* changes<R extends FinishedRun>(finished: R, until: number): AsyncGenerator<R> {
  const { environment } = finished.context
  let now = finished
  let offered = environment.clock()
  while (environment.clock() < until && !environment.stopped.aborted) {
    const came = await environment.pool.next(Math.min(until, environment.clock() + LOOK_EVERY))
    const context = refreshContext(now.context)
    const rung = hasRungOut(now, context.now)
    if (came.length === 0 && !rung && environment.clock() - offered < OFFER_EVERY) {
      now = { ...now, context, state: environment.store.read() }
    } else {
      offered = environment.clock()
      const events = came.map((c) => c.event)
      const heard = rung ? await syncAgain({ ...now, context }) : await unwrapArrived({ ...now, context }, events)
      const here = withRelayClock(context, heard.clockAhead)
      const result = await runStep(here, { type: 'status' }, heard, NOBODY_LOOKED_UP)
      now = { ...now, context: here, heard, state: result.state }
      const carrying = execute(here, result)
      // It is awaited below, but may fail before that.
      carrying.catch(() => {})
      try {
        // It is on disk: relays that keep our answer waiting must not keep the news from being shown.
        yield now
      } finally {
        // Whoever was shown the news has marked it as read meanwhile.
        now = { ...now, ...(await carrying), state: environment.store.read() }
      }
    }
    yield now
  }
}

// A ring that has run out since the mailbox was opened needs a complete replay before it counts as missed.
function hasRungOut({ heard, state, context }: FinishedRun, now: number): boolean {
  const calls = callsOf(state, context.environment.keys.pubkey, now)
  return calls.some(
    (c) => c.phase === 'ringing' && now > c.deadline && !heard.replayed.some((r) => r.began > c.deadline),
  )
}

async function syncAgain({ context }: FinishedRun): Promise<SyncResult> {
  const { index } = context.environment.store.read()
  return await sync(context, index, { peers: [], hints: {}, online: undefined, deep: false, live: false })
}

async function unwrapArrived(
  { context, heard }: FinishedRun,
  events: Parameters<typeof unwrapInTime>[1],
): Promise<SyncResult> {
  const { seen } = context.environment.store.read().index
  const fresh = events.filter((e) => seen[e.id] === undefined)
  return { ...heard, opened: await unwrapInTime(context, fresh), public: [], answers: [], asked: [] }
}
