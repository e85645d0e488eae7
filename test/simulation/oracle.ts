// What must hold: at every moment, and once the network has healed.

import { type Log, parsedSignal, signalOf } from '../../src/call/log.ts'
import { paceOf } from '../../src/call/pace.ts'
import { type Call, type Line, lastSignal, replay } from '../../src/call/replay.ts'
import { UNCONNECTED_PHASES } from '../../src/call/rules.ts'
import { isDowngraded, sealedSignalOf, secrecyIn } from '../../src/call/secrecy.ts'
import type { Signal } from '../../src/call/signal.ts'
import { summariseCall } from '../../src/state/call-index.ts'
import { type Agent, type Sim, wholeLog } from './agent.ts'
import { STOLEN } from './hostile.ts'

/** Liveness: both sides hold the same calls, whole. @returns how many messages were compared */
export function healed(sim: Sim, one: Agent, other: Agent, now: number): number {
  const calls = new Set([...shared(one, other), ...shared(other, one)])
  let compared = 0
  for (const id of calls) {
    const [mine, theirs] = [callIn(sim, one, id, now), callIn(sim, other, id, now)]
    same(mine, theirs)
    // Who has not answered a call says little in it: what the caller owes there is never acked.
    if (wasSpokenIn(mine) && wasSpokenIn(theirs)) for (const agent of [one, other]) owesNothing(agent, id)
    sealedAlike(sim, one, other, id)
    newsOf(one, mine)
    newsOf(other, theirs)
    compared += mine.lines.length
  }
  promised(sim, one, other, calls, now)
  promised(sim, other, one, calls, now)
  return compared
}

/** A call that says that it is secret is so on both sides, and in every word: nothing of the peer's came under the identities' key. */
function sealedAlike(sim: Sim, one: Agent, other: Agent, id: string): void {
  const secrecies = [one, other].map((agent) => {
    const log = wholeLog(sim, agent, id)
    const secrecy = log && secrecyIn(log)
    if (log === undefined || secrecy?.sealedWith !== 'call') return secrecy?.sealedWith
    const { caller } = secrecy.binding
    for (const { rumor, heard, underCallKey } of Object.values(log.entries)) {
      const signal = heard === undefined ? undefined : parsedSignal(rumor)
      if (signal === undefined || underCallKey === true) continue
      if (isDowngraded(sealedSignalOf(signal, caller), secrecy.acceptedAt))
        throw new Error(`${agent.name} has taken ${short(rumor.id)} of ${short(id)} in the open`)
    }
    if (JSON.stringify([log.entries, log.waiting]).includes(STOLEN))
      throw new Error(`${agent.name} has taken what a thief said in ${short(id)}`)
    if (!agent.disk.keys.has(id)) throw new Error(`${agent.name} has lost the key of ${short(id)}`)
    return 'call'
  })
  const [mine, theirs] = secrecies
  if (mine !== undefined && theirs !== undefined) equal(`secrecy of ${short(id)}`, mine, theirs)
  if (mine === 'identity') throw new Error(`${short(id)} has no key`)
}

/** Whether anything is still on its way between them, so that time brings it. */
export function restless(agents: readonly Agent[]): boolean {
  return agents.some((agent) => Object.values(agent.disk.logs).some((log) => isOnItsWay(agent, log, agents)))
}

function isOnItsWay(agent: Agent, log: Log, agents: readonly Agent[]): boolean {
  if (log.fork !== undefined) return false
  const peer = peerIn(log, agent.key)
  const theirs = agents.filter(({ key }) => key === peer && key !== agent.key)
  if (theirs.length === 0) return false
  // Whoever died between the file of a call and the index does not know it, and takes in its request once more, where that is offered.
  const knowing = theirs.filter(({ disk }) => disk.index.calls[log.id] !== undefined)
  if (knowing.length === 0) return log.outbox[log.id] !== undefined || isToHearOfLoss(agent, log)
  const isSpokenIn = [agent, ...knowing].some(({ disk }) => SPOKEN_IN.includes(disk.index.calls[log.id]?.phase ?? ''))
  return isSpokenIn && Object.keys(log.outbox).length > 0
}

