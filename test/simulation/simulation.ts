// Two agents and a hostile third on relays that lose, repeat, delay, reorder, lie and forget, with runs that die at any step, links
// that break and clocks that are wrong: after the network has healed, both hold every accepted word once, in the same order. In a
// quarter of the seeds a home is restored from a copy, or one key is at two machines; in another one the peer is a liar.
//   npm run simulate -- --seeds 10000 [--from N] [--trace]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ARCHIVE_BOUNDS, type ArchiveBounds } from '../../src/call/archive.ts'
import type { Intent } from '../../src/call/intent.ts'
import { type Keys, keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { stateCodecWith } from '../../src/state/state-codec.ts'
import { type Agent, begin, type Command, copyDisk, die, newAgent, restart, type Sim, wholeLog } from './agent.ts'
import { loadCommands } from './command.ts'
import { diceOf } from './dice.ts'
import type { Disk } from './disk.ts'
import { attack, impersonate } from './hostile.ts'
import { type Liar, lie } from './liar.ts'
import { answered, bounded, healed, knowing, lossTold, restless, saidOnce, summed, told, toSpeakUp } from './oracle.ts'
import { MOODS, openNetwork } from './relays.ts'
import { newSeals, saidUnderKeys, sealedAtTheEnd, watchSeals } from './seal-oracle.ts'
import { forgetShown, newWitness, permitted, type Witness, watch } from './witness.ts'
import { advance, openWorld, type Process } from './world.ts'

const DAY = 86_400
const START = 1_800_000_000

/** What is owed is owed for 7 days: the turmoil, which begins nothing new after so long, and the healing have to fit in. */
const LASTS = 2.5 * DAY
const OWED = 6.6 * DAY

/** Waits between rounds after the healing, in seconds: each time after which something is offered once more, and a look at what came of it. */
const ROUNDS = [5, 30, 400, 700, 5, 4_000, 5, 22_000, 5, 87_000, 5, 87_000, 5, 87_000, 5]

/** Who lies, and does not wait for a call to be verified, need not be healed with: what is owed then has its time in `rest`. */
const FEW_ROUNDS = ROUNDS.slice(0, 4)

/** A clock that is a day ahead finds what is dated back once a day, when it reads all: so many more as there are days left. */
function roundsFrom({ world: { at } }: Sim): number[] {
  const healed = ROUNDS.reduce((sum, wait) => sum + wait, at / 1000)
  const days = Math.floor((START + OWED - healed) / 87_005)
  return [...ROUNDS, ...Array.from({ length: Math.max(0, days) }, () => [87_000, 5]).flat()]
}

export type Figures = {
  commands: number
  crashes: number
  /** How often something was said before anything was heard. */
  ahead: number
  compared: number
  accepted: number
  compacted: number
  joined: number
  /** Calls whose log has two branches, and calls that are verified, at whoever they are. */
  forked: number
  verified: number
  /** No run could die, so that the same seed goes the same way again. */
  calm: boolean
  /** All that they hold in the end, wherever it lies. */
  state: () => string
}

/** Chapters as small as these meet everything that goes wrong. */
const TINY: readonly ArchiveBounds[] = [
  { keep: 0, minEntries: 1, maxPerSegment: 2 },
  { keep: 4, minEntries: 4, maxPerSegment: 3 },
]

/** Keys are dear, and three of these are as good as any. */
const KEYS: Keys[] = Array.from({ length: 24 }, (_, n) => keysFrom(sha256(Buffer.from(`key ${n}`)))).flatMap(
  (keys) => keys ?? [],
)

/** Plays one seed. Throws an Error that says what does not hold. */
export async function simulate(
  seed: number,
  trace?: (line: string) => void,
  bounds = TINY[isLong(seed) ? Math.floor(seed / 64) % 2 : seed % 3] ?? ARCHIVE_BOUNDS,
): Promise<Figures> {
  await loadCommands()
  const dice = diceOf(seed)
  const [first, second, eve] = dice.shuffle(KEYS)
  if (first === undefined || second === undefined || eve === undefined) throw new Error('no keys')
  const kind = KINDS[seed % KINDS.length] ?? 'honest'
  const [ada, ben] = [newAgent('ada', first), newAgent('ben', second)]
  // Another machine of ada's, which shares nothing with the first one but the key.
  const twin = kind === 'restored' && dice.chance(0.5) ? [newAgent('twin', first)] : []
  const agents = [ada, ben, ...twin]
  const witness = newWitness(kind === 'liar' ? [ben.key, eve.pubkey] : [eve.pubkey])
  const seals = newSeals()
  const sim: Sim = {
    seed,
    world: openWorld(dice, START * 1000),
    network: openNetwork(dice, 1 + dice.below(3), isSealed(seed)),
    codec: stateCodecWith(bounds),
    deadly: dice.pick([0, 0.02, 0.1]),
    ...{ commands: 0, crashes: 0, ahead: 0, compacted: 0, joined: 0 },
    trace,
    saved(agent, before, after) {
      if (kind === 'liar' && agent === ben) return
      watch(sim, witness, agent, before, after)
      watchSeals(sim, seals, agent, before, after)
    },
    printed: (agent, item) => permitted(sim, agent, item),
  }
  for (const agent of agents) {
    const others = [agent.key === ada.key ? ben.key : ada.key, eve.pubkey]
    agent.contacts = others.map((pubkey, n) => ({ pubkey, petname: n === 0 ? 'other' : 'eve', trust: 'known' }))
    agent.told = dice.chance(0.6)
    if (dice.chance(0.4)) agent.ahead = dice.below(2 * DAY) - DAY
  }
  const liar: Liar | undefined =
    kind === 'liar' ? { agent: ben, victim: ada, said: [], isPatient: dice.chance(0.5) } : undefined
  if (liar !== undefined) {
    ada.calls = dice.pick(['anyone', 'contacts', 'nobody'])
    // Who is blocked gets nothing verified.
    const trust = dice.pick(['known', 'known', 'unknown', liar.isPatient ? 'known' : 'blocked'] as const)
    ada.contacts = trust === 'unknown' ? [] : [{ pubkey: ben.key, petname: 'other', trust }]
  }
  const calm = sim.deadly === 0 && kind === 'honest'
  await turmoil(sim, agents, { eve, liar, copies: new Map(), witness, restores: kind === 'restored' })
  let rounds = await heal(sim, agents, liar === undefined ? roundsFrom(sim) : liar.isPatient ? ROUNDS : FEW_ROUNDS)
  if (kind === 'restored' && (await speakUp(sim, agents))) rounds += await heal(sim, agents)
  if (liar?.isPatient) await betray(sim, liar)
  try {
    const now = secondsOf(sim)
    const compared = kind === 'honest' ? healed(sim, ada, ben, now) : 0
    if (kind === 'restored') {
      knowing(sim, agents, now)
      lossTold(agents)
    }
    const honest = liar === undefined ? agents : [ada]
    if (liar === undefined) saidUnderKeys(sim, agents)
    for (const agent of honest) {
      sealedAtTheEnd(sim, seals, agent)
      for (const log of Object.values(agent.disk.logs)) told(agent, log)
      summed(sim, agent, now)
      saidOnce(sim, agent)
      bounded(sim, agent)
    }
    if (kind !== 'honest' || seed % 8 === 0) await rest(sim, agents)
    const { commands, crashes, ahead, compacted, joined } = sim
    const accepted = ada.accepted.size + ben.accepted.size
    const logs = agents.flatMap(({ disk }) => Object.values(disk.logs))
    const forked = logs.filter(({ fork }) => fork !== undefined).length
    const verified = logs.filter((log) => log.verified !== undefined).length
    const counts = { commands, crashes, ahead, compared, compacted, joined, accepted, forked, verified }
    return { ...counts, calm, state: () => stateOf(sim, agents) }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error} (after ${rounds} rounds of healing)`)
  }
}

/** Who a seed is about: two who are honest, two of whom one goes back or is two, and one whose peer is a liar. */
const KINDS = ['honest', 'restored', 'liar', 'honest'] as const

/** Whether a seed seals, signs and opens for real, which takes ten times as long: one of two hundred, of honest ones and of such as go back. */
function isSealed(seed: number): boolean {
  return seed % 400 === 7 || seed % 400 === 5
}

function secondsOf({ world }: Sim): number {
  return Math.floor(world.at / 1000)
}

// Sorted by key: what is archived has been put in another order.
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

type Trouble = {
  eve: Keys
  liar: Liar | undefined
  copies: Copies
  witness: Witness
  /** Whether homes are restored from copies. */
  restores: boolean
}

async function turmoil(sim: Sim, agents: readonly Agent[], trouble: Trouble): Promise<void> {
  const { world } = sim
  const { dice } = world
  const own: Rumor[] = []
  const length = lengthOf(sim, trouble.restores)
  // Whoever is spoken with already has more that can break.
  if (dice.chance(0.6)) await connect(sim, dice.shuffle(agents))
  const parallel = dice.pick([1, 1, 2, 4])
  const storm = dice.pick([0, 0.05, 0.2])
  const pause = dice.pick([30, 600, 6_000])
  let running: Running[] = []
  for (let left = length; left > 0 || running.length > 0; ) {
    if (running.length < parallel && left > 0 && dice.chance(running.length === 0 ? 1 : 0.3)) {
      left--
      const agent = dice.pick(agents)
      const other = agents.find((a) => a.key !== agent.key)
      running.push({ agent, process: await begin(sim, agent, wanted(sim, agent, other)) })
      weather(sim, agents, storm)
      if (dice.chance(0.1)) attack(sim, trouble.eve, agents, own)
      if (!trouble.restores && trouble.liar === undefined && other !== undefined && dice.chance(0.1))
        impersonate(sim, other, agent)
      if (trouble.liar !== undefined && dice.chance(0.6)) lie(sim, trouble.liar)
      if (trouble.restores) goBack(sim, dice.pick(agents), running, trouble)
    }
    await step(sim, running)
    running = running.filter(({ process }) => process.alive && !process.done)
    const gap = dice.below(dice.chance(0.1) ? pause * 10 : pause)
    world.at += running.length === 0 && secondsOf(sim) < START + LASTS ? gap * 1000 : dice.next() * 1000
  }
}

// Most faults need few words, and a command in a long call is dear. What is long is archived in part, and meets that again.
function lengthOf({ seed, world: { dice } }: Sim, restores: boolean): number {
  if (isLong(seed)) return 24 + dice.below(24)
  return (restores ? 4 : 2) + dice.below(3 + dice.below(7))
}

function isLong(seed: number): boolean {
  return seed % 128 < 2
}

type Copies = Map<Agent, Disk>

/** Copies a home now and then, also while somebody writes in it, and sometimes puts an older one in its place. */
function goBack(sim: Sim, agent: Agent, running: readonly Running[], { copies, witness }: Trouble): void {
  const { dice } = sim.world
  const copy = copies.get(agent)
  if (copy !== undefined && dice.chance(0.25)) {
    for (const one of running) if (one.agent === agent && one.process.alive) die(sim, agent, one.process)
    sim.trace?.(`${agent.name} is restored from a copy`)
    agent.disk = copyDisk({ ...agent, disk: copy })
    forgetShown(witness, agent)
  } else if (dice.chance(copy === undefined ? 0.6 : 0.15)) copies.set(agent, copyDisk(agent))
}

/** Traffic ends: once all that is owed has had its time, nobody says anything any more, neither days later nor on the day after that. */
async function rest(sim: Sim, agents: readonly Agent[]): Promise<void> {
  let silent = 0
  for (const days of [8, 1, 8, 1, 8, 1, 1]) {
    const { made } = sim.network
    sim.world.at += days * DAY * 1000
    await lookIn(sim, agents)
    silent = sim.network.made === made ? silent + 1 : 0
    if (silent === 2) return
  }
  throw new Error('traffic does not end: there were no two days of silence')
}

async function lookIn(sim: Sim, agents: readonly Agent[]): Promise<void> {
  for (const agent of agents) await finish(sim, agent, { intent: LOOK })
}

const LOOK: Intent = { type: 'inbox', peek: false, all: false, deep: false }

/** Whoever does not know that a call has forked says one more word in it. False where everybody knows. */
async function speakUp(sim: Sim, agents: readonly Agent[]): Promise<boolean> {
  const unaware = toSpeakUp(sim, agents, secondsOf(sim))
  for (const { agent, call } of unaware)
    await finish(sim, agent, {
      intent: { type: 'send', text: `one more ${sim.world.pids}`, wait: undefined },
      selector: call,
    })
  return unaware.length > 0
}

/** What is still spoken in comes to its end, as the programs of both bring it about; only then does the liar begin, and its victim looks. */
async function betray(sim: Sim, liar: Liar): Promise<void> {
  const { dice } = sim.world
  const { agent, victim } = liar
  if (activeCalls(liar).length === 0) {
    await connect(sim, [victim, agent])
    await lookIn(sim, [victim])
  }
  for (const selector of activeCalls(liar)) {
    for (const speaker of dice.shuffle([victim, agent, victim]))
      await finish(sim, speaker, {
        intent: { type: 'send', text: `${speaker.name} once more ${sim.world.pids}`, wait: undefined },
        selector,
      })
    await finish(sim, dice.pick([victim, agent]), {
      intent: { type: 'end', text: dice.pick(['', 'bye']), maxChars: 0 },
      selector,
    })
  }
  await heal(sim, [victim, agent])
  for (let left = 2 + dice.below(4); left > 0; left--) {
    lie(sim, liar)
    if (dice.chance(0.3)) lie(sim, liar)
    const before = { ...victim.disk.logs }
    const { size } = sim.network.inside
    await lookIn(sim, [victim])
    answered(sim, victim, before, size)
    if (dice.chance(0.2)) await lookIn(sim, [agent])
    sim.world.at += dice.pick([1, 90, 4_000]) * 1000
  }
}

/** The first of them calls, and another one answers. */
async function connect(sim: Sim, [caller, ...others]: readonly Agent[]): Promise<void> {
  const callee = others.find(({ key }) => key !== caller?.key)
  if (caller === undefined || callee === undefined) return
  const topic = `${caller.name} ${sim.world.pids}`
  await finish(sim, caller, { intent: { type: 'call', agent: callee.key, topic, wait: undefined } })
  await finish(sim, callee, { intent: { type: 'answer', accept: true, text: '' } })
}

function activeCalls({ agent, victim }: Liar): string[] {
  const calls = Object.entries(victim.disk.index.calls)
  return calls.flatMap(([id, { peer, phase }]) => (peer === agent.key && phase === 'active' ? [id] : []))
}

/** A run from its beginning to its end, alone. */
async function finish(sim: Sim, agent: Agent, command: Command): Promise<void> {
  const { world } = sim
  await begin(sim, agent, command)
  for (let next = world.waiting[0]; next !== undefined; next = world.waiting[0]) {
    await advance(world, next)
    world.at += 1000
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
    if (dice.chance(storm / 4))
      agent.cut = new Set(network.relays.flatMap(({ url }) => (dice.chance(0.5) ? [url] : [])))
  }
}

/** One honest relay and time enough. @returns how many rounds it took */
async function heal(sim: Sim, agents: readonly Agent[], pauses = ROUNDS): Promise<number> {
  const { world, network } = sim
  const [honest, ...others] = network.relays
  if (honest !== undefined) honest.mood = 'honest'
  for (const relay of others) if (world.dice.chance(0.5)) relay.mood = 'honest'
  sim.deadly = 0
  for (const agent of agents) agent.cut?.clear()
  for (const [n, wait] of pauses.entries()) {
    await lookIn(sim, agents)
    // What is seen late may be offered once more.
    if (!restless(agents) && !(await lookLate(sim, agents))) return n
    world.at += wait * 1000
  }
  return pauses.length
}

/** What a slow relay shows hours later is seen as well. False where there is nothing. */
async function lookLate(sim: Sim, agents: readonly Agent[]): Promise<boolean> {
  const { world, network } = sim
  const shown = network.relays.flatMap(({ stored }) =>
    [...stored.values()].flatMap((box) => box.map(({ from }) => from)),
  )
  const last = shown.reduce((latest, from) => Math.max(latest, from), 0) * 1000
  if (last <= world.at) return false
  world.at = last
  await lookIn(sim, agents)
  return true
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
  // The longer a call, the more of it is archived.
  const staying = isLong(seed) && dice.chance(0.8)
  const end: Intent = staying
    ? { type: 'send', text, wait: undefined }
    : { type: 'end', text: dice.chance(0.5) ? text : '', maxChars: 0 }
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
    return { intent: { type: 'call', agent: other?.key ?? '', topic: text, wait: undefined } }
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
  // A refusal is no fault here, and nobody reads where it came from.
  if (values.trace !== true) Error.stackTraceLimit = 0
  const began = process.cpuUsage()
  const total = {
    commands: 0,
    crashes: 0,
    ahead: 0,
    compared: 0,
    accepted: 0,
    compacted: 0,
    joined: 0,
    forked: 0,
    verified: 0,
  }
  const failures: number[] = []
  for (let seed = from; seed < from + count; seed++) {
    try {
      const figures = await simulate(seed, values.trace ? brief : undefined)
      for (const key of [
        'commands',
        'crashes',
        'ahead',
        'compared',
        'accepted',
        'compacted',
        'joined',
        'forked',
        'verified',
      ] as const)
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
  console.log(`again: npm run simulate -- --seeds 1 --from ${failures[0]} --trace`)
  process.exitCode = 1
}

function brief(line: string): void {
  console.log(line.replace(/[0-9a-f]{56}(?=\b)/g, ''))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
