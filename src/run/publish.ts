// Saying what is owed: sealed, published to where the peer reads, and what every relay answered. Nothing is written here.
// Proof of work (NIP-13) for a first word to somebody who asks strangers for it: mined with progress, bounded in time.

import { callId, signalTemplate } from '../call/signal-codec.ts'
import type { PublishAnswer } from '../io/relay/publish.ts'
import { type Event, finalize, type Rumor, rumorOf, type Template } from '../nostr/event.ts'
import { mine } from '../nostr/nip13.ts'
import { type GiftWrapOptions, giftWrap } from '../nostr/nip59.ts'
import type { PendingPublish, PublishResult } from '../state/outbox.ts'
import type { PendingReceipt } from '../state/receipts.ts'
import type { RunContext } from './context.ts'
import type { Route } from './route.ts'

/** How long relays have at the least to take what was sealed, in ms. */
const PUBLISH_WITHIN = 3_000

/** What goes out in one run. `stamp`: the time on envelopes, unix seconds by the relays' clock. */
export type OutgoingBatch = {
  dues: readonly PendingPublish[]
  acks: readonly PendingReceipt[]
  route: (peer: string) => Route
  stamp: number
}

/** `told` are the acks that a relay has taken; `lost`, the peers of whose relays none has taken a thing. */
export type PublishedBatch = { credits: PublishResult[]; told: { call: string; ack: number }[]; lost: string[] }

/** A sealed rumor on its way. `call` and `ack`: what its arrival tells the peer. `work`: what a new wrap of it costs. */
type OutgoingWrap = {
  wrap: Event
  rumor: Rumor
  to: string
  relays: string[]
  call: string
  ack: number
  owed: boolean
  spare: string[]
  /** Nobody waits for it: other relays have it, or it is a receipt. */
  aside: boolean
  work: Pick<GiftWrapOptions, 'work'>
}

type SentWrap = { letter: OutgoingWrap; receipts: PublishAnswer[] }

/** @param heard told of each letter as soon as the relays have answered */
export async function publishAll(
  context: RunContext,
  { dues, acks, route, stamp }: OutgoingBatch,
  heard: (credits: PublishResult[]) => void = () => {},
): Promise<PublishedBatch> {
  const letters = [
    ...dues.map((due) => wrapOf(due, context, route(due.to), stamp)),
    ...acks.map((ack) => receiptWrapOf(ack, context, route(ack.to), stamp)),
  ]
  const sent = await Promise.all(
    letters.map(async (letter) => {
      const one = await publishWrap(context, letter, stamp)
      heard(publishResultsOf(one))
      return one
    }),
  )
  return {
    credits: sent.flatMap(publishResultsOf),
    told: sent
      .filter(({ receipts }) => receipts.some((r) => r.accepted))
      .map(({ letter }) => ({ call: letter.call, ack: letter.ack })),
    lost: unreachedPeers(sent, context.environment.relays.inbox),
  }
}

/** Publishes what everybody may read of us: presence and relay list. */
export async function publishEvents(
  { environment, deadline }: RunContext,
  templates: readonly Template[],
  relays: readonly string[],
): Promise<PublishAnswer[]> {
  if (templates.length === 0) return []
  const jobs = templates.map((t) => ({ event: finalize(t, environment.keys), relays: [...new Set(relays)] }))
  return await environment.pool.publish(jobs, { deadline })
}

function wrapOf(
  { call, to, rumor, wrap, skip }: PendingPublish,
  context: RunContext,
  { relays, spare = [], pow }: Route,
  stamp: number,
): OutgoingWrap {
  const { environment } = context
  const ack = Number(rumor.tags.find((t) => t[0] === 'ack')?.[1] ?? 0)
  const rest = relays.filter((url) => !skip.includes(url))
  // Only a first word costs work: in a call we are no strangers any more.
  const work = pow > 0 && callId(rumor) === undefined ? { work: mineFor(context, pow) } : {}
  return {
    wrap: wrap ?? giftWrap(rumor, to, environment.keys, { now: stamp, callKey: undefined, ...work }),
    rumor,
    to,
    relays: rest,
    call,
    ack,
    owed: true,
    spare,
    aside: skip.length > 0,
    work,
  }
}

