// Saying that we are there: presence for `announce`, and our inbox list when it has changed, before anybody has to ask.
import type { Intent } from '../call/intent.ts'
import { inboxList, PRESENCE_LIFETIME, presenceOf } from '../call/presence.ts'
import { listDue, presenceDue, presenceWords, recordListOffered, recordPresenceTaken } from '../state/announced.ts'
import { callsOf } from '../state/state.ts'
import type { Place } from './place.ts'
import { post } from './speak.ts'
import type { Turn } from './turn.ts'

/** `accepted`: the relays that have it. `age`: seconds since they took it, when it was not due again. */
export type Posted = {
  expires: number
  age: number | undefined
  accepted: string[]
  failed: { url: string; reason: string }[]
}

/** Presence for `announce`, the inbox list for every command that goes on line. */
export async function announce(intent: Intent, place: Place, turn: Turn): Promise<Posted | undefined> {
  const [posted] = await Promise.all([
    intent.type === 'announce' ? showPresence(place, turn) : undefined,
    showList(place, turn),
  ])
  return posted
}

async function showPresence(place: Place, turn: Turn): Promise<Posted> {
  const { world, now } = place
  const template = presenceOf(self(place, turn), now)
  const words = presenceWords(template)
  const relays = [...new Set(world.relays.presence)]
  const held = turn.state.index.announced
  const due = presenceDue(held, words, relays, now)
  const receipts = await post(place, due.length === 0 ? [] : [template], due)
  const taken = receipts.filter((r) => r.accepted).map((r) => r.relay)
  if (taken.length > 0)
    await world.store.update([], (fresh) => ({
      snapshot: recordPresenceTaken(fresh, words, taken, now),
      value: undefined,
    }))
  const kept = relays.filter((url) => !due.includes(url))
  // What a relay keeps for us is as old as the oldest of it.
  const since = Math.min(now, ...kept.map((url) => held.taken?.[url] ?? now))
  return {
    expires: since + PRESENCE_LIFETIME,
    age: due.length === 0 ? now - since : undefined,
    accepted: [...taken, ...kept],
    failed: receipts
      .filter((r) => !r.accepted)
      .map((r) => ({ url: r.relay, reason: r.text === '' ? r.reason : r.text })),
  }
}

async function showList(place: Place, turn: Turn): Promise<void> {
  const { inbox, presence, lookup } = place.world.relays
  const lists = [...inbox].sort().join(' ')
  const due = listDue(turn.state.index.announced, lists, [...new Set([...presence, ...lookup, ...inbox])], place.now)
  if (due.length === 0) return
  const receipts = await post(place, [inboxList(inbox, place.now)], due)
  await place.world.store.update([], (fresh) => {
    return { snapshot: recordListOffered(fresh, lists, receipts, place.now), value: undefined }
  })
}

function self({ world, now }: Place, { state }: Turn) {
  const { name, about, capabilities, policy } = world.config
  const busy = callsOf(state, world.keys.pubkey, now).some((c) => c.phase === 'active')
  return { name, about, capabilities, inbox: world.relays.inbox, busy, pow: policy.pow }
}
