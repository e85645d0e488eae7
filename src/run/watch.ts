// A command that stays: the mailbox stays open, and every second the state is looked at, since a parallel command may have
// taken in what is waited for.
import { callsOf } from '../state/state.ts'
import { carry } from './carry.ts'
import type { Ended } from './ended.ts'
import { openFetcher } from './fetch.ts'
import { type Heard, listen } from './listen.ts'
import { openInTime } from './open.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { onTime, refreshed } from './place.ts'
import { NOBODY, take } from './turn.ts'

/** How often what other processes wrote is looked at, and how often what is owed is offered again, in ms. */
const LOOK = 1_000
const OFFER = 30_000

/** The outcome so far, again and again: at once, whenever something came in, and every second; until `until` (Unix ms). */
export async function* watch(ended: Ended, until: number): AsyncGenerator<Outcome> {
  yield outcomeOf(ended)
  const fetcher = openFetcher(until)
  try {
    fetcher.begin(ended.place, ended.state)
    for await (const now of changes(ended, until)) {
      fetcher.begin(now.place, now.state)
      yield outcomeOf(now)
    }
  } finally {
    await fetcher.stop()
  }
}

async function* changes(ended: Ended, until: number): AsyncGenerator<Ended> {
  const { world } = ended.place
  let now = ended
  let offered = world.clock()
  while (world.clock() < until && !world.stopped.aborted) {
    const came = await world.pool.next(Math.min(until, world.clock() + LOOK))
    const place = refreshed(now.place)
    const rung = ringsOut(now, place.now)
    if (came.length === 0 && !rung && world.clock() - offered < OFFER) {
      now = { ...now, place, state: world.store.read() }
    } else {
      offered = world.clock()
      const events = came.map((c) => c.event)
      const heard = rung ? await again({ ...now, place }) : await arrived({ ...now, place }, events)
      const here = onTime(place, heard.clockAhead)
      const turn = await take(here, { type: 'status' }, heard, NOBODY)
      now = { ...now, place: here, heard, state: turn.state }
      const carrying = carry(here, turn)
      // It is awaited below, but may fail before that.
      carrying.catch(() => {})
      try {
        // It is on disk: relays that keep our answer waiting must not keep the news from being shown.
        yield now
      } finally {
        // Whoever was shown the news has marked it as read meanwhile.
        now = { ...now, ...(await carrying), state: world.store.read() }
      }
    }
    yield now
  }
}

// A ring that has run out since the mailbox was opened needs a complete replay before it counts as missed.
function ringsOut({ heard, state, place }: Ended, now: number): boolean {
  const calls = callsOf(state, place.world.keys.pubkey, now)
  return calls.some(
    (c) => c.phase === 'ringing' && now > c.deadline && !heard.replayed.some((r) => r.began > c.deadline),
  )
}

async function again({ place }: Ended): Promise<Heard> {
  const { index } = place.world.store.read()
  return await listen(place, index, { peers: [], hints: {}, everybody: false, deep: false, live: false })
}

async function arrived({ place, heard }: Ended, events: Parameters<typeof openInTime>[1]): Promise<Heard> {
  const { seen } = place.world.store.read().index
  const fresh = events.filter((e) => seen[e.id] === undefined)
  return { ...heard, opened: await openInTime(place, fresh), public: [], answers: [], asked: [] }
}
