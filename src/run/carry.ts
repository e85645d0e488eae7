// Carrying out a turn: peers are told through relays and the owner through its channels, side by side.
import type { OwnerTold } from '../state/escalations.ts'
import type { State } from '../state/state.ts'
import { collect } from './collect.ts'
import { type Escalated, inform, settle } from './escalate.ts'
import type { Place } from './place.ts'
import type { Turn, Uttered } from './turn.ts'
import { utter } from './utter.ts'

/** `escalation`: what came of the one that the command is; `answers`: of all that the owner was told, by channel. */
export type Carried = { state: State; escalation: Escalated | undefined; answers: readonly OwnerTold[] }

export async function carry(place: Place, turn: Turn): Promise<Carried> {
  const [uttered, answers] = await Promise.all([utter(place, turn), inform(place, turn)])
  const said = uttered === undefined ? turn.state : await writtenDown(place, uttered)
  const { state, escalation } = await settle(place, turn, said, answers)
  return { state: await collect(place, state), escalation, answers }
}

async function writtenDown({ world }: Place, { touched, note, callsOnly }: Uttered): Promise<State> {
  return await world.store.update(touched, (fresh) => {
    const snapshot = note(fresh)
    return { snapshot, value: snapshot, callsOnly }
  })
}
