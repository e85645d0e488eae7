// Publishing what is owed: it is sealed and sent to the relays where the peer reads, and once more where the peer turns out to read
// elsewhere.

import { callId, signalTemplate } from '../call/signal-codec.ts'
import type { PublishAnswer } from '../io/relay/publish.ts'
import type { CallBinding, CallKey } from '../nostr/call-key.ts'
import { type Event, type Rumor, rumorOf } from '../nostr/event.ts'
import type { GiftWrapOptions } from '../nostr/nip59.ts'
import { recordLettersSent } from '../state/letters.ts'
import { type PublishResult, recordPublished, type SignalPublishResult } from '../state/outbox.ts'
import { doubtPeers, rememberPeers } from '../state/peer-memory.ts'
import { recordAcksTaken } from '../state/receipts.ts'
import { callsOf, type State } from '../state/state.ts'
import {
  type Action,
  type ActionOf,
  type ActionResult,
  type ActionResultOf,
  type Executor,
  resultsOf,
} from './action.ts'
import { authorOf, envelopeTimes, publishTime, publishUntil, type RunContext } from './context.ts'
import { lookAgain } from './peer-lookup.ts'
import { MINING_UNASKED, mineFor } from './proof-of-work.ts'
import { type Route, routeTo } from './route.ts'

export const publishSignal: Executor<'signal'> = {
  async execute(action, context) {
    const sealing = sealingWith(action.binding, context)
    // To seal it with the identities' key instead would be a downgrade by ourselves. A kept wrap was sealed while the key was here.
    if (sealing === 'lost' && action.due.wrap === undefined) return { type: 'signal', action, wrap: undefined, oks: [] }
    return { type: 'signal', action, ...(await publishDue(action, sealing, context)) }
  },
  record(state, done, context) {
    const published = recordPublished(state, done.flatMap(signalResultOf), authorOf(context))
    return recordAcksTaken(
      published,
      done.filter(isTaken).map(({ action: { due } }) => ({ call: due.call, ack: ackOf(due.rumor) })),
    )
  },
}

export const publishLetter: Executor<'letter'> = {
  execute: async (action, context) => ({ type: 'letter', action, ...(await publishDue(action, undefined, context)) }),
  record: (state, done, context) => recordLettersSent(state, done.map(letterResultOf), authorOf(context)),
}

// A receipt is not kept: if no relay takes it, the next run makes another one.
export const publishReceipt: Executor<'receipt'> = {
  async execute(action, context) {
    const { call, to, ack, read, missing, fork, lost } = action.receipt
    const body = { type: 'receipt' as const, text: '' as const, missing, ...(fork && { fork }), ...(lost && { lost }) }
    const template = signalTemplate(body, { call, to, seq: 0, prev: undefined, ack, read }, publishTime(context))
    const rumor = rumorOf(template, context.environment.keys.pubkey)
    const { relays, doubted } = action.route
    const callKey = sealingWith(action.binding, context)
    if (callKey === 'lost') return { type: 'receipt', action, oks: [] }
    const { oks } = await publishWrap(
      { rumor, to, relays, fallback: [], doubted, background: true, callKey, work: {} },
      context,
    )
    return { type: 'receipt', action, oks }
  },
  record: (state, done) =>
    recordAcksTaken(
      state,
      done
        .filter(isTaken)
        .flatMap(({ action: { receipt } }) =>
          receipt.call === undefined ? [] : [{ call: receipt.call, ack: receipt.ack.seq }],
        ),
    ),
}

/** Looks up the lists of peers once more. */
export const lookUpAgain: Executor<'look-up'> = {
  async execute(action, context) {
    const { index } = context.environment.store.read()
    return { type: 'look-up', action, found: await lookAgain(context, index, action.peers) }
  },
  record: (state, done, { now }) => done.reduce((next, { found }) => rememberPeers(next, found, now), state),
}

/** Gives a function that finds the route to a peer, working each out once. */
export function routeFinder(context: RunContext, state: State): (peer: string) => Route {
  const calls = callsOf(state, context.environment.keys.pubkey, context.now)
  const known = new Map<string, Route>()
  return (peer) => {
    const route = known.get(peer) ?? routeTo(context, state, calls, peer)
    known.set(peer, route)
    return route
  }
}

type Sent = ActionResultOf<'signal'> | ActionResultOf<'letter'> | ActionResultOf<'receipt'>

/**
 * What follows when no relay of a peer has taken something: its lists are looked up again, and the same wraps go to relays that are
 * new in them. A peer that is still not reached is marked as doubtful.
 * @param done what became of the last actions; `earlier`: of those before them
 */
export function retryUnreachedPeers(
  state: State,
  done: readonly ActionResult[],
  earlier: readonly ActionResult[],
  context: RunContext,
): { state: State; actions: Action[] } {
  const [found] = resultsOf('look-up', done)
  const sent = sentIn(done)
  const own = context.environment.relays.inbox
  const first = unreachedPeers(
    sent.filter(({ action }) => action.again === undefined),
    own,
  )
  const again = found === undefined ? [] : publishAgain(state, sentIn(earlier), found.action.peers, context)
  const moved = again.map(receiverOf)
  const lost = [
    ...unreachedPeers(
      sent.filter(({ action }) => action.again === true),
      own,
    ),
    ...(found?.action.peers ?? []).filter((peer) => !moved.includes(peer)),
  ]
  return {
    state: doubtPeers(state, lost),
    actions: [...(first.length === 0 ? [] : [{ type: 'look-up' as const, peers: first }]), ...again],
  }
}

type Publishing = Sent['action']

