// Telling the owner: everything due, through every channel at once, and what came of it.
import { defuseMarkup, type Escalation, escalationText } from '../call/escalation.ts'
import { relaySaid } from '../call/wording.ts'
import type { OwnerChannel } from '../io/owner/channels.ts'
import { type DueEscalation, type OwnerTold, recordOwnerTold } from '../state/escalations.ts'
import { delivery } from '../state/outbox.ts'
import type { State } from '../state/state.ts'
import { answerBy } from './appeal.ts'
import type { Place } from './place.ts'
import type { Turn } from './turn.ts'

/** One way in which somebody was to be told, and why it did not work where it did not. */
export type Told = { channel: 'peer' | 'nostr' | OwnerChannel | 'log'; ok: boolean; error?: string }

export type Escalated = { id: string; channels: Told[] }

/** The share of the network budget that a channel has: 5 s of the usual 8. */
const SHARE = 5 / 8
const LONGEST = 60_000

/** Relays that took all the time there was must not keep the owner from being told, in ms. */
const AT_LEAST = 3_000

/** Tells the owner what is due. Never rejects. */
export async function inform(place: Place, { appeals }: Turn): Promise<OwnerTold[]> {
  const { owner } = place.world
  const ms = patience(place)
  return await Promise.all(
    appeals.map(async ({ escalation, channels }) => {
      const text = defuseMarkup(escalationText(escalation, answerBy(place.world.config.owner.npub)))
      const notice = { id: escalation.id, facts: escalation, text }
      const now = owner.channels.filter((channel) => channels.includes(channel))
      const results = await Promise.all(now.map(async (channel) => [channel, await owner.tell(channel, notice, ms)]))
      return { id: escalation.id, results: Object.fromEntries(results) }
    }),
  )
}

/** Writes down what came of it: the log's line of each new escalation, and what is to be tried again. */
export async function settle(
  place: Place,
  { appeals, asked }: Turn,
  state: State,
  answers: readonly OwnerTold[],
): Promise<{ state: State; escalation: Escalated | undefined }> {
  if (appeals.length === 0) return { state, escalation: undefined }
  const { world, now } = place
  const logged = appeals.filter((due) => due.fresh).map((due) => log(place, due, state, answers))
  const change = (fresh: State) => recordOwnerTold(fresh, answers, world.owner.channels, now)
  await world.store.update([], (fresh) => ({ snapshot: change(fresh), value: undefined }))
  return { state: change(state), escalation: logged.find(({ id }) => id === asked?.id) }
}

function patience({ world, deadline }: Place): number {
  const share = Math.min(LONGEST, world.budget * SHARE)
  return Math.max(Math.min(share, AT_LEAST), Math.min(share, deadline - world.clock()))
}

function log(place: Place, due: DueEscalation, state: State, answers: readonly OwnerTold[]): Escalated {
  const { escalation, channels } = due
  const results = answers.find((a) => a.id === escalation.id)?.results ?? {}
  const { owner } = place.world
  const told: Told[] = [
    ...peer(escalation, state),
    ...nostr(place, due, state),
    ...owner.channels.filter((c) => channels.includes(c)).map((channel) => toldBy(channel, results[channel])),
  ]
  const error = owner.log({ ...escalation, channels: told })
  return { id: escalation.id, channels: [...told, toldBy('log', error)] }
}

function peer({ id, call }: Escalation, state: State): Told[] {
  const log = state.logs[call]
  if (call === '' || log?.entries[id] === undefined) return []
  const queued = delivery(log, id).state === 'queued'
  return [toldBy('peer', queued ? 'no relay took it; it goes out with the next command' : undefined)]
}

function nostr({ world }: Place, { letter }: DueEscalation, state: State): Told[] {
  if (letter === undefined) {
    const own = world.ownerKey === world.keys.pubkey
    return own ? [toldBy('nostr', "owner.npub is this agent's own key; set it to the key of its owner")] : []
  }
  const held = state.index.letters[letter]
  if (held === undefined) return [toldBy('nostr', undefined)]
  const why = held.posting.failed.map(relaySaid).join('; ')
  return [toldBy('nostr', `no relay took it; it goes out with the next command${why === '' ? '' : ` (${why})`}`)]
}

function toldBy(channel: Told['channel'], error: string | undefined): Told {
  return error === undefined ? { channel, ok: true } : { channel, ok: false, error }
}
