// Two agents and a hostile third on relays that lose, repeat, delay, reorder, lie and forget, with runs that die at any
// step and clocks that are wrong: after the network has healed, both hold every accepted word once, in the same order.
//   npx tsx test/simulation/simulation.ts --seeds 10000 [--from N] [--trace]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ARCHIVE_BOUNDS, type ArchiveBounds } from '../../src/call/archive.ts'
import type { Intent } from '../../src/call/intent.ts'
import { sha256, toHex } from '../../src/nostr/crypto.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { stateCodecWith } from '../../src/state/state-codec.ts'
import { type Agent, type Command, command, KILLED, newAgent, restart, type Sim, wholeLog } from './agent.ts'
import { diceOf } from './dice.ts'
import { attack } from './hostile.ts'
import { MOODS, openNetwork } from './network.ts'
import { delivered, healed, restless, summed } from './oracle.ts'

const DAY = 86_400
const START = 1_800_000_000

/** What is owed is owed for 7 days: the turmoil and the healing have to fit in. */
const LASTS = 2.5 * DAY

/** Waits between rounds after the healing, in seconds: together less than the 7 days for which things are owed. */
const ROUNDS = [
  5, 5, 30, 120, 400, 700, 5, 4_000, 5, 7_200, 5, 22_000, 5, 43_000, 5, 87_000, 5, 87_000, 5, 87_000, 5, 65,
]

export type Figures = {
  commands: number
  crashes: number
  /** How often something was said before anything was heard. */
  ahead: number
  compared: number
  accepted: number
  packed: number
  joined: number
  /** No run could die, so that the same seed goes the same way again. */
  calm: boolean
  /** All that the two hold in the end, wherever it lies. */
  state: string
}

/** Chapters as small as these meet everything that goes wrong. */
const TINY: readonly ArchiveBounds[] = [
  { keep: 0, least: 1, most: 2 },
  { keep: 4, least: 4, most: 3 },
]

