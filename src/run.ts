// One run, top to bottom: load what we know, hear what is new, decide and write it down, say it, write down what came of
// it. The only place where pure meets impure.
import { type Intent, isLarge } from './call/intent.ts'
import { aheadTo, joined, speakAhead } from './run/ahead.ts'
import { carry } from './run/carry.ts'
import { curious, lookAt, whom } from './run/curious.ts'
import { entire } from './run/entire.ts'
import { acquaint, alone, announce, fetchFor, local, parting, stay, uploaded, wake } from './run/late.ts'
import { listen } from './run/listen.ts'
import { type Outcome, outcomeOf } from './run/outcome.ts'
import { onTime, type Place, refreshed } from './run/place.ts'
import { take } from './run/turn.ts'

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
  const curiosity = curious(intent, known.index, wanted, place.world.ownerKey)
  // A message in an active call does not wait for what there is to hear.
  const to = aheadTo(intent, place, known)
  if (to !== undefined) await place.world.pool.warm([...place.world.relays.inbox, ...to])
  const [heard, ahead] = await Promise.all([
    listen(place, known.index, curiosity),
    to === undefined ? undefined : speakAhead(intent, place),
  ])
  const here = onTime(place, heard.clockAhead)
  const left: Intent = ahead === undefined ? intent : { type: 'status' }
  const turn = await take(here, left, heard, lookAt(heard, wanted, here), ahead?.uttered)
  const [carried, posted] = await Promise.all([
    carry(here, turn),
    announce(intent, here, turn),
    acquaint(here, heard, turn.state),
  ])

  const state = entire(intent, here, await fetchFor(purpose, here, carried.state))

  const ended = { place: here, intent, heard, turn: joined(turn, ahead), ...carried, state, posted }
  const outcome = await parting(await stay(ended, outcomeOf(ended)), here)
  return { ...outcome, notices: [...outcome.notices, ...(await wake(intent, here, outcome))] }
}