// A receipt is not kept: the next run tells the ack again if no relay takes this one.
function receiptWrapOf(
  { call, to, ack, read, missing, fork, lost }: PendingReceipt,
  { environment, now }: RunContext,
  { relays }: Route,
  stamp: number,
): OutgoingWrap {
  const body = { type: 'receipt' as const, text: '' as const, missing, ...(fork && { fork }), ...(lost && { lost }) }
  const template = signalTemplate(body, { call, to, seq: 0, prev: undefined, ack, read }, now)
  const rumor = rumorOf(template, environment.keys.pubkey)
  const wrap = giftWrap(rumor, to, environment.keys, { now: stamp, callKey: undefined })
  return { wrap, rumor, to, relays, call, spare: [], ack: ack.seq, owed: false, aside: true, work: {} }
}

function unreachedPeers(sent: readonly SentWrap[], own: readonly string[]): string[] {
  const tried = sent.filter(({ receipts }) => receipts.length > 0)
  // That one of our own took it, which the peer has not named, says nothing of where the peer reads.
  const isNamed = ({ relays }: OutgoingWrap, url: string) => relays.includes(url) || !own.includes(url)
  const reached = tried
    .filter(({ letter, receipts }) => receipts.some((r) => r.accepted && isNamed(letter, r.relay)))
    .map(({ letter }) => letter.to)
  return [...new Set(tried.map(({ letter }) => letter.to))].filter((to) => !reached.includes(to))
}

function publishResultsOf({ letter, receipts }: SentWrap): PublishResult[] {
  return letter.owed ? [{ call: letter.call, rumor: letter.rumor.id, wrap: letter.wrap, receipts }] : []
}

async function publishWrap(
  { environment, deadline }: RunContext,
  letter: OutgoingWrap,
  stamp: number,
): Promise<SentWrap> {
  const jobOf = ({ wrap, relays, spare, aside }: OutgoingWrap) => ({ event: wrap, relays, spare, aside })
  const until = () => ({ deadline: Math.max(deadline, environment.clock() + PUBLISH_WITHIN) })
  const receipts = await environment.pool.publish([jobOf(letter)], until())
  // A relay that refuses backdated stamps is tried once more with a stamp of now.
  const strict = receipts.filter((r) => r.reason === 'timestamp').map((r) => r.relay)
  if (strict.length === 0) return { letter, receipts }
  const wrap = giftWrap(letter.rumor, letter.to, environment.keys, {
    ...{ now: stamp, recent: true, callKey: undefined },
    ...letter.work,
  })
  const better = await environment.pool.publish([jobOf({ ...letter, wrap, relays: strict })], until())
  return { letter, receipts: [...receipts.filter((r) => !strict.includes(r.relay)), ...better] }
}

/** How long it may take, and how often it says how far it is, in ms. */
const MINING_MAX = 30_000
const MINING_REPORT_EVERY = 5_000

/** More than any agent can ask for (policy.pow), and than anybody has in `MOST`. */
const MAX_BITS = 32

/** What adds the work to a wrap. Where it cannot be had in time the wrap goes out without, and the user is told. */
export function mineFor({ environment }: { environment: MiningEnvironment }, bits: number): GiftWrapOptions['work'] {
  return (wrap) => {
    const mined = bits > MAX_BITS ? undefined : mineWithProgress(environment, bits, wrap)
    if (mined === undefined) {
      environment.say(
        `${bits} bits of work are not to be had in ${MINING_MAX / 1000} s: it goes out without, and may be dropped unread`,
      )
    }
    return mined
  }
}

type MineWork = NonNullable<GiftWrapOptions['work']>
type MiningEnvironment = Pick<RunContext['environment'], 'clock' | 'say'>

function mineWithProgress(
  environment: MiningEnvironment,
  bits: number,
  wrap: Parameters<MineWork>[0],
): ReturnType<MineWork> {
  const { clock } = environment
  const began = clock()
  let next = began + MINING_REPORT_EVERY
  environment.say(`the other side asks strangers for ${bits} bits of work; this may take up to ${MINING_MAX / 1000} s`)
  const progress = (tried: number) => {
    if (clock() < next) return
    next += MINING_REPORT_EVERY
    environment.say(
      `working: ${tried} hashes tried in ${Math.round((clock() - began) / 1000)} s, ${2 ** bits} on average`,
    )
  }
  return mine(wrap, bits, { deadline: began + MINING_MAX, clock, progress })
}
