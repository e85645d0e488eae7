// Commands that stay until something comes: the mailbox stays open, and every second the state is looked at, since a
// parallel command may have taken in what we wait for.
import type { Intent } from '../call/intent.ts'
import type { Item } from '../call/news.ts'
import { describe, named } from '../call/pick.ts'
import { EXIT, Failure } from '../failure.ts'
import { callsOf } from '../state/book.ts'
import { collect } from './collect.ts'
import { type Heard, listen, openAll } from './listen.ts'
import { type Ended, type Outcome, outcomeOf } from './outcome.ts'
import { refreshed } from './place.ts'
import { utter } from './speak.ts'
import { take } from './turn.ts'

/** How often what other processes wrote is looked at, and how often what is owed is offered again, in ms. */
const LOOK = 1_000
const OFFER = 30_000

const ALWAYS: readonly Item['type'][] = ['escalate', 'end', 'owner']
const ANSWERS: readonly Item['type'][] = ['accept', 'reject', 'missed', 'end']

export async function stay(ended: Ended, outcome: Outcome): Promise<Outcome> {
  const { place, intent } = ended
  const seconds = waits(intent)
  if (seconds === undefined || (outcome.failure !== undefined && intent.type !== 'wait')) return outcome
  const { world } = place
  const until = world.clock() + seconds * 1000
  let offered = world.clock()
  let [now, current] = [ended, outcome]
  if (current.call !== undefined && intent.type !== 'wait') world.say(current.call.id)
  while (!current.news.some((item) => isAwaited(item, intent, current))) {
    if (world.clock() >= until || world.stopped.aborted)
      return { ...current, failure: inVain(intent, current, seconds) }
    const came = await world.pool.next(Math.min(until, world.clock() + LOOK))
    const here = refreshed(place)
    const due = world.clock() - offered > OFFER
    if (came.length > 0 || due || ringsOut(now, here.now)) {
      offered = world.clock()
      const heard = ringsOut(now, here.now)
        ? await again(now)
        : arrived(
            now,
            came.map((c) => c.event),
          )
      const turn = await take(here, { type: 'status' }, heard, { peer: undefined, peers: [], presences: [], hints: {} })
      now = { ...now, place: here, heard, book: await collect(here, await utter(here, turn, heard)) }
    } else {
      now = { ...now, place: here, book: world.store.read(current.call === undefined ? [] : [current.call.id]) }
    }
    const seen = outcomeOf(now)
    current = {
      ...seen,
      said: outcome.said,
      call: seen.calls.find((c) => c.id === outcome.call?.id) ?? seen.call,
      failure: undefined,
    }
  }
  return { ...current, failure: rejected(intent, current) }
}

function waits(intent: Intent): number | undefined {
  if (intent.type === 'wait') return intent.seconds
  return intent.type === 'call' || intent.type === 'send' ? intent.wait : undefined
}

/** Whether an item is what the command waits for. The owner's word, an escalation and an end always are. */
function isAwaited(item: Item, intent: Intent, { call, calls, people }: Outcome): boolean {
  if (item.type === 'owner') return true
  if (intent.type === 'call') return item.call === call?.id && ANSWERS.includes(item.type)
  if (intent.type === 'send') return item.call === call?.id && item.type !== 'request'
  if (intent.type !== 'wait') return true
  if (intent.call !== undefined && !named(calls, intent.call, people).some((c) => c.id === item.call)) return false
  return intent.for.length === 0 || intent.for.includes(item.type) || ALWAYS.includes(item.type)
}

// A ring that has run out since the mailbox was opened needs a complete replay before it counts as missed.
function ringsOut({ heard, book, place }: Ended, now: number): boolean {
  const calls = callsOf(book, place.world.keys.pubkey, now)
  return calls.some(
    (c) => c.phase === 'ringing' && now > c.deadline && !heard.replayed.some((r) => r.began > c.deadline),
  )
}

async function again({ place }: Ended): Promise<Heard> {
  const here = refreshed(place)
  return await listen(here, place.world.store.read().index, { peers: [], everybody: false, deep: false, live: false })
}

function arrived({ place, heard }: Ended, events: Parameters<typeof openAll>[1]): Heard {
  const { seen } = place.world.store.read().index
  const fresh = events.filter((e) => seen[e.id] === undefined)
  return { ...heard, opened: openAll(refreshed(place), fresh), replayed: [], public: [], answers: [], asked: [] }
}

function rejected(intent: Intent, { call, people }: Outcome): Failure | undefined {
  if (intent.type !== 'call' || call === undefined || call.phase === 'active') return undefined
  const who = describe(call, people)
  if (call.phase === 'rejected')
    return new Failure('REJECTED', EXIT.rejected, `${who} rejected the call`, '`p2p list` shows who else is on line')
  return new Failure('NO_ANSWER', EXIT.waited, `${who} did not take the call (${call.phase})`, '`p2p call` calls again')
}

function inVain(intent: Intent, { call }: Outcome, seconds: number): Failure {
  const which = call === undefined ? '' : ` --call ${call.id.slice(0, 8)}`
  const what = intent.type === 'call' ? 'no answer' : 'nothing'
  return new Failure(
    'TIMED_OUT',
    EXIT.waited,
    `${what} came within ${seconds} s`,
    `\`p2p wait${which}\` goes on waiting`,
  )
}