/** Plays one seed. Throws an Error that says what does not hold. */
export function simulate(
  seed: number,
  trace?: (line: string) => void,
  bounds = TINY[seed % 3] ?? ARCHIVE_BOUNDS,
): Figures {
  const dice = diceOf(seed)
  const keys = dice.shuffle(['ada', 'ben', 'eve'].map((name, i) => toHex(sha256(Buffer.from(`${name} ${seed} ${i}`)))))
  const [ada, ben] = [newAgent('ada', keys[0] ?? ''), newAgent('ben', keys[1] ?? '')]
  const eve = keys[2] ?? ''
  const sim: Sim = {
    seed,
    dice,
    network: openNetwork(dice, 1 + dice.below(3)),
    at: START,
    pids: 0,
    deadly: dice.pick([0, 0.02, 0.1]),
    commands: 0,
    crashes: 0,
    ahead: 0,
    trace,
    codec: stateCodecWith(bounds),
    packed: 0,
    joined: 0,
    saved: (agent) => delivered(sim, agent, agent === ada ? ben : ada),
  }
  const agents = [ada, ben]
  for (const agent of agents) {
    agent.told = dice.chance(0.6)
    if (dice.chance(0.4)) agent.ahead = dice.below(2 * DAY) - DAY
  }
  const calm = sim.deadly === 0
  turmoil(sim, agents, eve)
  const rounds = heal(sim, agents)
  try {
    const compared = healed(sim, ada, ben, Math.floor(sim.at))
    for (const agent of agents) summed(sim, agent, Math.floor(sim.at))
    const { commands, crashes, ahead, packed, joined } = sim
    const accepted = ada.accepted.size + ben.accepted.size
    return { commands, crashes, ahead, compared, packed, joined, accepted, calm, state: stateOf(sim, agents) }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error} (after ${rounds} rounds of healing)`)
  }
}

// Sorted by key: what is packed has been put in another order.
function stateOf(sim: Sim, agents: readonly Agent[]): string {
  const states = agents.map((agent) => {
    const logs = Object.keys(agent.disk.logs).map((id) => [id, wholeLog(sim, agent, id)])
    return { ...agent.disk, chapters: undefined, logs: Object.fromEntries(logs) }
  })
  return JSON.stringify(states, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

type Running = { agent: Agent; steps: Generator<void> }

function turmoil(sim: Sim, agents: readonly Agent[], eve: string): void {
  const { dice } = sim
  const own: Rumor[] = []
  const length = sim.seed % 3 !== 0 ? 40 + dice.below(120) : 8 + dice.below(45)
  const parallel = dice.pick([1, 1, 2, 4])
  const storm = dice.pick([0, 0.05, 0.2])
  const pause = dice.pick([30, 600, 6_000])
  let running: Running[] = []
  for (let left = length; left > 0 || running.length > 0; ) {
    if (running.length < parallel && left > 0 && dice.chance(running.length === 0 ? 1 : 0.3)) {
      left--
      const agent = dice.pick(agents)
      const other = agents.find((a) => a !== agent)
      running.push({ agent, steps: command(sim, agent, wanted(sim, agent, other)) })
      weather(sim, agents, storm)
      if (dice.chance(0.1)) attack(sim, eve, agents, own)
    }
    running = advance(sim, running)
    const gap = dice.below(dice.chance(0.1) ? pause * 10 : pause)
    sim.at += running.length === 0 && sim.at < START + LASTS ? gap : dice.next()
  }
}

/** One step of one run, or its death. */
function advance(sim: Sim, running: Running[]): Running[] {
  const { dice } = sim
  const one = dice.pick(running)
  const rest = () => running.filter((r) => r !== one)
  try {
    if (dice.chance(sim.deadly)) throw KILLED
    return one.steps.next().done === true ? rest() : running
  } catch (error) {
    if (error !== KILLED) throw error
    sim.crashes++
    sim.trace?.(`${one.agent.name} dies`)
    one.agent.running.clear()
    for (const other of rest()) if (other.agent === one.agent && dice.chance(0.5)) other.agent.running.add(sim.pids)
    return rest()
  }
}

function weather(sim: Sim, agents: readonly Agent[], storm: number): void {
  const { dice, network } = sim
  for (const relay of network.relays) {
    if (dice.chance(storm)) relay.mood = dice.pick(MOODS)
    if (dice.chance(storm / 10)) relay.boxes.clear()
  }
  for (const agent of agents) {
    if (dice.chance(storm / 20)) agent.ahead = dice.chance(0.5) ? 0 : dice.below(2 * DAY) - DAY
    if (dice.chance(0.01)) restart(sim, agent, dice.chance(0.5))
  }
}

/** One honest relay and time enough. @returns how many rounds it took */
function heal(sim: Sim, agents: readonly Agent[]): number {
  const [honest, ...others] = sim.network.relays
  if (honest !== undefined) honest.mood = 'honest'
  for (const relay of others) if (sim.dice.chance(0.5)) relay.mood = 'honest'
  sim.deadly = 0
  for (const [n, wait] of ROUNDS.entries()) {
    for (const agent of agents) {
      for (const _ of command(sim, agent, { intent: { type: 'inbox', peek: false, all: false, deep: false } }))
        sim.at += 1
    }
    const [one, other] = agents
    if (one === undefined || other === undefined || !restless(one, other)) return n
    sim.at += wait
  }
  return ROUNDS.length
}

// Mostly what makes sense now, so that there is a conversation to break; sometimes anything.
function wanted({ dice, pids, seed }: Sim, agent: Agent, other: Agent | undefined): Command {
  const calls = Object.entries(agent.disk.index.calls).filter(([, call]) => call.peer === other?.key)
  const live = calls.filter(([, { phase }]) => phase === 'active' || phase === 'ringing')
  const [id, call] = live.length > 0 ? dice.pick(live) : []
  const text = `${agent.name} ${pids}`
  const send: Intent = { type: 'send', text, wait: undefined }
  const accept: Intent = { type: 'answer', accept: dice.chance(0.85), text: dice.chance(0.5) ? text : '' }
  // The longer a call, the more of it is packed.
  const staying = seed % 3 !== 0 && dice.chance(0.8)
  const end: Intent = staying
    ? { type: 'send', text, wait: undefined }
    : { type: 'end', text: dice.chance(0.5) ? text : '', most: 0 }
  const look: Intent = dice.pick<Intent>([
    { type: 'inbox', peek: false, all: false, deep: dice.chance(0.1) },
    { type: 'status' },
    { type: 'announce', jitter: 0 },
  ])
  const file: Intent = { type: 'sendfile', name: 'a', content: { type: 'bytes', bytes: Buffer.from(text) } }
  const selector = id !== undefined && dice.chance(0.9) ? id : undefined
  if (dice.chance(live.length === 0 && calls.length < 6 ? 0.5 : 0.03))
    return { intent: { type: 'call', agent: '', topic: text, wait: undefined }, peer: other?.key }
  if (dice.chance(0.1)) return { intent: dice.pick([send, accept, end, look, { type: 'escalate', text }]), selector }
  if (dice.chance(0.25)) return { intent: look }
  if (call?.phase === 'ringing')
    return { intent: dice.chance(0.8) ? (call.direction === 'incoming' ? accept : look) : end, selector }
  return {
    intent: dice.pick<Intent>([send, send, send, send, send, { type: 'escalate', text }, file, end, look]),
    selector,
  }
}

function main(): void {
  const { values } = parseArgs({
    options: { seeds: { type: 'string' }, from: { type: 'string' }, trace: { type: 'boolean' } },
  })
  const [count, from] = [Number(values.seeds ?? 1000), Number(values.from ?? 1)]
  const began = process.cpuUsage()
  const total = { commands: 0, crashes: 0, ahead: 0, compared: 0, accepted: 0, packed: 0, joined: 0 }
  const failures: number[] = []
  for (let seed = from; seed < from + count; seed++) {
    try {
      const figures = simulate(seed, values.trace ? brief : undefined)
      for (const key of ['commands', 'crashes', 'ahead', 'compared', 'accepted', 'packed', 'joined'] as const)
        total[key] += figures[key]
    } catch (error) {
      failures.push(seed)
      if (failures.length <= 5) console.log(`seed ${seed}: ${error instanceof Error ? error.message : error}`)
    }
  }
  const { user, system } = process.cpuUsage(began)
  console.log(
    `${count} seeds from ${from} in ${((user + system) / 1e6).toFixed(1)} s of one core: ${JSON.stringify(total)}`,
  )
  if (failures.length === 0) return
  console.log(`${failures.length} failed: ${failures.slice(0, 30).join(' ')}`)
  console.log(`again: npx tsx test/simulation/simulation.ts --seeds 1 --from ${failures[0]} --trace`)
  process.exitCode = 1
}

function brief(line: string): void {
  console.log(line.replace(/[0-9a-f]{56}(?=\b)/g, ''))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
