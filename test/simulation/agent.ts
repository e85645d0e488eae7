// An agent: its disk, its clock, and its commands, each a run of the pure core as the program does it, in steps between
// which others run and at which it may die.

import type { ArchivedCall, ArchiveSegment } from '../../src/call/archive.ts'
import { decide } from '../../src/call/decide.ts'
import { itemsOf } from '../../src/call/inbox-items.ts'
import type { Intent } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Event, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { needsSweep, replaySince } from '../../src/state/cursors.ts'
import { directoryOf } from '../../src/state/directory.ts'
import { type PublishResult, type RelayAnswer, recordPublished } from '../../src/state/outbox.ts'
import { markRead } from '../../src/state/read-marks.ts'
import { recordReceiptsTaken } from '../../src/state/receipts.ts'
import { callsOf, emptyIndex, type Index, type State } from '../../src/state/state.ts'
import type { stateCodecWith } from '../../src/state/state-codec.ts'
import { callsIn, type HeardMail, type StepContext, type StepOutput, step } from '../../src/state/step.ts'
import type { Dice } from './dice.ts'
import type { Network } from './network.ts'

export type Agent = {
  name: string
  key: string
  /** `chapters`: by the call's id and the chapter's number; some of them may be named by no head. */
  disk: { index: Index; logs: Record<string, Log>; chapters: Record<string, Map<number, ArchiveSegment>> }
  /** Seconds by which its clock is ahead, and whether the relays tell it. */
  ahead: number
  told: boolean
  /** The processes that live. */
  running: Set<number>
  /** What the program has promised to deliver, by rumor id. */
  accepted: Set<string>
  /** What has been put before its eyes, by item. */
  saw: Set<string>
}

/** Everything that commands share. `at`: the true time. */
export type Sim = {
  seed: number
  dice: Dice
  network: Network
  at: number
  pids: number
  /** How probable it is that a run dies at a step. */
  deadly: number
  commands: number
  crashes: number
  /** How often something was said before anything was heard. */
  ahead: number
  codec: SimCodec
  /** How often words were put into chapters, and how often a call was needed whole. */
  packed: number
  joined: number
  /** Told of every command and every mishap, for whoever wants to see how a seed fails. */
  trace: ((line: string) => void) | undefined
  /** Called after every write. */
  saved: (agent: Agent) => void
}

/** Thrown where a run dies. */
export const KILLED = new Error('killed')

export type SimCodec = ReturnType<typeof stateCodecWith>

const PEOPLE = { contacts: [], owner: undefined, names: {} }
const SHOWS: readonly Intent['type'][] = ['inbox', 'status', 'send']

export function newAgent(name: string, key: string): Agent {
  const index = { ...emptyIndex(), agent: key }
  const blank = { disk: { index, logs: {}, chapters: {} }, ahead: 0, told: true, running: new Set<number>() }
  return { name, key, ...blank, accepted: new Set(), saw: new Set() }
}

export type Command = { intent: Intent; peer?: string | undefined; selector?: string | undefined }

