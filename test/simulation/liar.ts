// A peer that holds a valid key and chooses every number, link, text, date and order: what cases of attacks do, thrown together.
import { parsedSignal } from '../../src/call/log.ts'
import { secrecyIn } from '../../src/call/secrecy.ts'
import { type Body, type Link, NOTHING, type Signal } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import type { CallKey } from '../../src/nostr/call-key.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import type { Agent, Sim } from './agent.ts'
import { simCallKey } from './call-key.ts'
import { envelope, publishTo } from './relays.ts'

/**
 * A liar whose own program runs as well; so it holds all that its victim has said, and says the right thing now and then. A patient one
 * leaves all to its program until a call is verified, and only then begins.
 */
export type Liar = { agent: Agent; victim: Agent; said: Rumor[]; isPatient: boolean }

/** Says something that it should not. */
export function lie(sim: Sim, liar: Liar): void {
  const { dice } = sim.world
  const verified = verifiedCalls(liar)
  if (verified.length > 0 && dice.chance(liar.isPatient ? 1 : 0.4)) {
    takeBack(sim, liar, dice.pick(verified))
    return
  }
  if (liar.isPatient) return
  const calls = callsOf(liar)
  if (calls.length === 0 || dice.chance(0.08)) {
    ring(sim, liar)
    return
  }
  const call = dice.pick(calls)
  dice.pick([speak, speak, speak, branch, branch, again, receipt, receipt, flood, numbers, redate])(sim, liar, call)
}

type Trick = (sim: Sim, liar: Liar, call: string) => void

/** The next word of its log, with any acknowledgement that helps, and now and then with a link to an older word. */
const speak: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const said = ownIn(sim, liar, call)
  const own = last(said)
  const prev = said.length > 1 && dice.chance(0.2) ? dice.pick(said).id : own.id
  say(sim, liar, call, { seq: own.seq + 1, prev, ack: anyAck(sim, liar, call), body: anyBody(sim) })
}

/** A second word under a number that it has used, or the next one of a branch that it had left. */
const branch: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const own = ownIn(sim, liar, call)
  if (own.length === 0) return
  const base = dice.pick(own)
  const isSecond = dice.chance(0.5)
  const [seq, prev] = isSecond ? [base.seq, base.prev] : [base.seq + 1, base.id]
  say(sim, liar, call, { seq, prev, ack: dice.chance(0.5) ? base.ack : anyAck(sim, liar, call), body: anyBody(sim) })
}

/** Calls with it that are verified at its victim. */
function verifiedCalls({ agent, victim }: Liar): string[] {
  const logs = Object.values(victim.disk.logs).filter(({ verified }) => verified !== undefined)
  return logs.flatMap(({ id }) => (victim.disk.index.calls[id]?.peer === agent.key ? [id] : []))
}

/** Says something in a call whose words are bound on both sides. Nothing of it may count, and nothing of it may be mistaken for news. */
function takeBack(sim: Sim, liar: Liar, call: string): void {
  const { dice } = sim.world
  dice.pick([rewrite, rewrite, rewrite, goOn, goOn, goOn, deny, receipt, again, redate])(sim, liar, call)
}

/** Another text, or another end, under a number that its victim has taken, as if it had heard less; mostly with a new end behind it. */
const rewrite: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const base = dice.pick(takenIn(liar, call))
  const ack = dice.pick([base.ack, NOTHING, anyAck(sim, liar, call)])
  const id = say(sim, liar, call, { seq: base.seq, prev: base.prev, ack, body: anyBody(sim) })
  if (dice.chance(0.6)) say(sim, liar, call, { seq: base.seq + 1, prev: id, ack, body: END })
}

/** A word, or another end, behind its own end: by the right link, by a wrong one, or with a gap that it may fill. */
const goOn: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const own = last(takenIn(liar, call))
  const prev = dice.chance(0.7) ? own.id : dice.pick(takenIn(liar, call)).id
  const ack = dice.chance(0.3) ? NOTHING : anyAck(sim, liar, call)
  const next = rumorIn(sim, liar, call, { seq: own.seq + 1, prev, ack, body: dice.chance(0.3) ? END : anyBody(sim) })
  const behind = { seq: own.seq + 2, prev: next.id, ack, body: dice.chance(0.5) ? END : anyBody(sim) }
  if (dice.chance(0.4)) say(sim, liar, call, behind)
  if (dice.chance(0.8)) put(sim, liar, next)
}

/** An acknowledgement of what its victim has never said, under a number that it has said something else under. */
const deny: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const own = last(takenIn(liar, call))
  const ack = { seq: dice.pick(theirsIn(sim, liar, call)).seq, id: 'd'.repeat(64) }
  if (dice.chance(0.5)) say(sim, liar, call, { seq: 0, prev: undefined, ack, body: PLAIN_RECEIPT })
  else say(sim, liar, call, { seq: own.seq + 1, prev: own.id, ack, body: anyBody(sim) })
}

