// Who holds the lock, and whether that process is still there.
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { fields, parseJson, text, where, whole } from '../../json.ts'
import { errno } from './disk-errors.ts'

/**
 * Who holds the lock. `host`: the machine or container that `pid` counts in; `processStart`: tells a process from a later one with its pid.
 */
export type Holder = {
  readonly pid: number
  readonly command: string
  readonly host: string
  readonly processStart: string
}

/** A process, and what tells it from others: of `Holder` all but the command. */
export type ProcessIdentity = Pick<Holder, 'pid' | 'host' | 'processStart'>

/** How long a holder has changed nothing, in ms: by our own watching, and by the time of its folder. */
export type HolderSilence = { readonly byWatching: number; readonly byFileTime: number }

/** This process as a holder of the lock. `command`: what it is doing, for whoever waits. */
export function thisHolder(command: string): Holder {
  return { ...thisProcess(), command }
}

/** This process, so that another can tell whether it still runs. */
export function thisProcess(): ProcessIdentity {
  ownStart ??= processStart(process.pid) ?? ALIVE
  return { pid: process.pid, host: machineId(), processStart: ownStart }
}

// Kept: every lock names it, and it does not change.
let ownStart: string | undefined

/**
 * Whether a process still runs; undefined for one on another machine or in another container, which cannot be asked. Files of 0.1.0 have no
 * `host`: it counts as this machine.
 */
export function isAlive(one: { pid: number; host?: string; processStart?: string }): boolean | undefined {
  if (one.host !== undefined && one.host !== machineId()) return undefined
  const found = processStart(one.pid)
  return found !== undefined && (one.processStart === undefined || isSameStart(found, one.processStart))
}

/** What a holder's file says; undefined for no file, and for one that makes no sense. */
export function parseHolder(written: string | undefined): Holder | undefined {
  const held = holderFile(parseJson(written ?? ''))
  return held && { command: '', host: '', processStart: '', ...held }
}

const holderFile = fields<Pick<Holder, 'pid'> & Partial<Holder>>(
  { pid: where(whole(), (pid) => pid > 0) },
  {
    command: (value) => (typeof value === 'string' ? value.replace(/[^\x20-\x7e]/g, '').slice(0, 80) : ''),
    host: text,
    processStart: text,
  },
)

/**
 * Whether a holder may be evicted: at once when its process is dead; after 10 s when it lives on this machine and does nothing (it was
 * stopped); after 3 s of our own watching when it cannot be asked (unnamed, or on another machine, whose clock may differ).
 */
export function isGone(holder: Holder | undefined, idle: HolderSilence): boolean {
  if (holder === undefined || !isOnThisMachine(holder)) return idle.byWatching > 3_000
  const started = processStart(holder.pid)
  if (started === undefined || !isSameStart(started, holder.processStart)) return true
  return idle.byFileTime > 10_000
}

/** Whether a holder's process number counts in the same place as ours. */
export function isOnThisMachine(holder: Holder): boolean {
  return holder.host === machineId()
}

const ALIVE = 'alive'

function isSameStart(one: string, other: string): boolean {
  return one === other || one === ALIVE || other === ALIVE
}

let thisMachine: string | undefined

// Pids of two containers on one machine have nothing to do with each other, so on Linux the place is the boot and the pid namespace;
// elsewhere it is the host's name.
function machineId(): string {
  thisMachine ??= tryOr(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  }, hostname)
  return thisMachine
}

// When a process was started, in ticks since boot, so that a pid that was given out again does not count as the dead process; 'alive' where
// the system does not tell; undefined where there is no such process, or only a zombie.
function processStart(pid: number): string | undefined {
  const stat = tryOr(
    () => readFileSync(`/proc/${pid}/stat`, 'latin1'),
    () => '',
  )
  // proc(5): the name in parentheses may hold anything, so count from the last one: state is the first, starttime the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (stat !== '') return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  try {
    process.kill(pid, 0)
    return ALIVE
  } catch (error) {
    return errno(error) === 'EPERM' ? ALIVE : undefined
  }
}

function tryOr<T>(work: () => T, otherwise: () => T): T {
  try {
    return work()
  } catch {
    return otherwise()
  }
}