// What it offers there is unknown to the other side, which says so.
function isToHearOfLoss({ disk }: Agent, log: Log): boolean {
  const isSpokenIn = SPOKEN_IN.includes(disk.index.calls[log.id]?.phase ?? '')
  return isSpokenIn && log.peerLostAt === undefined && Object.keys(log.outbox).length > 0
}

const SPOKEN_IN: readonly string[] = ['active', 'ended', 'expired']

function wasSpokenIn({ phase }: Call): boolean {
  return SPOKEN_IN.includes(phase)
}

function same(a: Call, b: Call): void {
  const what = `${short(a.id)} (${a.phase}, ${b.phase})`
  for (const call of [a, b]) wellFormed(call, what)
  // A ring that one side gave up, or that crossed another, is a matter of what it heard of in time.
  const phases = [a.phase, b.phase]
  if (phases.some((phase) => UNCONNECTED_PHASES.includes(phase)) && !phases.includes('active')) return
  equal(`lines of ${what}`, a.lines.map(wordOf), b.lines.map(wordOf))
  equal(`visible lines of ${what}`, a.lines.filter(isShown).map(wordOf), b.lines.filter(isShown).map(wordOf))
  equal(`gaps of ${what}`, [a.gaps, b.gaps], [[], []])
  equal(`digests of ${what}`, a.digest, b.digest)
  const bothEnded = a.ends.caller !== undefined && a.ends.callee !== undefined
  const talked = a.phase === 'ended' && b.phase === 'ended'
  equal(`verified of ${what}`, [a.verified, b.verified], talked && bothEnded ? [true, true] : ['pending', 'pending'])
  if ((a.phase === 'ended' || b.phase === 'ended') && !bothEnded) throw new Error(`${what}: no confirming end`)
  if (a.phase !== b.phase) throw new Error(`phases of ${what}`)
  causal(a, what)
}

function wellFormed({ lines, caller, callee }: Call, what: string): void {
  const keys = lines.map((l) => `${l.signal.from} ${l.signal.seq}`)
  if (new Set(keys).size !== keys.length) throw new Error(`${what}: one seq twice`)
  if (lines.some((l) => ![caller, callee].includes(l.signal.from))) throw new Error(`${what}: a third party`)
}

// Whoever says something has heard what it acks, and said what came before: that stands above it.
function causal({ lines }: Call, what: string): void {
  const reached = new Map<string, number>()
  for (const { signal } of lines) {
    const { from, to, seq, ack } = signal
    if ((reached.get(from) ?? 0) !== seq - 1)
      throw new Error(`${what}: ${wordOf({ signal })} stands before what came before`)
    if ((reached.get(to) ?? 0) < ack.seq)
      throw new Error(`${what}: ${wordOf({ signal })} stands before what it answers`)
    reached.set(from, seq)
  }
}

/** A call as one agent holds it. */
type Held = { agent: Agent; log: Log; call: Call }

/**
 * Where somebody went back, or is two: whoever's log has two branches knows, and so does the other side; what was not delivered is
 * told; and where nobody knows of a fork there is none.
 */
export function knowing(sim: Sim, agents: readonly Agent[], now: number): void {
  for (const [id, held] of callsOf(sim, agents, now)) {
    for (const { agent, log } of held) told(agent, log)
    const unaware = unawareOf(held).filter((one) => isReadable(one, held))
    if (unaware.length > 0)
      throw new Error(`${unaware.map(({ agent }) => agent.name)} does not know that ${short(id)} has forked`)
    // A call that came to nothing was no conversation there: who has not its key is not heard in it.
    alike(
      id,
      held.filter(({ log, call }) => log.fork === undefined && wasSpokenIn(call)),
    )
    const digests = held.flatMap(({ log }) => log.verified?.digest ?? [])
    if (new Set(digests).size > 1) throw new Error(`${short(id)} was verified with two digests`)
  }
}

/**
 * Who could go on in a call that has forked, and does not know it. "Who finds a fork lets the other side know by a receipt … while the
 * other goes on offering", and "it answers only with `fork`, and only what comes after": a receipt that is lost is not said again by
 * itself. So whoever has all that it said acknowledged, or has gone back to before it heard of the fork, hears of it with its next word.
 */