const END: Body = { type: 'end', text: '', expired: false }
const PLAIN_RECEIPT: Body = { type: 'receipt', text: '', missing: [] }

/** What its victim has taken of it in a call, by number. */
function takenIn({ agent, victim }: Liar, call: string): Signal[] {
  const entries = Object.values(victim.disk.logs[call]?.entries ?? {})
  const signals = entries.flatMap(({ rumor }) => (rumor.pubkey === agent.key ? (parsedSignal(rumor) ?? []) : []))
  return signals.sort((a, b) => a.seq - b.seq)
}

/** What it has said before, or the victim's own words, in a new wrap. */
const again: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const all = [...sim.network.inside.values()]
    .map(({ rumor }) => rumor)
    .filter(({ tags }) => tags.some((t) => t[0] === 'call-id' && t[1] === call))
  if (all.length > 0) put(sim, liar, dice.pick(all))
}

/** An old wrap of anybody's to the victim, with a new date and a signature that is none. */
const redate: Trick = (sim, { victim }) => {
  const { dice } = sim.world
  const all = [...sim.network.inside.values()]
  const theirs = all.filter(({ rumor }) => rumor.tags.some((t) => t[0] === 'p' && t[1] === victim.key))
  if (theirs.length === 0) return
  const at = seconds(sim)
  const { rumor, underKey } = dice.pick(theirs)
  const dated = underKey === undefined ? {} : { underKey }
  const wrap = envelope(sim.network, rumor, victim.key, { stampedAt: at, dated })
  for (const { url } of sim.network.relays) publishTo(sim.network, url, wrap, at)
}

const receipt: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const ack = dice.chance(0.6) ? last(theirsIn(sim, liar, call)) : anyAck(sim, liar, call)
  const body = dice.pick<Body>([
    { type: 'receipt', text: '', missing: [] },
    { type: 'receipt', text: '', missing: [] },
    { type: 'receipt', text: '', missing: [[1, 1_000_000]] },
    { type: 'receipt', text: '', missing: [], fork: { seq: 1, id: call } },
    { type: 'receipt', text: '', missing: [], lost: true },
  ])
  const isPlain = body.type === 'receipt' && (body.fork !== undefined || body.lost === true)
  if (isPlain && dice.chance(0.7)) return
  say(sim, liar, call, { seq: 0, prev: undefined, ack: isPlain ? NOTHING : ack, body })
}

/** Numbers ahead of a gap, which may never be filled. */
const flood: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const own = last(ownIn(sim, liar, call))
  const width = dice.pick([1, 3])
  for (let n = 0; n < 12; n++) {
    const seq = own.seq + 2 + dice.below(width)
    say(sim, liar, call, { seq, prev: 'a'.repeat(64), ack: NOTHING, body: anyBody(sim) })
  }
}

const numbers: Trick = (sim, liar, call) => {
  const { dice } = sim.world
  const seq = dice.pick([1, 2, 999, 1_000, 1_001, 1_000_000])
  const ack = { seq: dice.pick([1, 2, 3, 1_000_000]), id: 'c'.repeat(64) }
  const prev = seq === 1 ? undefined : (last(ownIn(sim, liar, call)).id ?? call)
  say(sim, liar, call, { seq, prev, ack: dice.chance(0.3) ? ack : NOTHING, body: anyBody(sim) })
}

/** A request, also one that is dated into the ringing of an old call and has a smaller id than it. */
function ring(sim: Sim, liar: Liar): void {
  const { dice } = sim.world
  const old = Object.values(liar.victim.disk.logs).flatMap(({ id, entries }) => entries[id]?.rumor ?? [])
  const theirs = old.filter(({ pubkey }) => pubkey === liar.victim.key)
  const into = theirs.length > 0 && dice.chance(0.6) ? dice.pick(theirs) : undefined
  for (let n = 0; n < 12; n++) {
    const at = (into?.created_at ?? seconds(sim)) + dice.below(20)
    const body: Body = {
      type: 'request',
      text: `evil ${n}`,
      deadline: at + dice.pick([60, 900, 900_000]),
      name: 'ada',
      relays: [],
    }
    const place = { call: undefined, to: liar.victim.key, seq: 1, prev: undefined, ack: NOTHING }
    const rumor = rumorOf(signalTemplate(body, place, at), liar.agent.key)
    if (into !== undefined && rumor.id > into.id && n < 11) continue
    put(sim, liar, rumor)
    if (into !== undefined || dice.chance(0.7)) return
  }
}

type Said = { seq: number; prev: string | undefined; ack: Link; body: Body }

