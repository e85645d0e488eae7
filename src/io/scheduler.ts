// Whether cron has started us: the crons of all machines start their jobs at the same second, agents and people do not.
import { readFileSync } from 'node:fs'

/** What /proc says of a process: its name, and whose child it is. */
export type ProcessFacts = { name: string; parent: number }

/** Names of the programs that run crontabs. */
const CRONS: readonly string[] = ['cron', 'crond', 'CRON', 'fcron', 'anacron', 'dcron', 'supercronic']

/** Most processes above us that are looked at: between cron and us there are at most cron's process for the job and two shells. */
const MAX_ANCESTORS = 4

/**
 * Whether the process was started by cron. Only what is certain counts: an agent that waits for us should not wait for a pause that is
 * meant for cron.
 * @param factsOf undefined where there is no such process, or no /proc
 */
export function startedByCron(pid: number, factsOf: (pid: number) => ProcessFacts | undefined = readFacts): boolean {
  let at = factsOf(pid)?.parent
  for (let n = 0; n < MAX_ANCESTORS && at !== undefined && at > 1; n++) {
    const facts = factsOf(at)
    if (facts !== undefined && CRONS.includes(facts.name)) return true
    at = facts?.parent
  }
  return false
}

function readFacts(pid: number): ProcessFacts | undefined {
  try {
    // "pid (name) state parent …", and a name may hold brackets and spaces.
    const [, name = '', parent = ''] =
      /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return name === '' ? undefined : { name, parent: Number(parent) }
  } catch {
    return undefined
  }
}