/** One run. It yields where the program waits. */
export function* command(sim: Sim, agent: Agent, { intent, peer, selector }: Command): Generator<void> {
  const { dice, network } = sim
  sim.commands++
  const pid = ++sim.pids
  agent.running.add(pid)
  const raw = Math.floor(sim.at) + agent.ahead
  const deep = intent.type === 'inbox' && intent.deep
  const { index } = agent.disk
  // A message in a call that seems active is said before anything is heard, unless the clock is known to be wrong.
  const ahead = intent.type === 'send' && !(agent.told && agent.ahead !== 0) && dice.chance(0.5)
  const early = ahead ? yield* sayAhead(sim, agent, intent, seatOf(sim, agent, raw, pid, peer, selector)) : undefined
  const left: Intent = early === undefined ? intent : { type: 'status' }
  yield
  const answers = network.relays.map((relay) => {
    const since = replaySince(index.relays[relay.url], raw, deep)
    const skip = (id: string) => !deep && index.seen[id] !== undefined && !dice.chance(0.05)
    return { relay: relay.url, ...network.query(relay, agent.key, since, sim.at, skip) }
  })
  // The relays' time is known as soon as one has answered.
  const wrong = agent.told && answers.some((a) => a.complete) ? agent.ahead : 0
  const now = raw - wrong
  const replayed = answers
    .filter((a) => a.complete)
    .map((a) => ({
      relay: a.relay,
      cursor: Math.min(raw, now),
      began: now,
      swept: deep || needsSweep(index.relays[a.relay], raw),
    }))
  const found = new Map(answers.flatMap((a) => a.found).map((o) => [o.wrap, o]))
  const mail = { opened: [...found.values()], replayed, deep }
  yield

  const seat = seatOf(sim, agent, now, pid, peer, selector)
  const turned = update(sim, agent, [...callsIn(mail.opened, index, selector), ...(early?.touched ?? [])], (fresh) => {
    const turn = step(fresh, left, mail, seat)
    // Last, as in the program: until then what was said ahead is claimed, and so not due once more.
    const state = early === undefined ? turn.state : noted(turn.state, early, seat)
    return { state, value: { ...turn, state } }
  })
  for (const { rumor } of turned.said) agent.accepted.add(rumor.id)
  sim.trace?.(`${agent.name} ${pid} at ${now}: ${intent.type} ${selector ?? ''} ${storyOf(mail.opened, turned)}`)
  yield

  const spoken = yield* speak(sim, agent, turned, now)
  const state =
    spoken.touched.length === 0
      ? turned.state
      : update(sim, agent, spoken.touched, (fresh) => {
          const after = noted(fresh, spoken, seat)
          return { state: after, value: after }
        })
  if (SHOWS.includes(intent.type)) yield* show(sim, agent, state, now)
  agent.running.delete(pid)
}

/** What relays answered, to be written down. */
type Spoken = { credits: PublishResult[]; acked: { call: string; ack: number }[]; touched: string[] }

function noted(state: State, { credits, acked }: Spoken, seat: StepContext): State {
  return recordReceiptsTaken(recordPublished(state, credits, seat), acked)
}

function* speak(sim: Sim, agent: Agent, { dues, acks }: StepOutput, now: number): Generator<void, Spoken> {
  const { network } = sim
  const credits: PublishResult[] = []
  const acked: { call: string; ack: number }[] = []
  for (const { call, to, rumor, wrap: held, skip } of dues) {
    const wrap = held ?? network.seal(to, now)
    const receipts = publish(sim, wrap, rumor, skip)
    credits.push({ call, rumor: rumor.id, wrap, receipts })
    if (receipts.some((r) => r.accepted)) acked.push({ call, ack: Number(rumor.tags.find((t) => t[0] === 'ack')?.[1]) })
    yield
  }
  for (const { call, to, ack, read, missing, fork, lost } of acks) {
    const body = { type: 'receipt' as const, text: '' as const, missing, ...(fork && { fork }), ...(lost && { lost }) }
    const rumor = rumorOf(signalTemplate(body, { call, to, seq: 0, prev: undefined, ack, read }, now), agent.key)
    const receipts = publish(sim, network.seal(to, now), rumor, [])
    if (receipts.some((r) => r.accepted)) acked.push({ call, ack: ack.seq })
    yield
  }
  return { credits, acked, touched: [...credits, ...acked].map((c) => c.call) }
}

