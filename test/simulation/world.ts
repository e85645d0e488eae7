// The world around processes: one clock, and the order in which those that wait go on. Everything is thrown by the dice of a seed,
// so that the same seed goes the same way again.
import type { Dice } from './dice.ts'

/** A process of an agent. It is alive until it has ended or is dead. */
export type Process = { pid: number; alive: boolean; done: boolean; waiting: number }

/** Where a process waits: for its turn, or until a moment (unix ms). */
type Waiting = { process: Process; from: number; resume: () => void }

export type World = {
  dice: Dice
  /** The true time, unix ms. */
  at: number
  waiting: Waiting[]
  pids: number
}

/** A world without processes. @param at its clock, Unix ms */
export function openWorld(dice: Dice, at: number): World {
  return { dice, at, waiting: [], pids: 0 }
}

/** Starts a process and lets it run to where it first waits. What it throws is thrown by `settle`. */
export async function spawn(world: World, work: (process: Process) => Promise<void>): Promise<Process> {
  const process: Process = { pid: ++world.pids, alive: true, done: false, waiting: 0 }
  work(process).then(
    () => {
      process.done = true
      // What it still meant to do belongs to nobody any more.
      world.waiting = world.waiting.filter((one) => one.process !== process)
    },
    (error: unknown) => {
      failures.push(error)
      process.done = true
    },
  )
  await settle(process)
  return process
}

/** Resolves when the world lets the process go on; never when it dies there. */
export function turn(world: World, process: Process, from = world.at): Promise<void> {
  process.waiting++
  return new Promise((resolve) => world.waiting.push({ process, from, resume: resolve }))
}

/** Calls back at a moment (unix ms), unless what it gives is called before. */
export function callLater(world: World, process: Process, from: number, act: () => void): () => void {
  const one = { process, from, resume: act }
  process.waiting++
  world.waiting.push(one)
  return () => {
    const at = world.waiting.indexOf(one)
    if (at === -1) return
    world.waiting.splice(at, 1)
    process.waiting--
  }
}

/** The process is no more: whatever it waits for, it does not go on. */
export function kill(world: World, process: Process): void {
  process.alive = false
  world.waiting = world.waiting.filter((one) => one.process !== process)
}

/** One of those that wait goes on, until it waits again. False when none can. */
export async function advance(world: World, one: Waiting): Promise<void> {
  world.waiting.splice(world.waiting.indexOf(one), 1)
  world.at = Math.max(world.at, one.from)
  one.process.waiting--
  one.resume()
  await settle(one.process)
}

const failures: unknown[] = []

// A tick comes when all promises that could go on have gone on. What is loaded for the first time takes longer.
async function settle(process: Process): Promise<void> {
  await new Promise<void>((resolve) => globalThis.process.nextTick(resolve))
  while (process.alive && !process.done && process.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  const [error] = failures.splice(0)
  if (error !== undefined) throw error
}
