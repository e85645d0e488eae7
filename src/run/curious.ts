// What a command wants to know beside its mailbox, and what it found out.
import type { Intent } from '../call/intent.ts'
import { readPresences } from '../call/presence.ts'
import type { Index } from '../state/state.ts'
import { among, type Found, find } from './find.ts'
import type { Curiosity, Heard } from './listen.ts'
import { lookedUp } from './lookup.ts'
import type { Place } from './place.ts'
import type { Looked } from './turn.ts'

/** Most peers whose lists one run looks up. */
const MOST = 20

/** Whom `call` means, as far as it can be told without asking a relay. */
export async function whom(intent: Intent, place: Place): Promise<Found | undefined> {
  if (intent.type !== 'call') return undefined
  // The relays are dialed while a domain is asked.
  void place.world.pool.warm(place.world.relays.inbox)
  return await find(intent.agent, place)
}

export function curious(intent: Intent, index: Index, wanted: Found | undefined, owner: string | undefined): Curiosity {
  const open = Object.values(index.calls).flatMap((call) => (call.open ? [call.peer] : []))
  // Looked up with the replay, so that a letter costs no second round trip.
  const written = Object.values(index.letters).map((letter) => letter.to)
  const asked = intent.type === 'escalate' && owner !== undefined ? [owner] : []
  const callee = wanted !== undefined && 'pubkey' in wanted ? wanted : undefined
  return {
    peers: [...new Set([...(callee === undefined ? [] : [callee.pubkey]), ...asked, ...written, ...open])].slice(
      0,
      MOST,
    ),
    hints: callee === undefined ? {} : { [callee.pubkey]: callee.relays },
    everybody: intent.type === 'list' || (wanted !== undefined && 'name' in wanted),
    deep: intent.type === 'inbox' && intent.deep,
    live: intent.type === 'wait' || ((intent.type === 'call' || intent.type === 'send') && intent.wait !== undefined),
  }
}

/** Throws NO_SUCH_AGENT and AGENT_AMBIGUOUS for a name that nobody on line, or more than one, has. */
export function lookAt(heard: Heard, wanted: Found | undefined, { now }: Place): Looked {
  const presences = readPresences(heard.public, now)
  const peers = lookedUp(heard.answers, heard.public, heard.asked)
  if (wanted === undefined) return { peer: undefined, peers, presences, hints: {} }
  if ('name' in wanted) {
    const peer = among(presences, wanted.name)
    // Its presence says where it reads; the list is looked up with the next command.
    const relays = presences.find((p) => p.pubkey === peer)?.relays ?? []
    return { peer, peers, presences, hints: { [peer]: relays } }
  }
  const hints = wanted.relays.length === 0 ? {} : { [wanted.pubkey]: wanted.relays }
  return { peer: wanted.pubkey, peers, presences, hints }
}