/** Undefined where it cannot be said yet. */
function* sayAhead(sim: Sim, agent: Agent, intent: Intent, seat: StepContext): Generator<void, Spoken | undefined> {
  const mail = { opened: [], replayed: [], unheard: true }
  const state = load(sim, agent, [])
  const calls = callsOf(state, agent.key, seat.now)
  const directory = directoryOf(state.index, seat.people, 'callers')
  if (decide(intent, { ...seat, calls, directory }).refusal !== undefined) return undefined
  const turned = update(sim, agent, [], (fresh) => {
    const turn = step(fresh, intent, mail, seat)
    return { state: turn.state, value: turn, callsOnly: true }
  })
  if (turned.verdict.refusal !== undefined) return undefined
  for (const { rumor } of turned.said) agent.accepted.add(rumor.id)
  sim.ahead++
  yield
  return yield* speak(sim, agent, turned, seat.now)
}

function seatOf(
  { dice }: Sim,
  agent: Agent,
  now: number,
  pid: number,
  peer: string | undefined,
  selector: string | undefined,
): StepContext {
  const policy = {
    trust: () => 'known' as const,
    calls: 'anyone' as const,
    silent: false,
    pow: 0,
    autoAnswer: 'nobody' as const,
  }
  const ring = dice.chance(0.3) ? 60 : 900
  const mine = { me: agent.key, now, pid, name: agent.name, inbox: [], ring, inlineMax: 100_000 }
  return { ...mine, people: PEOPLE, selector, peer, policy, alive: (other) => agent.running.has(other) }
}

function storyOf(opened: HeardMail['opened'], { said, dues, acks }: StepOutput): string {
  const heard = opened.flatMap(({ rumor }) => (rumor === undefined ? [] : [wordOf(rumor)]))
  const out = [
    said.map((s) => wordOf(s.rumor)),
    dues.map((d) => wordOf(d.rumor)),
    acks.map((a) => `${a.call} ${a.ack}`),
  ]
  return [heard, ...out].map((words) => words.join(', ')).join(' | ')
}

function wordOf({ id, tags, kind }: Rumor): string {
  const known = ['op', 'call-id', 'seq', 'ack'].map((name) => tags.find((t) => t[0] === name)?.[1] ?? kind)
  return `${known.join('/')} ${id}`
}

function* show(sim: Sim, agent: Agent, state: State, now: number): Generator<void> {
  const items = callsOf(state, agent.key, now).flatMap((call) => {
    const log = state.logs[call.id]
    return log === undefined || log.unread.length === 0 ? [] : itemsOf(log, call, PEOPLE)
  })
  if (items.length === 0) return
  for (const { call, id, type } of items) agent.saw.add(type === 'missed' ? `${call} missed` : id)
  yield
  const calls = items.map((i) => i.call)
  update(sim, agent, calls, (fresh) => ({ state: markRead(fresh, items, { me: agent.key, now }), value: undefined }))
}

function publish({ network, at }: Sim, wrap: Event, rumor: Rumor, skip: readonly string[]): RelayAnswer[] {
  return network.relays
    .filter((relay) => !skip.includes(relay.url))
    .map((relay) => {
      const said = network.publish(relay, wrap, rumor, at)
      const reason = said === undefined ? 'silent' : said ? '' : 'blocked'
      return { relay: relay.url, event: wrap.id, accepted: said === true, reason, text: '' }
    })
}

/**
 * The store's promise: a pure change to what is newest, applied again to whole calls where it needs them; chapters first, then
 * heads, the index last. A run may die in between.
 */
