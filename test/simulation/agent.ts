// An agent of the simulation: a machine with a disk and a clock, and its commands, each the program's own run between whose steps
// others run and at which it may die.

import type { InboxItem } from '../../src/call/inbox-items.ts'
import type { Intent, IntentOf, IntentType } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import type { State } from '../../src/state/state.ts'
import { runCommand } from './command.ts'
import { type Disk, emptyDisk, load as loadFrom, reread, type SimCodec, wholeLog as wholeFrom } from './disk.ts'
import { type Host, type Machine, simEnvironment } from './environment.ts'
import type { Network } from './relays.ts'
import { callLater, kill, type Process, spawn, turn, type World } from './world.ts'

export type Agent = Machine & {
  key: string
  /** What the program has promised to deliver, by rumor id. */
  accepted: Set<string>
  /** What has been put before its eyes, by item. */
  saw: Set<string>
}

/** Everything that commands share. */
export type Sim = {
  seed: number
  world: World
  network: Network
  codec: SimCodec
  /** How probable it is that a run dies at a step. */
  deadly: number
  commands: number
  crashes: number
  /** How often something was said before anything was heard. */
  ahead: number
  /** How often words were put into chapters, and how often a call was needed whole. */
  compacted: number
  joined: number
  /** Told of every command and every mishap, for whoever wants to see how a seed fails. */
  trace: ((line: string) => void) | undefined
  /** Called after every write. */
  saved: (agent: Agent, before: State, after: State) => void
  /** Called before something is put before an agent's eyes. */
  printed: (agent: Agent, item: InboxItem) => void
}

/** An agent with an empty disk, whose clock is right. @param name what its contacts and the report of a seed call it */
export function newAgent(name: string, keys: Keys): Agent {
  const running = new Set<number>()
  const machine = { name, keys, contacts: [], disk: emptyDisk(), ahead: 0, told: true, running }
  return { ...machine, key: keys.pubkey, accepted: new Set(), saw: new Set() }
}

export type Command = { intent: Intent; selector?: string | undefined }

/** Begins a run. It goes on as the world has it. */
export async function begin(sim: Sim, agent: Agent, { intent, selector }: Command): Promise<Process> {
  sim.commands++
  return await spawn(sim.world, async (process) => {
    agent.running.add(process.pid)
    const { dice } = sim.world
    const environment = simEnvironment({
      ...{ machine: agent, network: sim.network, codec: sim.codec, host: hostOf(sim, agent, process) },
      ...{ pid: process.pid, ring: dice.chance(0.3) ? 60 : 900 },
    })
    sim.trace?.(`${agent.name} ${process.pid} at ${clockOf(sim)}: ${intent.type} ${selector ?? ''}`)
    const { failure } = await runAs(intent.type, intent)
    sim.trace?.(`${agent.name} ${process.pid} ends${failure === undefined ? '' : ` with ${failure.code}`}`)
    agent.running.delete(process.pid)

    async function runAs<T extends IntentType>(type: T, wanted: IntentOf<T>) {
      return await runCommand(type, wanted, environment, selector, async (items) => {
        for (const item of items) {
          sim.printed(agent, item)
          agent.saw.add(seenName(item))
        }
        await turn(sim.world, process)
      })
    }
  })
}

/** A run dies where it waits, and with it what it has not written. */
export function die(sim: Sim, agent: Agent, process: Process): void {
  sim.crashes++
  sim.trace?.(`${agent.name} ${process.pid} dies`)
  kill(sim.world, process)
  agent.running.delete(process.pid)
  // A process that lives may seem to be gone: its number was given in another namespace.
  for (const pid of agent.running) if (sim.world.dice.chance(0.5)) agent.running.delete(pid)
}

/** What a command of this agent reads from its disk. @param also what else is wanted: calls by id, letters by peer */
export function load({ codec }: Sim, { disk }: Agent, also: readonly string[]): State {
  return loadFrom(disk, codec, also)
}

/** A copy of what lies on a disk right now: everything in it is replaced and never changed. */
export function copyDisk({ disk }: Agent): Disk {
  const segments = Object.entries(disk.segments).map(([id, held]): [string, typeof held] => [id, new Map(held)])
  return {
    ...disk,
    logs: { ...disk.logs },
    letters: { ...disk.letters },
    segments: Object.fromEntries(segments),
    keys: new Map(disk.keys),
    files: new Map(disk.files),
  }
}

/** A call with what lies in its chapters. */
export function wholeLog({ codec }: Sim, { disk }: Agent, id: string): Log | undefined {
  return wholeFrom(disk, codec, id)
}

/** Everything written and read again; without the index when that is lost. */
export function restart({ codec }: Sim, { disk }: Agent, lost: boolean): void {
  reread(disk, codec, lost)
}

/** What is told of a call as a whole. */
const MARKS: readonly string[] = ['missed', 'forked', 'lost']

function seenName({ type, id, call }: InboxItem): string {
  if (type === 'undelivered') return `${id} undelivered`
  return MARKS.includes(type) ? `${call} ${type}` : id
}

function clockOf({ world }: Sim): number {
  return Math.floor(world.at / 1000)
}

function hostOf(sim: Sim, agent: Agent, process: Process): Host {
  const { world } = sim
  return {
    now: () => world.at,
    random: world.dice.next,
    turn: () => turn(world, process),
    sleep: (ms) => turn(world, process, world.at + ms),
    later: (ms, act) => callLater(world, process, world.at + ms, act),
    // Without a throw of the dice where nobody dies: such a seed goes the same way whatever is archived.
    dies() {
      if (sim.deadly === 0 || !world.dice.chance(sim.deadly / 4)) return false
      die(sim, agent, process)
      return true
    },
    losesLock: () => sim.deadly !== 0 && world.dice.chance(sim.deadly / 2),
    saved(before, after, { compacted, joined, callsOnly, partial }) {
      sim.compacted += compacted
      sim.joined += joined
      const said = ownNews(before, after, agent.key)
      if (partial !== true) for (const id of said) agent.accepted.add(id)
      if (callsOnly && said.length > 0) sim.ahead++
      sim.saved(agent, before, after)
    },
  }
}

/** The rumors of ours that a change has written down: from then on they are promised. */
function ownNews(before: State, after: State, me: string): string[] {
  return Object.values(after.logs).flatMap((log) => {
    const held = before.logs[log.id]
    if (held === log) return []
    const ids = Object.keys(log.outbox).filter((id) => held?.entries[id] === undefined)
    return ids.filter((id) => log.entries[id]?.rumor.pubkey === me)
  })
}