export function toSpeakUp(sim: Sim, agents: readonly Agent[], now: number): { agent: Agent; call: string }[] {
  return callsOf(sim, agents, now).flatMap(([id, held]) =>
    unawareOf(held).flatMap(({ agent, call }) => (call.phase === 'active' ? [{ agent, call: id }] : [])),
  )
}

/**
 * "`lost`, once a day and peer, to one whose numbered signals in a call are unknown here after two complete replays": whoever speaks to
 * somebody in calls that are not there any more is told so of one of them.
 */
export function lossTold(agents: readonly Agent[]): void {
  for (const agent of agents)
    for (const peer of new Set(agents.map(({ key }) => key))) {
      const theirs = agents.filter(({ key }) => key === peer && key !== agent.key)
      const lost = Object.values(agent.disk.logs).filter(
        (log) =>
          theirs.length > 0 &&
          peerIn(log, agent.key) === peer &&
          log.fork === undefined &&
          theirs.every(({ disk }) => disk.index.calls[log.id] === undefined && !keepsEarly(disk.logs, agent.key)) &&
          SPOKEN_IN.includes(agent.disk.index.calls[log.id]?.phase ?? '') &&
          Object.keys(log.outbox).length > 0,
      )
      if (lost.length > 0 && lost.every((log) => log.peerLostAt === undefined))
        throw new Error(
          `${agent.name} was not told that ${lost.map(({ id }) => short(id))} is unknown to the other side`,
        )
    }
}

// "What an accept's author has sealed with call keys may come before the accept: it is kept for it … until its ring has been over for 7
// days": where a request to this peer is unanswered, what nothing opens may belong to that, and no key counts as lost.
function keepsEarly(logs: Readonly<Record<string, Log>>, peer: string): boolean {
  return Object.values(logs).some(({ earlySeals: early = {} }) =>
    Object.values(early).some(({ seal }) => seal.pubkey === peer),
  )
}

function callsOf(sim: Sim, agents: readonly Agent[], now: number): [string, Held[]][] {
  const ids = new Set(agents.flatMap(({ disk }) => Object.keys(disk.logs)))
  return [...ids].map((id) => [
    id,
    agents.flatMap((agent) => {
      const log = wholeLog(sim, agent, id)
      const call = log && replay(log, agent.key, now)
      const isOurs = agents.some(({ key }) => key === call?.peer)
      return log === undefined || call === undefined || !isOurs ? [] : [{ agent, log, call }]
    }),
  ])
}

// "A second accept is a fork, its seals are told as unreadable": whoever has gone back to the other accept says what nothing opens there.
function isReadable({ agent, log }: Held, held: readonly Held[]): boolean {
  const accept = signalsOf(log).find(({ body, seq }) => body.type === 'accept' && seq === 1)
  return held.some((other) => other.agent.key !== agent.key && other.log.entries[accept?.id ?? ''] !== undefined)
}

// "A verified call stays as it is"; and one that came to nothing there was no conversation.
function unawareOf(held: readonly Held[]): Held[] {
  if (!held.some(({ log }) => log.fork !== undefined)) return []
  return held.filter(({ log, call }) => log.fork === undefined && log.verified === undefined && wasSpokenIn(call))
}

/** Whoever holds a call that has forked was told, and so was what it had said and was never acknowledged. */
export function told(agent: Agent, log: Log): void {
  const isTold = (mark: string, name: string) => agent.saw.has(name) || log.unread.includes(mark)
  if (log.fork === undefined) return
  if (!isTold('forked', `${log.id} forked`))
    throw new Error(`${agent.name} was not told that ${short(log.id)} has forked`)
  if (log.verified !== undefined) return
  for (const id of Object.keys(log.outbox)) {
    const signal = signalOf(log, id)
    if (signal?.body.type !== 'message' || signal.seq <= log.peerAcked.seq) continue
    if (!isTold(`undelivered:${id}`, `${id} undelivered`))
      throw new Error(`${agent.name} was not told that ${signal.seq} of ${short(log.id)} was not delivered`)
  }
}

/**
 * Two who know of no fork hold the same under each number. Two machines of one key do not hear each other: each of them hears it from
 * the other side.
 */