/** @returns the id of what it has said */
function say(sim: Sim, liar: Liar, call: string, said: Said): string {
  const rumor = rumorIn(sim, liar, call, said)
  put(sim, liar, rumor)
  return rumor.id
}

function rumorIn(sim: Sim, liar: Liar, call: string, { seq, prev, ack, body }: Said): Rumor {
  const { dice } = sim.world
  const at = seconds(sim) + (dice.chance(0.2) ? dice.below(400_000) - 300_000 : 0)
  const place = { call, to: liar.victim.key, seq, prev: seq === 1 ? undefined : (prev ?? call), ack }
  return rumorOf(signalTemplate(body, place, at), liar.agent.key)
}

function put({ network, ...sim }: Sim, liar: Liar, rumor: Rumor): void {
  const at = Math.floor(sim.world.at / 1000)
  if (rumor.pubkey === liar.agent.key && !liar.said.includes(rumor)) liar.said.push(rumor)
  const callKey = sim.world.dice.chance(0.9) ? keyFor(liar, rumor) : undefined
  const wrap = envelope(network, rumor, liar.victim.key, { stampedAt: at, callKey })
  for (const { url } of network.relays) publishTo(network, url, wrap, at)
}

/** What is sealed with in a call: it has its own call key as long as its program has it. */
function keyFor({ agent, victim }: Liar, rumor: Rumor): CallKey | undefined {
  const signal = parsedSignal(rumor)
  const log = signal && agent.disk.logs[signal.call]
  const secrecy = log && secrecyIn(log)
  const own = signal && agent.disk.keys.get(signal.call)
  if (signal === undefined || own === undefined || secrecy?.sealedWith !== 'call') return undefined
  if (rumor.pubkey !== agent.key || OPEN.includes(signal.body.type)) return undefined
  if (signal.body.type === 'receipt' && (signal.body.fork !== undefined || signal.body.lost === true)) return undefined
  const key = simCallKey(own, secrecy.binding, agent.key)
  return key?.peer === victim.key ? key : undefined
}

const OPEN: readonly string[] = ['request', 'accept', 'reject']

function anyBody({ world }: Sim): Body {
  const text = `lie ${world.dice.below(1e6)}`
  return world.dice.pick<Body>([
    { type: 'message', text },
    { type: 'message', text },
    { type: 'end', text: '', expired: false },
    { type: 'end', text, expired: false },
    { type: 'accept', text, name: 'ada', relays: [] },
    { type: 'reject', text, reason: 'busy' },
    { type: 'escalate', text },
    { type: 'propose', text },
    { type: 'progress', text },
    { type: 'opaque', text: '', op: 'later' },
  ])
}

/** The latest, an older one, nothing, or one that nobody has. */
function anyAck(sim: Sim, liar: Liar, call: string): Link {
  const { dice } = sim.world
  const theirs = theirsIn(sim, liar, call)
  if (theirs.length === 0 || dice.chance(0.15)) return NOTHING
  if (dice.chance(0.04)) return { seq: 1 + dice.below(5), id: 'd'.repeat(64) }
  const { seq, id } = dice.chance(0.6) ? (theirs.at(-1) ?? dice.pick(theirs)) : dice.pick(theirs)
  return { seq, id }
}

/** All calls with the victim that it can know of. */
function callsOf({ agent, victim, said }: Liar): string[] {
  const own = said.filter(({ tags }) => tags.some((t) => t[0] === 'op' && t[1] === 'request')).map(({ id }) => id)
  const calls = Object.entries(agent.disk.index.calls).flatMap(([id, { peer }]) => (peer === victim.key ? [id] : []))
  return [...new Set([...own, ...calls])]
}

/** What it has said in a call, itself or by its program, by number. */
function ownIn(_: Sim, { agent, said }: Liar, call: string): Signal[] {
  const log = agent.disk.logs[call]
  const rumors = [...Object.values(log?.entries ?? {}).map(({ rumor }) => rumor), ...said]
  const signals = rumors.flatMap((rumor) => (rumor.pubkey === agent.key ? (parsedSignal(rumor) ?? []) : []))
  return signals.filter((s) => s.call === call && s.seq > 0).sort((a, b) => a.seq - b.seq)
}

function theirsIn({ network }: Sim, { victim }: Liar, call: string): Signal[] {
  const signals = [...network.inside.values()].flatMap(({ rumor }) =>
    rumor.pubkey === victim.key ? (parsedSignal(rumor) ?? []) : [],
  )
  return signals.filter((s) => s.call === call && s.seq > 0).sort((a, b) => a.seq - b.seq)
}

function last(signals: readonly Signal[]): Link {
  const one = signals.at(-1)
  return one === undefined ? NOTHING : { seq: one.seq, id: one.id }
}

function seconds({ world }: Sim): number {
  return Math.floor(world.at / 1000)
}
