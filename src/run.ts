// One run, top to bottom: load what we know, hear what is new, decide and write it down, say it, write down what came of
// it. The only place where pure meets impure.
import type { Intent } from './call/intent.ts'
import { alone } from './run/alone.ts'
import { announce } from './run/announce.ts'
import { carry } from './run/carry.ts'
import { curious, lookAt, whom } from './run/curious.ts'
import { entire } from './run/entire.ts'
import { fetchFor } from './run/fetch.ts'
import { listen } from './run/listen.ts'
import { local } from './run/local.ts'
import { type Outcome, outcomeOf } from './run/outcome.ts'
import { parting } from './run/parting.ts'
import { onTime, type Place, refreshed } from './run/place.ts'
import { take } from './run/turn.ts'
import { isLarge, uploaded } from './run/upload.ts'
import { stay } from './run/wait.ts'
import { wake } from './run/wake.ts'

export async function run(intent: Intent, place: Place): Promise<Outcome> {
  if (intent.type === 'announce') return await alone(intent, place, (then) => round(intent, then))
  const { server } = place.world.config.file
  if (!isLarge(intent) || server === undefined) return await round(intent, place)
  const before = await round({ type: 'status' }, place, intent)
  const ready = await uploaded(intent, server, place, before)
  return await round(ready, refreshed(place))
}

/** @param purpose what the user wants in the end, where the round only prepares it */
async function round(intent: Intent, place: Place, purpose = intent): Promise<Outcome> {
  const known = place.world.store.read()
  const answered = await local(intent, place, known)
  if (answered !== undefined) return answered

  const wanted = await whom(intent, place)
  const heard = await listen(place, known.index, curious(intent, known.index, wanted, place.world.ownerKey))
  const here = onTime(place, heard.clockAhead)
  const turn = await take(here, intent, heard, lookAt(heard, wanted, here))
  const [carried, posted] = await Promise.all([carry(here, turn), announce(intent, here, turn)])

  const book = entire(intent, here, await fetchFor(purpose, here, carried.book))

  const ended = { place: here, intent, heard, turn, ...carried, book, posted }
  const outcome = parting(await stay(ended, outcomeOf(ended)), here)
  return { ...outcome, notices: [...outcome.notices, ...(await wake(intent, here, outcome))] }
}