function alike(id: string, held: readonly { agent: Agent; log: Log }[]): void {
  for (const one of held)
    for (const other of held) {
      if (one.agent.key >= other.agent.key) continue
      const places = new Map(signalsOf(other.log).map((signal) => [`${signal.from} ${signal.seq}`, signal.id]))
      const odd = signalsOf(one.log).find(({ from, seq, id }) => (places.get(`${from} ${seq}`) ?? id) !== id)
      if (odd === undefined) continue
      const names = `${one.agent.name} and ${other.agent.name}`
      throw new Error(`${names} hold two texts under ${odd.seq} of ${short(id)}, and neither knows`)
    }
}

function signalsOf(log: Log): Signal[] {
  return Object.keys(log.entries).flatMap((key) => signalOf(log, key) ?? [])
}

/** However much somebody sends, what is kept of it is bounded. */
export function bounded(_: Sim, { name, key, disk }: Agent): void {
  const orphans = new Map<string, number>()
  for (const { from } of disk.index.orphanCalls) orphans.set(from, (orphans.get(from) ?? 0) + 1)
  if (Math.max(0, ...orphans.values()) > 40) throw new Error(`${name} keeps too much of calls that it does not know`)
  for (const log of Object.values(disk.logs)) {
    const what = `${name} in ${short(log.id)}`
    if (Object.keys(log.aside).length > 3) throw new Error(`${what}: too much is kept aside`)
    const waiting = new Map<number, number>()
    for (const { rumor } of Object.values(log.waiting)) {
      const seq = Number(rumor.tags.find((tag) => tag[0] === 'seq')?.[1])
      waiting.set(seq, (waiting.get(seq) ?? 0) + 1)
      if (seq > lastSignal(log, rumor.pubkey).seq + 1_000) throw new Error(`${what}: ${seq} waits`)
    }
    if (Math.max(0, ...waiting.values()) > 8) throw new Error(`${what}: too many wait for one number`)
    const isAnswered = Object.values(log.entries).some(({ rumor }) => rumor.pubkey === key)
    if (!isAnswered && Object.keys(log.entries).length + Object.keys(log.waiting).length > 2)
      throw new Error(`${what}: a stranger's words are kept before an answer`)
  }
}

function promised(sim: Sim, agent: Agent, other: Agent, calls: ReadonlySet<string>, now: number): void {
  const kept = new Map<string, Line>()
  const nothing = new Set<string>()
  for (const id of calls) {
    const call = callIn(sim, agent, id, now)
    if (UNCONNECTED_PHASES.includes(call.phase)) nothing.add(id)
    for (const line of call.lines) kept.set(line.signal.id, line)
  }
  for (const id of agent.accepted) {
    const log = Object.keys(agent.disk.logs)
      .flatMap((call) => wholeLog(sim, agent, call) ?? [])
      .find((l) => l.entries[id] !== undefined)
    if (log === undefined) throw new Error(`${agent.name} has lost ${short(id)}, which it had accepted`)
    if (peerIn(log, agent.key) !== other.key || nothing.has(log.id)) continue
    const line = kept.get(id)
    if (line === undefined || !isShown(line))
      throw new Error(`${short(id)} of ${agent.name} was accepted and is not shown`)
  }
}

// What the peer has said was put before the user's eyes, or will be.
function newsOf(agent: Agent, call: Call): void {
  const log = agent.disk.logs[call.id]
  // One that crossed ours does not ring, and may be hung up before it does.
  if (call.held || call.phase === 'merged' || call.phase === 'cancelled') return
  for (const { signal, effective } of call.lines) {
    const { id, from, body } = signal
    const answered = body.type === 'request' && call.lines.some((l) => l.signal.from === agent.key)
    const silent = body.type === 'file' || (body.type === 'end' && body.text === '') || answered || !effective
    if (from === agent.key || silent) continue
    // One that met ours ("glare") is told in the call that it has become.
    const missed = body.type === 'request' && (log?.missedAt !== undefined || log?.mergedInto !== undefined)
    if (!agent.saw.has(id) && log?.unread.includes(id) !== true && !missed)
      throw new Error(`${agent.name} was never shown ${body.type} ${short(id)} of ${short(call.id)}`)
  }
}

