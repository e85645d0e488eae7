// A third agent that knows the ids of calls it has no part in, and lies in its own.
import { type Log, parsedSignal } from '../../src/call/log.ts'
import { lastSignal } from '../../src/call/replay.ts'
import { type Body, NOTHING, type SignalPosition } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import type { Agent, Sim } from './agent.ts'
import { authorsEnvelope, publishTo } from './relays.ts'

/** Puts one hostile rumor into somebody's mailbox. */
export function attack(sim: Sim, keys: Keys, victims: readonly Agent[], own: Rumor[]): void {
  const { network } = sim
  const { dice } = sim.world
  const { pubkey: key } = keys
  const victim = dice.pick(victims)
  const known = Object.keys(victim.disk.index.calls)
  const theirs = own.filter((r) => r.tags[0]?.[1] === victim.key).map((r) => r.id)
  const calls = [...known, ...theirs]
  const call = calls.length === 0 || dice.chance(0.15) ? undefined : dice.pick(calls)
  const seq = numberOf(sim)
  const held = call === undefined ? [] : Object.keys(victim.disk.logs[call]?.entries ?? {})
  const anyId = () => (held.length > 0 && dice.chance(0.8) ? dice.pick(held) : 'f'.repeat(64))
  const prev = call === undefined || seq === 1 ? undefined : anyId()
  const ack = call === undefined || dice.chance(0.2) ? NOTHING : { seq: numberOf(sim), id: anyId() }
  const body = call === undefined ? request(sim) : bodyOf(sim)
  const rumor = rumorOf(
    signalTemplate(body, { call, to: victim.key, seq: call === undefined ? 1 : seq, prev, ack }, at(sim)),
    key,
  )
  const last = rumor.tags.at(-1)
  const bent =
    dice.chance(0.1) && last !== undefined
      ? rumorOf({ ...rumor, tags: [...rumor.tags.slice(0, -1), ['seq', dice.pick(ODD)], last] }, key)
      : rumor
  if (call === undefined) own.push(bent)
  for (const { url } of network.relays)
    publishTo(network, url, authorsEnvelope(network, bent, victim.key, { now: at(sim), keys }), secondsOf(sim))
}

/**
 * A thief of an identity, without the call key, speaks in a call that both sides know to be secret: in its place, with the links that are
 * right. Or in one that will be: ahead of the accept, which it can read on its way.
 */
export function impersonate(sim: Sim, robbed: Agent, victim: Agent): void {
  const { dice } = sim.world
  const calls = Object.entries(victim.disk.index.calls).filter(
    ([, call]) => call.secrecy === 'call' || (call.direction === 'outgoing' && call.phase === 'ringing'),
  )
  const [id, call] = calls.length === 0 ? [] : dice.pick(calls)
  const log = id === undefined ? undefined : victim.disk.logs[id]
  if (log === undefined || id === undefined) return
  const body = dice.pick<Body>([
    { type: 'message', text: STOLEN },
    { type: 'agree', text: STOLEN },
    { type: 'end', text: STOLEN, expired: false },
  ])
  const place = call?.phase === 'ringing' ? placeAhead(sim, robbed, id) : placeNext(robbed, victim, log, body)
  if (place === undefined) return
  const rumor = rumorOf(signalTemplate(body, { call: id, to: victim.key, ...place }, secondsOf(sim)), robbed.key)
  const { network } = sim
  for (const { url } of network.relays)
    publishTo(
      network,
      url,
      authorsEnvelope(network, rumor, victim.key, { now: secondsOf(sim), keys: robbed.keys }),
      secondsOf(sim),
    )
}

type Place = Omit<SignalPosition, 'call' | 'to'>

function placeNext(robbed: Agent, victim: Agent, log: Log, body: Body): Place {
  const [own, last] = [lastSignal(log, robbed.key), lastSignal(log, victim.key)]
  // As a caller that has not seen the accept hangs up, though it has: who would know of it by its receipts.
  const takesBack = body.type === 'end' && own.id === log.id && log.peerAcked.seq > 0
  return { seq: own.seq + 1, prev: own.id, ack: takesBack ? NOTHING : last }
}

/** Behind an accept that is on its way, and not heard yet; undefined where there is none: nobody could tell who has sent that. */
function placeAhead({ network, world: { dice } }: Sim, robbed: Agent, call: string): Place | undefined {
  const said = [...network.inside.values()].map(({ rumor }) => parsedSignal(rumor))
  const accept = said.find((one) => one?.from === robbed.key && one.call === call && one.body.type === 'accept')
  return accept && { seq: 2 + dice.below(2), prev: accept.id, ack: { seq: 1, id: call } }
}

/** What a thief says. */
export const STOLEN = 'stolen'

const ODD = ['0', '-1', '1e3', '0x10', ' 1', '1.5', '', '1000001', '99999999999999999999', 'NaN']

function at(sim: Sim): number {
  const { dice } = sim.world
  return secondsOf(sim) + (dice.chance(0.2) ? dice.below(200_000) - 100_000 : 0)
}

function secondsOf({ world }: Sim): number {
  return Math.floor(world.at / 1000)
}

function numberOf({ world: { dice } }: Sim): number {
  return dice.chance(0.1) ? 1_000_000 : 1 + dice.below(6)
}

function request(sim: Sim): Body {
  return {
    type: 'request',
    text: 'evil',
    deadline: secondsOf(sim) + sim.world.dice.below(2_000),
    name: 'ada',
    relays: [],
  }
}

function bodyOf({ world: { dice } }: Sim): Body {
  const evil = 'evil'
  return dice.pick<Body>([
    { type: 'message', text: evil },
    { type: 'accept', text: evil, name: '', relays: [] },
    { type: 'reject', text: evil, reason: 'busy' },
    { type: 'end', text: evil, expired: dice.chance(0.5) },
    { type: 'end', text: '', expired: false },
    { type: 'receipt', text: '', missing: [[1, 1_000_000]] },
    { type: 'escalate', text: evil },
  ])
}
