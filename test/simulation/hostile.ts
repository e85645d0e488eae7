// A third agent that knows the ids of calls it has no part in, and lies in its own.
import { lastSignal } from '../../src/call/replay.ts'
import { type Body, NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import type { Agent, Sim } from './agent.ts'
import { envelope, publishTo } from './relays.ts'

/** Puts one hostile rumor into somebody's mailbox. */
export function attack(sim: Sim, key: string, victims: readonly Agent[], own: Rumor[]): void {
  const { network } = sim
  const { dice } = sim.world
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
    publishTo(network, url, envelope(network, bent, victim.key, { stampedAt: at(sim) }), secondsOf(sim))
}

/**
 * A thief of an identity, without the call key, speaks in a call that both sides know to be secret: in its place, with the links that are
 * right.
 */
export function impersonate(sim: Sim, robbed: Agent, victim: Agent): void {
  const { network } = sim
  const { dice } = sim.world
  const calls = Object.entries(victim.disk.index.calls).filter(([, call]) => call.secrecy === 'call')
  const [id] = calls.length === 0 ? [] : dice.pick(calls)
  const log = id === undefined ? undefined : victim.disk.logs[id]
  if (log === undefined || id === undefined) return
  const [own, last] = [lastSignal(log, robbed.key), lastSignal(log, victim.key)]
  const body = dice.pick<Body>([
    { type: 'message', text: STOLEN },
    { type: 'agree', text: STOLEN },
    { type: 'end', text: STOLEN, expired: false },
  ])
  // As a caller that has not seen the accept hangs up, though it has: who would know of it by its receipts.
  const takesBack = body.type === 'end' && own.id === id && log.acked.seq > 0
  const ack = takesBack ? NOTHING : last
  const place = { call: id, to: victim.key, seq: own.seq + 1, prev: own.id, ack }
  const rumor = rumorOf(signalTemplate(body, place, secondsOf(sim)), robbed.key)
  for (const { url } of network.relays)
    publishTo(network, url, envelope(network, rumor, victim.key, { stampedAt: secondsOf(sim) }), secondsOf(sim))
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