function update<T>(
  sim: Sim,
  agent: Agent,
  also: readonly string[],
  change: (fresh: State) => { state: State; value: T; callsOnly?: boolean },
): T {
  const { disk } = agent
  const { archive } = sim.codec
  // Without a throw of the dice where nobody dies: such a seed goes the same way whatever is packed.
  const die = () => {
    if (sim.deadly > 0 && sim.dice.chance(sim.deadly / 4)) throw KILLED
  }
  const { fresh, state, value, volumes, callsOnly = false } = applied(sim, agent, also, change)
  const changed = Object.entries(state.logs).filter(([id, log]) => log !== fresh.logs[id])
  const packed = changed.map(([id, log]) => ({ id, ...archive.pack(state, log, volumes.get(id)) }))
  for (const { id, added } of packed) {
    for (const [number, chapter] of added) {
      const named = disk.logs[id] === undefined ? [] : archive.segmentsOf(disk.logs[id])
      if (named.includes(number)) throw new Error(`chapter ${number} of ${id} was written over`)
      disk.chapters[id] = new Map(disk.chapters[id]).set(number, chapter)
      sim.packed++
      die()
    }
  }
  for (const { id, head } of packed) {
    disk.logs[id] = head
    die()
  }
  if (changed.length + Number(state.index !== fresh.index) > 0) {
    if (!callsOnly) disk.index = state.index
    sim.saved(agent)
  }
  for (const { id, head } of packed) {
    for (const number of disk.chapters[id]?.keys() ?? []) {
      if (archive.segmentsOf(head).includes(number)) continue
      disk.chapters[id]?.delete(number)
      die()
    }
  }
  return value
}

function applied<T>(
  sim: Sim,
  agent: Agent,
  also: readonly string[],
  change: (fresh: State) => { state: State; value: T; callsOnly?: boolean },
) {
  const volumes = new Map<string, ArchivedCall>()
  for (;;) {
    const fresh = load(sim, agent, also)
    for (const id of volumes.keys()) fresh.logs[id] = wholeLog(sim, agent, id) ?? missing(id)
    const changed = change(fresh)
    const disturbed = Object.entries(changed.state.logs).filter(([id, log]) => {
      const before = fresh.logs[id]
      return before !== undefined && sim.codec.archive.needsWholeCall(before, log)
    })
    if (disturbed.length === 0) return { fresh, volumes, ...changed }
    sim.joined += disturbed.length
    for (const [id] of disturbed) {
      const volume = volumeOf(sim, agent, id)
      if (volumes.has(id) || volume === undefined) throw new Error(`${id} is needed more than whole`)
      volumes.set(id, volume)
    }
  }
}

export function load({ codec }: Sim, { disk }: Agent, also: readonly string[]): State {
  const logs: Record<string, Log> = {}
  for (const id of codec.open(disk.index, also)) {
    const log = disk.logs[id]
    if (log !== undefined) logs[id] = log
  }
  return { index: disk.index, logs }
}

/** A call with what lies in its chapters. */
export function wholeLog(sim: Sim, agent: Agent, id: string): Log | undefined {
  const volume = volumeOf(sim, agent, id)
  return volume && (sim.codec.archive.joinSegments(volume) ?? missing(id))
}

function volumeOf({ codec }: Sim, { disk }: Agent, id: string): ArchivedCall | undefined {
  const head = disk.logs[id]
  if (head === undefined) return undefined
  const segments = new Map(codec.archive.segmentsOf(head).map((n) => [n, disk.chapters[id]?.get(n) ?? missing(id)]))
  return { head, segments }
}

function missing(id: string): never {
  throw new Error(`the chapters of ${id} are not what its head says`)
}

/** Everything written and read again; without the index when that is lost. */
export function restart({ codec }: Sim, agent: Agent, lost: boolean): void {
  const { disk } = agent
  const logs = Object.entries(disk.logs).map(([id, log]): [string, Log] => [id, again(codec.parseLog, log)])
  disk.logs = Object.fromEntries(logs)
  for (const chapters of Object.values(disk.chapters))
    for (const [number, chapter] of chapters) chapters.set(number, again(codec.archive.parse, chapter))
  disk.index = lost ? codec.rebuild(new Map(logs)) : again(codec.parse, disk.index)
}

function again<T>(parse: (value: unknown) => T | 'newer' | undefined, value: T): T {
  const parsed = parse(JSON.parse(JSON.stringify(value)))
  if (parsed === undefined || parsed === 'newer') throw new Error('what was written cannot be read')
  return parsed
}
