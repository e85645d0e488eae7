// Opening what lies in the mailbox, newest first and as long as there is time: junk must not keep a command from answering.

import { trustOf } from '../call/agents.ts'
import { callId } from '../call/signal-codec.ts'
import type { Event } from '../nostr/event.ts'
import { difficulty } from '../nostr/nip13.ts'
import { type OpenedWrap, openedWrap, wrapHeaderOf } from '../nostr/nip59.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'

/** Where strangers must work, so many wraps without work are opened in vain in one run; and so many at a time. */
const MAX_JUNK = 200
const UNWRAP_AT_ONCE = 200

/** The part of a command's time that is left for what comes after the opening: writing down, answering. */
const BUDGET_RESERVE = 0.1

/**
 * What was in the wraps, which are taken out of the array; fewer than there are when time was up or too many were junk.
 * The others are for the next run.
 *
 * Who has sent a wrap stands inside. Where policy.pow asks strangers for work, what carries it is opened first. What carries
 * none may be from a contact or belong to a call, so it is opened too: a flood costs its sender little, and us `IN_VAIN` a run.
 */
export async function unwrapInTime(context: RunContext, wraps: Event[]): Promise<OpenedWrap[]> {
  const { environment, deadline } = context
  const { pow } = environment.config.policy
  if (pow === 0) return await unwrapSome(context, wraps)
  const opened = await unwrapSome(
    context,
    wraps.filter((wrap) => difficulty(wrap) >= pow),
  )
  const { calls } = environment.store.read().index
  const others = wraps.filter((wrap) => difficulty(wrap) < pow)
  let junk = 0
  for (
    let at = 0;
    at < others.length && junk < MAX_JUNK && environment.clock() < deadline - environment.budget * BUDGET_RESERVE;
    at += UNWRAP_AT_ONCE
  ) {
    const some = await unwrapSome(context, others.slice(at, at + UNWRAP_AT_ONCE))
    junk += some.filter((one) => !isWanted(one, context, calls)).length
    opened.push(...some)
  }
  return opened
}

async function unwrapSome({ environment, deadline }: RunContext, wraps: Event[]): Promise<OpenedWrap[]> {
  if (wraps.length === 0) return []
  // All that is needed of a wrap beside what is in it: the wraps themselves are gone as soon as they are opened.
  const covers = wraps.map(wrapHeaderOf)
  const results = await environment.open(wraps, deadline - environment.budget * BUDGET_RESERVE)
  return covers.flatMap((cover, n) => {
    const result = results[n]
    return result === undefined ? [] : [openedWrap(cover, result)]
  })
}

function isWanted({ rumor }: OpenedWrap, { people }: RunContext, calls: Index['calls']): boolean {
  if (rumor === undefined) return false
  const trust = trustOf(people, rumor.pubkey)
  return trust !== 'blocked' && (trust !== 'unknown' || Object.hasOwn(calls, callId(rumor) ?? ''))
}
