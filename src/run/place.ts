// Where and when a run happens: the world, the second it began, and the calls it may mean.

import type { Log } from '../call/log.ts'
import type { Item } from '../call/news.ts'
import { type Agent, agentOf, type People } from '../call/people.ts'
import type { World } from '../io/world.ts'
import type { Index } from '../state/book.ts'
import type { Speaker } from '../state/say.ts'

export type Place = {
  world: World<Index, Log>
  /** Unix seconds: time enters a run once. */
  now: number
  /** Unix ms by which the network must have answered. */
  deadline: number
  people: People
  /** Prints a line before the outcome: on stdout for a reader, on stderr for a program. */
  say: (line: string) => void
  /** Prints one item of a stream (`wait --follow`) and resolves when it is out. */
  emit: (item: Item) => Promise<void>
  /** The call that --call names. */
  selector: string | undefined
}

/** The same place, now: for a command that stays. */
export function refreshed(place: Place): Place {
  const ms = place.world.clock()
  return { ...place, now: Math.floor(ms / 1000), deadline: ms + place.world.budget }
}

/** Ourselves, under the name that we give ourselves; "" for none. */
export function selfOf({ world }: Place, people: People): Agent {
  return { ...agentOf(people, world.keys.pubkey), name: world.config.name }
}

export function speakerOf({ world, now }: Place): Speaker {
  return { me: world.keys.pubkey, now, pid: world.pid }
}
