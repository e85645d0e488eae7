// Opening what lies in the mailbox, newest first and as long as there is time: junk must not keep a command from answering.

import { trustOf } from '../call/agents.ts'
import { callId } from '../call/signal.ts'
import type { Event } from '../nostr/event.ts'
import { difficulty } from '../nostr/nip13.ts'
import { type OpenedWrap, openedWrap, wrapHeaderOf } from '../nostr/nip59.ts'
import type { Index } from '../state/state.ts'
import type { Place } from './place.ts'

/** Where strangers must work, so many wraps without work are opened in vain in one run; and so many at a time. */
const IN_VAIN = 200
const SLICE = 200

/** The part of a command's time that is left for what comes after the opening: writing down, answering. */
const RESERVE = 0.1

/**
 * What was in the wraps, which are taken out of the array; fewer than there are when time was up or too many were junk.
 * The others are for the next run.
 *
 * Who has sent a wrap stands inside. Where policy.pow asks strangers for work, what carries it is opened first. What carries
 * none may be from a contact or belong to a call, so it is opened too: a flood costs its sender little, and us `IN_VAIN` a run.
 */
export async function openInTime(place: Place, wraps: Event[]): Promise<OpenedWrap[]> {
  const { world, deadline } = place
  const { pow } = world.config.policy
  if (pow === 0) return await inTime(place, wraps)
  const opened = await inTime(
    place,
    wraps.filter((wrap) => difficulty(wrap) >= pow),
  )
  const { calls } = world.store.read().index
  const others = wraps.filter((wrap) => difficulty(wrap) < pow)
  let junk = 0
  for (
    let at = 0;
    at < others.length && junk < IN_VAIN && world.clock() < deadline - world.budget * RESERVE;
    at += SLICE
  ) {
    const some = await inTime(place, others.slice(at, at + SLICE))
    junk += some.filter((one) => !isWanted(one, place, calls)).length
    opened.push(...some)
  }
  return opened
}

async function inTime({ world, deadline }: Place, wraps: Event[]): Promise<OpenedWrap[]> {
  if (wraps.length === 0) return []
  // All that is needed of a wrap beside what is in it: the wraps themselves are gone as soon as they are opened.
  const covers = wraps.map(wrapHeaderOf)
  const results = await world.open(wraps, deadline - world.budget * RESERVE)
  return covers.flatMap((cover, n) => {
    const result = results[n]
    return result === undefined ? [] : [openedWrap(cover, result)]
  })
}

function isWanted({ rumor }: OpenedWrap, { people }: Place, calls: Index['calls']): boolean {
  if (rumor === undefined) return false
  const trust = trustOf(people, rumor.pubkey)
  return trust !== 'blocked' && (trust !== 'unknown' || Object.hasOwn(calls, callId(rumor) ?? ''))
}
