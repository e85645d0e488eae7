// Two sides of a call as states, on a network that loses, repeats and reorders, with copies that are restored and a peer that lies in
// whatever it may choose. What must hold whatever happens stands in `check`.
import { refOf } from '../../src/call/inbox-items.ts'
import type { Intent } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import { parsedSignal } from '../../src/call/log.ts'
import { lastSignal, replay } from '../../src/call/replay.ts'
import type { Body, Link, SignalPosition } from '../../src/call/signal.ts'
import { NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { foreign } from '../../src/sanitize.ts'
import { recordPublished } from '../../src/state/outbox.ts'
import { recordAcksTaken } from '../../src/state/receipts.ts'
import type { SignalStepResult } from '../../src/state/signal-step.ts'
import type { State } from '../../src/state/state.ts'
import { ACCEPT, CALL, END, envelope, mailOf, type Side, STATUS, send, side, turn } from '../support/conversation.ts'

export type ModelOptions = { seed: number; steps: number; restores: boolean; hostile: boolean; loss: number }

export type ModelResult = { forked: boolean; verified: boolean; steps: number }

type Wire = { to: string; rumor: Rumor }

type World = {
  random: () => number
  now: number
  sides: [Side, Side]
  wire: Wire[]
  copies: Map<Side, State[]>
  /** What each side was shown of the call, line by line. */
  shown: Map<Side, { id: string; text: string }[]>
  /** Which rumors each side has ever taken. */
  taken: Map<string, Set<string>>
  restored: boolean
  restoredAt: Map<Side, number>
  forkedAt?: number
  liar: Side | undefined
}

/** Runs one seed. Throws where something does not hold. */
export function runModel({ seed, steps, restores, hostile, loss }: ModelOptions): ModelResult {
  const random = mulberry(seed)
  const [ada, ben] = [side('a'), side('b')]
  const world: World = {
    ...{ random, now: 1_795_000_000, sides: [ada, ben], wire: [], copies: new Map(), shown: new Map() },
    ...{ taken: new Map(), restored: false, restoredAt: new Map(), liar: hostile ? ben : undefined },
  }
  perform(world, ada, CALL, { peer: ben.key })
  for (let n = 0; n < steps; n++) {
    world.now += 1 + Math.floor(random() * 90)
    const who = random() < 0.5 ? ada : ben
    if (restores && random() < 0.04) restore(world, who)
    if (who === world.liar && random() < 0.5) lie(world, who)
    perform(world, who, pickIntent(world, who), {}, loss)
  }
  // Nobody speaks any more, and nothing is lost: it must come to an end.
  for (const who of world.sides) if (who !== world.liar) perform(world, who, END, {}, 0)
  let quiet = 0
  let rounds = 0
  for (; quiet < 9; rounds++) {
    if (rounds > 80) throw new Error('traffic does not end')
    world.now += 9_000
    const before = world.wire.length
    for (const who of world.sides) perform(world, who, STATUS, {}, 0)
    quiet = before === 0 && world.wire.length === 0 ? quiet + 1 : 0
  }
  return conclude(world, steps)
}

function conclude(world: World, steps: number): ModelResult {
  const logs = world.sides.map((who) => theLog(who))
  const [a, b] = logs
  const forked = logs.some((log) => log?.fork !== undefined)
  if (world.liar === undefined && a !== undefined && b !== undefined) {
    if (!world.restored && forked) throw new Error(`forked without a reason ${JSON.stringify([a.fork, b.fork])}`)
    // Who has gone back to before it heard of the fork, and says nothing more, hears nothing more.
    const at = world.forkedAt ?? Number.POSITIVE_INFINITY
    const knows = (log: Log | undefined, n: number) =>
      log?.fork !== undefined ||
      log?.verified !== undefined ||
      (world.restoredAt.get(world.sides[n] ?? ada(world)) ?? 0) >= at
    if (forked && !logs.every(knows)) throw new Error('one of the two does not know that the call has forked')
    const phases = world.sides.map((who, n) => replay(logs[n] as Log, who.key, world.now)?.phase)
    if (!world.restored && phases.every((phase) => phase === 'ended')) {
      if (a.verified?.digest === undefined || a.verified.digest !== b.verified?.digest)
        throw new Error(`not verified alike ${JSON.stringify([a.verified, b.verified])}`)
    }
  }
  return { forked, verified: logs.every((log) => log?.verified !== undefined), steps }
}

function ada({ sides }: World): Side {
  return sides[0]
}

function pickIntent(world: World, who: Side): Intent {
  const log = theLog(who)
  const call = log && replay(log, who.key, world.now)
  if (call === undefined) return STATUS
  const dice = world.random()
  if (call.phase === 'ringing') return call.role === 'callee' && dice < 0.5 ? ACCEPT : STATUS
  if (call.phase !== 'active') return STATUS
  if (dice < 0.45) return send(`word ${Math.floor(world.random() * 1e9)}`)
  return dice < 0.5 ? END : STATUS
}

function perform(world: World, who: Side, intent: Intent, more: { peer?: string } = {}, loss = 0.3): void {
  const { random, now } = world
  const mine = world.wire.filter((wire) => wire.to === who.key && (loss === 0 || random() < 0.7))
  world.wire = world.wire.filter((wire) => !mine.includes(wire))
  const heard = shuffled(mine, random).flatMap((wire) => (loss > 0 && random() < 0.15 ? [wire, wire] : [wire]))
  // A relay goes on serving what it has: some of it comes again later.
  if (loss > 0) world.wire.push(...mine.filter(() => random() < 0.1))
  const mail = { ...mailOf(...heard.map((wire) => wire.rumor)), completeReads: [] }
  const out = turn(who, intent, { now, mail, ...more })
  publish(world, who, out, loss)
  check(world, who)
  if (random() < 0.3) world.copies.set(who, [...(world.copies.get(who) ?? []).slice(-6), who.state])
}

function publish(world: World, who: Side, { signalsDue, receiptsOwed }: SignalStepResult, loss: number): void {
  const { random, now } = world
  for (const { call, to, rumor } of signalsDue) {
    const taken = loss === 0 || random() > loss / 2
    const wrap = envelope(1 + Math.floor(random() * 1e12))
    const answer = { relay: 'wss://r', event: wrap.id, accepted: taken, reason: taken ? '' : 'error', text: foreign`` }
    const speaker = { me: who.key, now, pid: who.pid }
    who.state = recordPublished(who.state, [{ call, rumor: rumor.id, wrap, oks: [answer] }], speaker)
    // A relay that says OK and keeps nothing.
    if (taken && (loss === 0 || random() > loss / 2)) world.wire.push({ to, rumor })
  }
  for (const { call, to, ack, read, missing, fork, lost } of receiptsOwed) {
    const body = { type: 'receipt' as const, text: '' as const, missing, ...(fork && { fork }), ...(lost && { lost }) }
    const rumor = rumorOf(signalTemplate(body, { call, to, seq: 0, prev: undefined, ack, read }, now), who.key)
    if (loss === 0 || random() > loss) {
      world.wire.push({ to, rumor })
      who.state = recordAcksTaken(who.state, call === undefined ? [] : [{ call, ack: ack.seq }])
    }
  }
}

/** What must hold after every run of an honest side. */
function check(world: World, who: Side): void {
  const log = theLog(who)
  const call = log && replay(log, who.key, world.now)
  if (log === undefined || call === undefined) return
  const taken = world.taken.get(who.key) ?? new Set()
  for (const id of Object.keys(log.entries)) taken.add(id)
  world.taken.set(who.key, taken)
  if (log.fork !== undefined) world.forkedAt ??= log.fork.at
  if (who === world.liar) return
  // "No line that our agent was shown ever changes or moves above what was shown before it without a mark."
  const lines = call.lines.map(({ signal, unseen, effective }) => ({
    id: signal.id,
    text: effective ? signal.body.text : '',
    unseen,
    ref: refOf(log, signal.id, call) ?? '',
  }))
  const before = world.shown.get(who) ?? []
  const places = new Map(lines.map((line, n) => [line.id, n]))
  let last = -1
  for (const { id, text } of before) {
    const at = places.get(id)
    if (at === undefined) throw new Error(`a line that was shown is gone: ${text}`)
    if (at <= last) throw new Error(`a line that was shown has moved: ${text}`)
    if (lines[at]?.text !== text && lines[at]?.text !== '') throw new Error(`a line has changed: ${text}`)
    last = at
  }
  const known = new Set(before.map(({ id }) => id))
  for (const [n, line] of lines.entries()) {
    if (known.has(line.id) || before.length === 0) continue
    const below = lines.slice(n + 1).filter(({ id, ref }) => known.has(id) && ref[0] !== line.ref[0])
    const number = Number(line.ref.split('/')[1])
    for (const { ref, unseen } of below) {
      const marked = unseen !== undefined && unseen[0] <= number && number <= unseen[1]
      if (!marked) throw new Error(`${line.ref} was placed above ${ref} without a mark`)
    }
  }
  world.shown.set(
    who,
    lines.map(({ id, text }) => ({ id, text })),
  )
  // "Nothing is called delivered that was not taken."
  const peer = world.sides.find((other) => other.key === call.peer)
  const theirs = world.taken.get(call.peer) ?? new Set()
  if (peer !== world.liar && log.peerAcked.id !== undefined && !theirs.has(log.peerAcked.id))
    throw new Error('acked and never taken')
  if (log.verified !== undefined) {
    const own = lastSignal(log, who.key)
    if (log.peerAcked.id !== own.id) throw new Error('verified, and the peer has not bound itself to our last word')
    if (log.fork !== undefined && log.fork.by !== 'told' && log.fork.at < log.verified.at)
      throw new Error('verified after a fork')
  }
}

function restore(world: World, who: Side): void {
  const copies = world.copies.get(who) ?? []
  const copy = copies[Math.floor(world.random() * copies.length)]
  if (copy === undefined) return
  who.state = copy
  world.restored = true
  world.restoredAt.set(who, world.now)
  // Its agent begins anew too.
  world.shown.delete(who)
}

/** Whatever a peer may choose: numbers, links, texts, a second branch, an end of its liking, receipts. */
function lie(world: World, who: Side): void {
  const log = theLog(who)
  const other = world.sides.find((one) => one !== who)
  if (log === undefined || other === undefined) return
  const { random } = world
  const ids = Object.values(log.entries).flatMap(({ rumor }) => parsedSignal(rumor) ?? [])
  const any = (from: string): Link => {
    const some = ids.filter((signal) => signal.from === from)
    const one = some[Math.floor(random() * some.length)]
    return one === undefined ? NOTHING : { seq: one.seq, id: one.id }
  }
  const own = random() < 0.6 ? lastSignal(log, who.key) : any(who.key)
  const ack =
    random() < 0.5 ? lastSignal(log, other.key) : random() < 0.8 ? any(other.key) : { seq: 3, id: '9'.repeat(64) }
  const bodies: Body[] = [
    { type: 'message', text: `lie ${Math.floor(random() * 1e9)}` },
    { type: 'end', text: random() < 0.5 ? '' : 'bye', expired: false },
    { type: 'accept', text: '', name: '', relays: [] },
    { type: 'opaque', text: '', op: 'later' },
    { type: 'receipt', text: '', missing: [[1, 1000]] },
    { type: 'receipt', text: '', missing: [], fork: { seq: 1, id: log.id } },
  ]
  const body = bodies[Math.floor(random() * (random() < 0.1 ? bodies.length : 5))] ?? bodies[0]
  if (body === undefined) return
  const seq = own.seq + 1 + (random() < 0.1 ? Math.floor(random() * 3) : 0)
  const prev = random() < 0.85 ? own.id : any(who.key).id
  const position: SignalPosition = {
    call: log.id,
    to: other.key,
    seq,
    prev: seq === 1 ? undefined : (prev ?? log.id),
    ack,
  }
  const template = signalTemplate(body, position, world.now)
  world.wire.push({ to: other.key, rumor: rumorOf(template, who.key) })
}

/** The call of the model: there is only one. */
function theLog(who: Side): Log | undefined {
  return Object.values(who.state.logs)[0]
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function mulberry(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
