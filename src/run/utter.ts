// Publishing what a turn owes, and what the relays answered; once more to peers who turn out to have moved.

import { recordLettersSent } from '../state/letters.ts'
import { recordPublished } from '../state/outbox.ts'
import { doubtPeers, rememberPeers } from '../state/peer-memory.ts'
import { recordReceiptsTaken } from '../state/receipts.ts'
import { callsOf, type State } from '../state/state.ts'
import { openLedger } from './ledger.ts'
import { lookAgain } from './lookup.ts'
import { type Place, speakerOf } from './place.ts'
import { routeTo } from './route.ts'
import { type Outgoing, type Spoken, speak } from './speak.ts'
import type { Turn, Uttered } from './turn.ts'

/** What is said in so few letters is over before it could be cut short. */
const FEW = 3

/** Undefined where there was nothing to say. */
export async function utter(place: Place, turn: Turn): Promise<Uttered | undefined> {
  const { world, now } = place
  if (turn.dues.length === 0 && turn.acks.length === 0) return undefined
  const calls = callsOf(turn.state, world.keys.pubkey, now)
  const routeIn = (state: State) => (peer: string) => routeTo(place, state, calls, peer)
  const outgoing = { ...turn, route: routeIn(turn.state), stamp: now }
  const ledger = openLedger(place)
  const first = await speak(place, outgoing, turn.dues.length > FEW ? ledger.note : undefined)
  const written = await ledger.close()
  const seen = await lookAgain(place, turn.state.index, first.lost)
  const { lost, ...second } = await speakAgain(place, outgoing, first, routeIn(rememberPeers(turn.state, seen, now)))
  const credits = [...first.credits.filter((c) => !written.has(c.rumor)), ...second.credits]
  const acked = [...first.told, ...second.told]
  return {
    touched: [...credits, ...acked].map((c) => c.call).filter((call) => call !== ''),
    callsOnly: credits.length === 0 && first.lost.length === 0,
    note(fresh) {
      const speaker = speakerOf(place)
      const met = doubtPeers(rememberPeers(fresh, seen, now), lost)
      return recordReceiptsTaken(recordPublished(recordLettersSent(met, credits, speaker), credits, speaker), acked)
    },
  }
}

/** The same wraps to the peers who read elsewhere by now, as `route` has it. `lost`: who is so after both tries. */
async function speakAgain(
  place: Place,
  outgoing: Outgoing,
  { credits, lost }: Spoken,
  route: Outgoing['route'],
): Promise<Spoken> {
  const moved = lost.filter((peer) => {
    const before = outgoing.route(peer).relays
    return route(peer).relays.some((url) => !before.includes(url))
  })
  if (moved.length === 0) return { credits: [], told: [], lost }
  const dues = outgoing.dues.filter(({ to }) => moved.includes(to))
  const spoken = await speak(place, {
    dues: dues.map((due) => ({ ...due, wrap: credits.find((c) => c.rumor === due.rumor.id)?.wrap ?? due.wrap })),
    acks: outgoing.acks.filter(({ to }) => moved.includes(to)),
    route,
    stamp: outgoing.stamp,
  })
  return { ...spoken, lost: lost.filter((peer) => !moved.includes(peer) || spoken.lost.includes(peer)) }
}
