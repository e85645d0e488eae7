// What stands before the program in a process of its own: a wrong clock, a kill, a measure. These are CommonJS: --import, which ES
// modules need, loads Node's loader for them first, and that computes for longer than the program itself does for `whoami`.
import { fileURLToPath } from 'node:url'

/** Flags of Node's with which a module is loaded first, and the variables that it reads. */
export type Preload = { readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> }

/** Changes nothing. */
export const NO_PRELOAD: Preload = { flags: [], env: {} }

/** Says on stderr in the end how much memory the process has held at most: `peak RSS 54 MiB`. */
export const peakMemory = preload('peak-memory.cjs')

/** The process is killed before its n-th step, a change of the disk or something that it says. */
export function killAtStep(n: number): Preload {
  return preload('kill-at-step.cjs', { KILL_AT_STEP: `${n}` })
}

/** The clock of the process is so many milliseconds ahead. */
export function wrongClock(ms: number): Preload {
  return ms === 0 ? NO_PRELOAD : preload('wrong-clock.cjs', { CLOCK_AHEAD_MS: `${ms}` })
}

/** The clock of the whole machine is ahead, and so are the times of files that the process sees. */
export function laterClock(ms: number): Preload {
  return ms === 0 ? NO_PRELOAD : preload('later-clock.cjs', { CLOCK_AHEAD_MS: `${ms}` })
}

function preload(file: string, env: Record<string, string> = {}): Preload {
  return { flags: ['--require', fileURLToPath(new URL(file, import.meta.url))], env }
}
