// Saying what is owed: sealed, published to where the peer reads, and what every relay answered. Nothing is written here.

import { callId, signalTemplate } from '../call/signal.ts'
import type { PublishAnswer } from '../io/relay/publish.ts'
import { type Event, finalize, type Rumor, rumorOf, type Template } from '../nostr/event.ts'
import { type GiftWrapOptions, giftWrap } from '../nostr/nip59.ts'
import type { PendingPublish, PublishResult } from '../state/outbox.ts'
import type { PendingReceipt } from '../state/receipts.ts'
import type { Place } from './place.ts'
import type { Route } from './route.ts'
import { workFor } from './work.ts'

/** How long relays have at the least to take what was sealed, in ms. */
const AFTER = 3_000

/** What goes out in one run. `stamp`: the time on envelopes, unix seconds by the relays' clock. */
export type Outgoing = {
  dues: readonly PendingPublish[]
  acks: readonly PendingReceipt[]
  route: (peer: string) => Route
  stamp: number
}

/** `told` are the acks that a relay has taken; `lost`, the peers of whose relays none has taken a thing. */
export type Spoken = { credits: PublishResult[]; told: { call: string; ack: number }[]; lost: string[] }

/** A sealed rumor on its way. `call` and `ack`: what its arrival tells the peer. `work`: what a new wrap of it costs. */
type Letter = {
  wrap: Event
  rumor: Rumor
  to: string
  relays: string[]
  call: string
  ack: number
  owed: boolean
  /** Other relays have it. */
  had: boolean
  work: Pick<GiftWrapOptions, 'work'>
}

type Sent = { letter: Letter; receipts: PublishAnswer[] }

/** @param heard told of each letter as soon as the relays have answered */
export async function speak(
  place: Place,
  { dues, acks, route, stamp }: Outgoing,
  heard: (credits: PublishResult[]) => void = () => {},
): Promise<Spoken> {
  const letters = [
    ...dues.map((due) => letterOf(due, place, route(due.to), stamp)),
    ...acks.map((ack) => receiptOf(ack, place, route(ack.to), stamp)),
  ]
  const sent = await Promise.all(
    letters.map(async (letter) => {
      const one = await deliver(place, letter, stamp)
      heard(creditOf(one))
      return one
    }),
  )
  return {
    credits: sent.flatMap(creditOf),
    told: sent
      .filter(({ receipts }) => receipts.some((r) => r.accepted))
      .map(({ letter }) => ({ call: letter.call, ack: letter.ack })),
    lost: lostIn(sent),
  }
}

/** Publishes what everybody may read of us: presence and relay list. */
export async function post(
  { world, deadline }: Place,
  templates: readonly Template[],
  relays: readonly string[],
): Promise<PublishAnswer[]> {
  if (templates.length === 0) return []
  const jobs = templates.map((t) => ({ event: finalize(t, world.keys), relays: [...new Set(relays)] }))
  return await world.pool.publish(jobs, { deadline })
}

function letterOf(
  { call, to, rumor, wrap, skip }: PendingPublish,
  place: Place,
  { relays, pow }: Route,
  stamp: number,
): Letter {
  const { world } = place
  const ack = Number(rumor.tags.find((t) => t[0] === 'ack')?.[1] ?? 0)
  const rest = relays.filter((url) => !skip.includes(url))
  // Only a first word costs work: in a call we are no strangers any more.
  const work = pow > 0 && callId(rumor) === undefined ? { work: workFor(place, pow) } : {}
  return {
    wrap: wrap ?? giftWrap(rumor, to, world.keys, { now: stamp, ...work }),
    rumor,
    to,
    relays: rest,
    call,
    ack,
    owed: true,
    had: skip.length > 0,
    work,
  }
}

// A receipt is not kept: the next run tells the ack again if no relay takes this one.
function receiptOf(
  { call, to, lc, ack, missing }: PendingReceipt,
  { world, now }: Place,
  { relays }: Route,
  stamp: number,
): Letter {
  const template = signalTemplate(
    { type: 'receipt', text: '', missing: [...missing] },
    { call, to, seq: 0, lc, ack },
    now,
  )
  const rumor = rumorOf(template, world.keys.pubkey)
  const wrap = giftWrap(rumor, to, world.keys, { now: stamp })
  return { wrap, rumor, to, relays, call, ack, owed: false, had: false, work: {} }
}

function lostIn(sent: readonly Sent[]): string[] {
  const tried = sent.filter(({ receipts }) => receipts.length > 0)
  const reached = tried.filter(({ receipts }) => receipts.some((r) => r.accepted)).map(({ letter }) => letter.to)
  return [...new Set(tried.map(({ letter }) => letter.to))].filter((to) => !reached.includes(to))
}

function creditOf({ letter, receipts }: Sent): PublishResult[] {
  return letter.owed ? [{ call: letter.call, rumor: letter.rumor.id, wrap: letter.wrap, receipts }] : []
}

async function deliver({ world, deadline }: Place, letter: Letter, stamp: number): Promise<Sent> {
  const jobOf = ({ wrap, relays, had }: Letter) => ({ event: wrap, relays, had })
  const until = () => ({ deadline: Math.max(deadline, world.clock() + AFTER) })
  const receipts = await world.pool.publish([jobOf(letter)], until())
  // A relay that refuses backdated stamps is tried once more with a stamp of now.
  const strict = receipts.filter((r) => r.reason === 'timestamp').map((r) => r.relay)
  if (strict.length === 0) return { letter, receipts }
  const wrap = giftWrap(letter.rumor, letter.to, world.keys, { now: stamp, recent: true, ...letter.work })
  const better = await world.pool.publish([jobOf({ ...letter, wrap, relays: strict })], until())
  return { letter, receipts: [...receipts.filter((r) => !strict.includes(r.relay)), ...better] }
}
