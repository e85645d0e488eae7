// Two agents and a hostile third on relays that lose, repeat, delay, reorder, lie and forget, with runs that die at any
// step and clocks that are wrong: after the network has healed, both hold every accepted word once, in the same order.
//   npx tsx test/simulation/simulation.ts --seeds 10000 [--from N] [--trace]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ARCHIVE_BOUNDS, type ArchiveBounds } from '../../src/call/archive.ts'
import type { Intent } from '../../src/call/intent.ts'
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { stateCodecWith } from '../../src/state/state-codec.ts'
import { type Agent, begin, type Command, die, newAgent, restart, type Sim, wholeLog } from './agent.ts'
import { loadCommands } from './command.ts'
import { diceOf } from './dice.ts'
import { attack, impersonate } from './hostile.ts'
import { delivered, healed, restless, summed } from './oracle.ts'
import { MOODS, openNetwork } from './relays.ts'
import { advance, openWorld, type Process } from './world.ts'

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

/** Keys are dear, and three of these are as good as any. */
const KEYS: Keys[] = Array.from({ length: 24 }, (_, n) => keysFrom(sha256(Buffer.from(`key ${n}`)))).flatMap(
  (keys) => keys ?? [],
)

/** Plays one seed. Throws an Error that says what does not hold. */
export async function simulate(
  seed: number,
  trace?: (line: string) => void,
  bounds = TINY[seed % 3] ?? ARCHIVE_BOUNDS,
): Promise<Figures> {
  await loadCommands()
  const dice = diceOf(seed)
  const [first, second, eve] = dice.shuffle(KEYS)
  if (first === undefined || second === undefined || eve === undefined) throw new Error('no keys')
  const [ada, ben] = [newAgent('ada', first), newAgent('ben', second)]
  const sim: Sim = {
    seed,
    world: openWorld(dice, START * 1000),
    network: openNetwork(dice, 1 + dice.below(3)),
    codec: stateCodecWith(bounds),
    deadly: dice.pick([0, 0.02, 0.1]),
    ...{ commands: 0, crashes: 0, ahead: 0, packed: 0, joined: 0 },
    trace,
    saved: (agent) => delivered(sim, agent, agent === ada ? ben : ada),
  }
  const agents = [ada, ben]
  for (const agent of agents) {
    const others = [...agents.filter((other) => other !== agent).map(({ key }) => key), eve.pubkey]
    agent.contacts = others.map((pubkey, n) => ({ pubkey, petname: n === 0 ? 'other' : 'eve', trust: 'known' }))
    agent.told = dice.chance(0.6)
    if (dice.chance(0.4)) agent.ahead = dice.below(2 * DAY) - DAY
  }
  const calm = sim.deadly === 0
  await turmoil(sim, agents, eve.pubkey)
  const rounds = await heal(sim, agents)
  try {
    const compared = healed(sim, ada, ben, secondsOf(sim))
    for (const agent of agents) summed(sim, agent, secondsOf(sim))
    const { commands, crashes, ahead, packed, joined } = sim
    const accepted = ada.accepted.size + ben.accepted.size
    return { commands, crashes, ahead, compared, packed, joined, accepted, calm, state: stateOf(sim, agents) }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error} (after ${rounds} rounds of healing)`)
  }
}

function secondsOf({ world }: Sim): number {
  return Math.floor(world.at / 1000)
}

// Sorted by key: what is packed has been put in another order.
function stateOf(sim: Sim, agents: readonly Agent[]): string {
  const states = agents.map((agent) => {
    const logs = Object.keys(agent.disk.logs).map((id) => [id, wholeLog(sim, agent, id)])
    return { ...agent.disk, segments: undefined, logs: Object.fromEntries(logs) }
  })
  return JSON.stringify(states, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

type Running = { agent: Agent; process: Process }

async function turmoil(sim: Sim, agents: readonly Agent[], eve: string): Promise<void> {
  const { world } = sim
  const { dice } = world
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
      running.push({ agent, process: await begin(sim, agent, wanted(sim, agent, other)) })
      weather(sim, agents, storm)
      if (dice.chance(0.1)) attack(sim, eve, agents, own)
      if (other !== undefined && dice.chance(0.1)) impersonate(sim, other, agent)
    }
    await step(sim, running)
    running = running.filter(({ process }) => process.alive && !process.done)
    const gap = dice.below(dice.chance(0.1) ? pause * 10 : pause)
    world.at += running.length === 0 && secondsOf(sim) < START + LASTS ? gap * 1000 : dice.next() * 1000
  }
}

/** One step of one run, or its death. */
async function step(sim: Sim, running: readonly Running[]): Promise<void> {
  const { world, deadly } = sim
  const { dice } = world
  if (world.waiting.length === 0) return
  const one = dice.pick(world.waiting)
  const owner = running.find(({ process }) => process === one.process)
  if (owner !== undefined && dice.chance(deadly)) die(sim, owner.agent, one.process)
  else await advance(world, one)
}

function weather(sim: Sim, agents: readonly Agent[], storm: number): void {
  const { world, network } = sim
  const { dice } = world
  for (const relay of network.relays) {
    if (dice.chance(storm)) relay.mood = dice.pick(MOODS)
    if (dice.chance(storm / 10)) relay.stored.clear()
  }
  for (const agent of agents) {
    if (dice.chance(storm / 20)) agent.ahead = dice.chance(0.5) ? 0 : dice.below(2 * DAY) - DAY
    if (dice.chance(0.01)) restart(sim, agent, dice.chance(0.5))
  }
}

/** One honest relay and time enough. @returns how many rounds it took */
async function heal(sim: Sim, agents: readonly Agent[]): Promise<number> {
  const { world, network } = sim
  const [honest, ...others] = network.relays
  if (honest !== undefined) honest.mood = 'honest'
  for (const relay of others) if (world.dice.chance(0.5)) relay.mood = 'honest'
  sim.deadly = 0
  for (const [n, wait] of ROUNDS.entries()) {
    for (const agent of agents) {
      await begin(sim, agent, { intent: { type: 'inbox', peek: false, all: false, deep: false } })
      for (let next = world.waiting[0]; next !== undefined; next = world.waiting[0]) {
        await advance(world, next)
        world.at += 1000
      }
    }
    const [one, other] = agents
    if (one === undefined || other === undefined || !restless(one, other)) return n
    world.at += wait * 1000
  }
  return ROUNDS.length
}

// Mostly what makes sense now, so that there is a conversation to break; sometimes anything.
function wanted({ world, seed }: Sim, agent: Agent, other: Agent | undefined): Command {
  const { dice, pids } = world
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
  const file: Intent = {
    type: 'sendfile',
    files: [{ name: 'a', content: { type: 'bytes', bytes: Buffer.from(text) } }],
  }
  const selector = id !== undefined && dice.chance(0.9) ? id : undefined
  if (dice.chance(live.length === 0 && calls.length < 6 ? 0.5 : 0.03))
    return { intent: { type: 'call', agent: 'other', topic: text, wait: undefined } }
  if (dice.chance(0.1)) return { intent: dice.pick([send, accept, end, look, { type: 'escalate', text }]), selector }
  if (dice.chance(0.25)) return { intent: look }
  if (call?.phase === 'ringing')
    return { intent: dice.chance(0.8) ? (call.direction === 'incoming' ? accept : look) : end, selector }
  return {
    intent: dice.pick<Intent>([send, send, send, send, send, { type: 'escalate', text }, file, end, look]),
    selector,
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seeds: { type: 'string' }, from: { type: 'string' }, trace: { type: 'boolean' } },
  })
  const [count, from] = [Number(values.seeds ?? 1000), Number(values.from ?? 1)]
  const began = process.cpuUsage()
  const total = { commands: 0, crashes: 0, ahead: 0, compared: 0, accepted: 0, packed: 0, joined: 0 }
  const failures: number[] = []
  for (let seed = from; seed < from + count; seed++) {
    try {
      const figures = await simulate(seed, values.trace ? brief : undefined)
      for (const key of ['commands', 'crashes', 'ahead', 'compared', 'accepted', 'packed', 'joined'] as const)
        total[key] += figures[key]
    } catch (error) {
      failures.push(seed)
      if (failures.length <= 5) console.log(`seed ${seed}: ${error instanceof Error ? error.message : error}`)
    }
  }
  const { user, system } = process.cpuUsage(began)
  const seconds = (user + system) / 1e6
  console.log(
    `${count} seeds from ${from} in ${seconds.toFixed(1)} s of one core, ${Math.round(count / seconds)} a second: ${JSON.stringify(total)}`,
  )
  if (failures.length === 0) return
  console.log(`${failures.length} failed: ${failures.slice(0, 30).join(' ')}`)
  console.log(`again: npx tsx test/simulation/simulation.ts --seeds 1 --from ${failures[0]} --trace`)
  process.exitCode = 1
}

function brief(line: string): void {
  console.log(line.replace(/[0-9a-f]{56}(?=\b)/g, ''))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
