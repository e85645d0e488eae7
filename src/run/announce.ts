// Saying that we are on line: presence for `announce`, and our inbox list when it has changed, before anybody has to ask.
import { inboxList, presenceOf } from '../call/presence.ts'
import type { PublishAnswer } from '../io/relay/publish.ts'
import type { Template } from '../nostr/event.ts'
import { mine } from '../nostr/nip13.ts'
import {
  listDue,
  listStamp,
  presenceDue,
  presenceStamp,
  presenceWords,
  recordListOffered,
  recordPresenceTaken,
} from '../state/announcements.ts'
import { publishedInbox } from '../state/canaries.ts'
import { isSkippedByCron, presenceEvery } from '../state/dial-limit.ts'
import { callsOf, type State } from '../state/state.ts'
import type { Action, Executor, StepOptions } from './action.ts'
import { canaryActions } from './canaries.ts'
import { publishTime, publishUntil, type RunContext } from './context.ts'

/** What is to be published about us now: `list` the inbox list alone, `presence` also presence and canaries. Pure. */
export function announcementsFor(what: 'presence' | 'list'): NonNullable<StepOptions['proposeAnnouncements']> {
  return (state, context) => {
    const list = inboxListActions(state, context)
    if (what === 'list') return { state, actions: list }
    const canaries = canaryActions(state, context)
    return { state: canaries.state, actions: [...presenceActions(state, context), ...list, ...canaries.actions] }
  }
}

export const publishPresence: Executor<'presence'> = {
  async execute(action, context) {
    const { template, relays } = action
    const oks = await publishTemplate({ template: withWork(template, context), relays }, context)
    return { type: 'presence', action, oks }
  },
  record: (state, done, { now }) =>
    done.reduce((next, { action: { words, template }, oks }) => {
      const taken = oks.filter((r) => r.accepted).map((r) => r.relay)
      return taken.length === 0 ? next : recordPresenceTaken(next, { words, dated: template.created_at }, taken, now)
    }, state),
}

export const publishInboxList: Executor<'inbox-list'> = {
  execute: async (action, context) => ({
    type: 'inbox-list',
    action,
    oks: await publishTemplate(action, context),
  }),
  record: (state, done, { now }) =>
    done.reduce(
      (next, { action: { lists, template }, oks }) => recordListOffered(next, lists, oks, now, template.created_at),
      state,
    ),
}

function presenceActions(state: State, context: RunContext): Action[] {
  const { environment, now } = context
  const stamp = presenceStamp(state.index.announced, publishTime(context))
  const template = presenceOf(presenceFields(state, context), stamp)
  const words = presenceWords(template)
  const { every } = environment.config.presence
  const met = presenceRelays(context).filter((url) => !isSkippedByCron(state.index.relays[url], now))
  const relays = presenceDue(state.index.announced, { words, relays: met, every }, now)
  return relays.length === 0 ? [] : [{ type: 'presence', template, words, relays }]
}

function inboxListActions({ index }: State, context: RunContext): Action[] {
  const { environment, now } = context
  const { inbox, presence, lookup } = environment.relays
  const named = publishedInbox(index, inbox)
  const lists = [...named].sort().join(' ')
  const relays = listDue(index.announced, lists, [...new Set([...presence, ...lookup, ...inbox])], now)
  if (relays.length === 0) return []
  const replaces = index.announced.listReplacedBy !== undefined
  const template = inboxList(named, listStamp(index.announced, publishTime(context)))
  return [{ type: 'inbox-list', template, lists, relays, ...(replaces && { replaces }) }]
}

function presenceRelays({ environment }: RunContext): string[] {
  return [...new Set(environment.relays.presence)]
}

async function publishTemplate(
  { template, relays }: { template: Template; relays: readonly string[] },
  context: RunContext,
): Promise<PublishAnswer[]> {
  const { environment } = context
  const event = environment.signEvent(template)
  return await environment.pool.publish([{ event, relays }], publishUntil(context))
}

function presenceFields(state: State, { environment, now }: RunContext) {
  const { name, about, capabilities, policy, presence, nip05, receipts } = environment.config
  const busy = callsOf(state, environment.keys.pubkey, now).some((c) => c.phase === 'active')
  return {
    ...{ name, about, capabilities, inbox: environment.relays.inbox, busy, pow: policy.pow },
    ...{ every: presenceEvery(state.index, environment.relays.presence, presence.every, now), nip05 },
    looked: receipts.read ? state.index.announced.lastCommandAt : undefined,
  }
}

/** How long a presence may be worked on, in ms: cron comes again. */
const MINING_MAX = 30_000

/** The template with the work of `presence.pow` (NIP-13): readers may hide strangers whose presence has cost nothing. */
function withWork(template: Template, { environment }: RunContext): Template {
  const { clock, keys } = environment
  const bits = environment.config.presence.pow
  const mined = mine({ ...template, pubkey: keys.pubkey }, bits, { deadline: clock() + MINING_MAX, clock })
  if (mined !== undefined) return { ...template, tags: mined.tags }
  environment.say(`${bits} bits of work (presence.pow) are not to be had in ${MINING_MAX / 1000} s: announced without`)
  return template
}