/** What is told of a call without its chapters is what the whole call says, whoever the other side is; an ended one has none. */
export function summed(sim: Sim, agent: Agent, now: number): void {
  for (const [id, log] of Object.entries(agent.disk.logs)) {
    const call = replay(log, agent.key, now)
    const full = wholeLog(sim, agent, id) ?? log
    const whole = replay(full, agent.key, now)
    if (log.archive !== undefined && Object.keys(whole?.ends ?? {}).length > 0)
      throw new Error(`${agent.name} has ${short(id)} in pieces though it has an end`)
    equal(`${short(id)} by its head`, { ...call, lines: [] }, { ...whole, lines: [] })
    if (call === undefined || whole === undefined) continue
    equal(`messages of ${short(id)}`, paceOf(call, log.archive).messages, paceOf(whole).messages)
    equal(`own of ${short(id)}`, summariseCall(call, log, now).own, summariseCall(whole, full, now).own)
  }
}

/** Each command has a text of its own, and says it once, whatever it has lost half-way. */
export function saidOnce(sim: Sim, agent: Agent): void {
  const said = new Set<string>()
  for (const id of Object.keys(agent.disk.logs)) {
    const log = wholeLog(sim, agent, id)
    for (const { from, body } of log === undefined ? [] : signalsOf(log)) {
      if (from !== agent.key || body.type !== 'message') continue
      if (said.has(body.text)) throw new Error(`${agent.name} has said "${body.text}" twice`)
      said.add(body.text)
    }
  }
}

function owesNothing(agent: Agent, id: string): void {
  const owed = Object.keys(agent.disk.logs[id]?.outbox ?? {})
  if (owed.length > 0) throw new Error(`${agent.name} still owes ${owed.length} in ${short(id)}`)
}

function callIn(sim: Sim, agent: Agent, id: string, now: number): Call {
  const summary = agent.disk.index.calls[id]
  const log = wholeLog(sim, agent, id)
  const call = log && replay(log, agent.key, now)
  if (call === undefined || summary === undefined) throw new Error(`${agent.name} lacks the call ${short(id)}`)
  return call
}

function shared(of: Agent, other: Agent): string[] {
  return Object.entries(of.disk.index.calls).flatMap(([id, call]) => (call.peer === other.key ? [id] : []))
}

function peerIn(log: Log, me: string): string | undefined {
  const request = log.entries[log.id]?.rumor
  return request?.pubkey === me ? request.tags.find((t) => t[0] === 'p')?.[1] : request?.pubkey
}

function isShown({ effective, late }: Line): boolean {
  return effective || late
}

function wordOf({ signal }: Pick<Line, 'signal'>): string {
  return `${short(signal.from)} ${signal.seq} ${signal.body.type} ${short(signal.id)}`
}

function equal(what: string, a: unknown, b: unknown): void {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)]
  if (one !== other) throw new Error(`${what} differ:\n  ${one}\n  ${other}`)
}

function short(id: string): string {
  return id.slice(0, 8)
}

/**
 * "Who took in or kept aside numbered signals … and says nothing else in that call, sends one `receipt`", at most one a minute and call.
 * @param before its logs before the run that just ended, and `made` how many envelopes there were
 */
export function answered(
  sim: Sim,
  { name, key, disk, ahead }: Agent,
  before: Agent['disk']['logs'],
  made: number,
): void {
  const since = [...sim.network.inside.values()].slice(made).map(({ rumor }) => rumor)
  for (const [id, log] of Object.entries(disk.logs)) {
    const held = before[id]
    if (held === undefined || asideCount(log) === asideCount(held)) continue
    const { ackTriedAt, forkToldAt } = held.receipts
    if (Math.floor(sim.world.at / 1000) + ahead - Math.max(ackTriedAt, forkToldAt) <= 60 + RUN) continue
    const isSaid = since.some(
      ({ pubkey, tags }) => pubkey === key && tags.some((t) => t[0] === 'call-id' && t[1] === id),
    )
    if (!isSaid) throw new Error(`${name} has kept something aside in ${short(id)} and says nothing`)
  }
}

/** Seconds that a run may take, so that what it judged by is earlier than now. */
const RUN = 60

function asideCount({ aside, asideMore }: Log): number {
  return Object.keys(aside).length + asideMore
}
