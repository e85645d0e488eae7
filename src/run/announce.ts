// Saying that we are there: presence for `announce`, and our inbox list when it has changed, before anybody has to ask.
import type { Intent } from '../call/intent.ts'
import { inboxList, PRESENCE_LIFETIME, presenceOf } from '../call/presence.ts'
import { listDue, presenceDue, presenceWords, recordListOffered, recordPresenceTaken } from '../state/announced.ts'
import { callsOf } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { publishEvents } from './publish.ts'
import type { StepResult } from './step.ts'

/** `accepted`: the relays that have it. `age`: seconds since they took it, when it was not due again. */
export type AnnounceResult = {
  expires: number
  age: number | undefined
  accepted: string[]
  failed: { url: string; reason: string }[]
}

/** Presence for `announce`, the inbox list for every command that goes on line. */
export async function announce(
  intent: Intent,
  context: RunContext,
  result: StepResult,
): Promise<AnnounceResult | undefined> {
  const [posted] = await Promise.all([
    intent.type === 'announce' ? announcePresence(context, result) : undefined,
    announceInboxList(context, result),
  ])
  return posted
}

async function announcePresence(context: RunContext, result: StepResult): Promise<AnnounceResult> {
  const { environment, now } = context
  const template = presenceOf(presenceFields(context, result), now)
  const words = presenceWords(template)
  const relays = [...new Set(environment.relays.presence)]
  const held = result.state.index.announced
  const due = presenceDue(held, words, relays, now)
  const receipts = await publishEvents(context, due.length === 0 ? [] : [template], due)
  const taken = receipts.filter((r) => r.accepted).map((r) => r.relay)
  if (taken.length > 0)
    await environment.store.update([], (fresh) => ({
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

async function announceInboxList(context: RunContext, result: StepResult): Promise<void> {
  const { inbox, presence, lookup } = context.environment.relays
  const lists = [...inbox].sort().join(' ')
  const due = listDue(
    result.state.index.announced,
    lists,
    [...new Set([...presence, ...lookup, ...inbox])],
    context.now,
  )
  if (due.length === 0) return
  const receipts = await publishEvents(context, [inboxList(inbox, context.now)], due)
  await context.environment.store.update([], (fresh) => {
    return { snapshot: recordListOffered(fresh, lists, receipts, context.now), value: undefined }
  })
}

function presenceFields({ environment, now }: RunContext, { state }: StepResult) {
  const { name, about, capabilities, policy } = environment.config
  const busy = callsOf(state, environment.keys.pubkey, now).some((c) => c.phase === 'active')
  return { name, about, capabilities, inbox: environment.relays.inbox, busy, pow: policy.pow }
}
