// Saying that we are there: presence for `announce`, and our inbox list when it has changed, before anybody has to ask.
import type { Intent } from '../call/intent.ts'
import { inboxList, presenceLifetime, presenceOf } from '../call/presence.ts'
import type { Template } from '../nostr/event.ts'
import { mine } from '../nostr/nip13.ts'
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
  const { every } = environment.config.presence
  const due = presenceDue(held, { words, relays, every }, now)
  const receipts = await publishEvents(context, due.length === 0 ? [] : [withWork(template, context)], due)
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
    expires: since + presenceLifetime(every),
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
  const { name, about, capabilities, policy, presence, nip05, receipts } = environment.config
  const busy = callsOf(state, environment.keys.pubkey, now).some((c) => c.phase === 'active')
  return {
    ...{ name, about, capabilities, inbox: environment.relays.inbox, busy, pow: policy.pow },
    ...{ every: presence.every, nip05 },
    looked: receipts.read ? state.index.announced.looked : undefined,
  }
}

/** How long a presence may be worked on, in ms: cron comes again. */
const MINING_MAX = 30_000

/** With the work of `presence.pow` in it (NIP-13): readers may hide strangers whose presence has cost nothing. */
function withWork(template: Template, { environment }: RunContext): Template {
  const { clock, keys } = environment
  const bits = environment.config.presence.pow
  const mined = mine({ ...template, pubkey: keys.pubkey }, bits, { deadline: clock() + MINING_MAX, clock })
  if (mined !== undefined) return { ...template, tags: mined.tags }
  environment.say(`${bits} bits of work (presence.pow) are not to be had in ${MINING_MAX / 1000} s: announced without`)
  return template
}