/** The same wraps once more, to peers who read elsewhere by now. */
function publishAgain(
  state: State,
  sent: readonly Sent[],
  peers: readonly string[],
  context: RunContext,
): Publishing[] {
  const routeOf = routeFinder(context, state)
  return sent.flatMap((one): Publishing[] => {
    const { action } = one
    const to = receiverOf(action)
    const route = routeOf(to)
    const moved = peers.includes(to) && route.relays.some((url) => !action.route.relays.includes(url))
    if (!moved || action.again) return []
    const again = { route, again: true } as const
    if (one.type === 'receipt') return [{ ...one.action, ...again }]
    const { wrap } = one
    if (one.type === 'letter') return [{ ...one.action, due: { ...one.action.due, wrap }, ...again }]
    return [{ ...one.action, due: { ...one.action.due, wrap }, ...again }]
  })
}

function sentIn(done: readonly ActionResult[]): Sent[] {
  return done.filter((one): one is Sent => one.type === 'signal' || one.type === 'letter' || one.type === 'receipt')
}

function receiverOf(action: Publishing): string {
  return action.type === 'receipt' ? action.receipt.to : action.due.to
}

function unreachedPeers(sent: readonly Sent[], own: readonly string[]): string[] {
  const tried = sent.filter(({ oks }) => oks.length > 0)
  // A relay of ours that the peer has not named says nothing about where the peer reads, even if it took the wrap.
  const isNamed = ({ route }: Publishing, url: string) => route.relays.includes(url) || !own.includes(url)
  const isReached = ({ action, oks }: Sent) => oks.some((r) => r.accepted && isNamed(action, r.relay))
  const reached = new Set(tried.filter(isReached).map(({ action }) => receiverOf(action)))
  return [...new Set(tried.map(({ action }) => receiverOf(action)))].filter((to) => !reached.has(to))
}

function isTaken({ oks }: Pick<Sent, 'oks'>): boolean {
  return oks.some((r) => r.accepted)
}

function signalResultOf({ action, wrap, oks }: ActionResultOf<'signal'>): SignalPublishResult[] {
  if (wrap === undefined) return []
  return [{ call: action.due.call, rumor: action.due.rumor.id, wrap, oks: [...oks] }]
}

function letterResultOf({ action, wrap, oks }: ActionResultOf<'letter'>): PublishResult {
  return { rumor: action.due.rumor.id, wrap, oks: [...oks] }
}

/** The call key that seals something; undefined for the identities' key, 'lost' where the call key is not here. */
type Sealing = CallKey | undefined | 'lost'

function sealingWith(binding: CallBinding | undefined, { environment }: RunContext): Sealing {
  return binding === undefined ? undefined : (environment.callKeys.keyOf(binding) ?? 'lost')
}

function ackOf({ tags }: Rumor): number {
  return Number(tags.find((t) => t[0] === 'ack')?.[1] ?? 0)
}

/**
 * A rumor on its way. `background`: nobody waits for it, since other relays have it or it is a receipt; `callKey`: what seals it; `work`:
 * the proof of work that a new wrap of it needs.
 */
type Outgoing = {
  rumor: Rumor
  to: string
  wrap?: Event | undefined
  relays: readonly string[]
  fallback: readonly string[]
  doubted: readonly string[] | undefined
  background: boolean
  callKey: Sealing
  work: Pick<GiftWrapOptions, 'work'>
}

async function publishDue(
  action: ActionOf<'signal'> | ActionOf<'letter'>,
  callKey: Sealing,
  context: RunContext,
): Promise<{ wrap: Event; oks: PublishAnswer[] }> {
  const { due, route } = action
  const { rumor, to, wrap, skip } = due
  const relays = route.relays.filter((url) => !skip.includes(url))
  const { fallback = [], doubted } = route
  // Only a first word needs work: in a call we are no strangers any more. Long work is done only where the user has said so, and once: a
  // command that waits for an answer must not be deaf each time the word is offered again.
  const isLong = context.work === true && (action.type === 'letter' || action.said)
  const maxMs = isLong ? undefined : MINING_UNASKED
  const work = route.pow > 0 && callId(rumor) === undefined ? { work: mineFor(context, route.pow, maxMs) } : {}
  // What only doubted relays have counts as what no relay has: it is waited for.
  const background = skip.some((url) => doubted?.includes(url) !== true)
  return await publishWrap({ rumor, to, wrap, relays, fallback, doubted, background, callKey, work }, context)
}

async function publishWrap(
  { rumor, to, wrap: held, relays, fallback, doubted = [], background, callKey, work }: Outgoing,
  context: RunContext,
): Promise<{ wrap: Event; oks: PublishAnswer[] }> {
  const { environment } = context
  const seal = (times: Pick<GiftWrapOptions, 'now' | 'recent'>) => {
    if (callKey === 'lost') throw new Error('what has a call key that is not here is not sealed with another one')
    return environment.wrapRumor(rumor, to, { ...times, callKey, ...work })
  }
  const wrap = held ?? seal(envelopeTimes(context))
  const until = publishUntil(context)
  const oks = await environment.pool.publish([{ event: wrap, relays, fallback, doubted, background }], until)
  // A relay that refuses backdated stamps is tried once more with a stamp of now.
  const strict = oks.filter((r) => r.reason === 'timestamp').map((r) => r.relay)
  // The attack: a relay refuses a kept wrap for its stamp, in order to get the rumor sealed anew with the identities' key.
  if (strict.length === 0 || callKey === 'lost') return { wrap, oks }
  const recent = seal({ now: publishTime(context), recent: true })
  const better = await environment.pool.publish(
    [{ event: recent, relays: strict, fallback, doubted, background }],
    until,
  )
  return { wrap, oks: [...oks.filter((r) => !strict.includes(r.relay)), ...better] }
}
