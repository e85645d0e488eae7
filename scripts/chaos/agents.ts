// Agents as processes: their homes, their clocks, and what they say and read.
import { cpSync, rmSync } from 'node:fs'
import { isRecord, parseJson } from '../../src/json.ts'
import { laterClock } from '../../test/support/preloads.ts'
import { agentEnv, PROGRAM, type ProcessResult, type RunningProcess, startProcess } from '../processes.ts'

export type Agent = { name: string; cwd: string; env: Record<string, string> }

/** Ms by which everybody's clock was set forward, instead of waiting. */
export type Clock = { ms: number }

export type Entry = { type: string; text: string; id: string; from: 'me' | 'peer'; state?: string }

export type Transcript = { call: { state: string }; entries: Entry[]; digest: string | null; verified: unknown }

/** An item of `inbox`, as far as it matters here. */
export type Item = { type: string; call: string; text: string }

/** An agent with a home of its own in `folder`, which reads at these relays. */
export function agentIn(folder: string, name: string, relays: readonly string[]): Agent {
  return { name, cwd: folder, env: agentEnv(`${folder}/${name}`, relays) }
}

/** Starts a call that both are in, and gives its id. Rejects where a command fails. */
export async function startCall(ada: Agent, ben: Agent, topic: string, clock: Clock): Promise<string> {
  const { agent: self } = await runJson<{ agent: { npub: string } }>(ben, ['whoami'], clock)
  const { call } = await runJson<{ call: { id: string } }>(ada, ['call', self.npub, topic], clock)
  await runJson(ben, ['answer', 'accept', '--call', call.id], clock)
  await runJson(ada, ['inbox'], clock)
  return call.id
}

/** Copies a home as it is right now, whoever is writing in it. */
export function copyHome({ cwd, name }: Agent): void {
  for (let tries = 1; ; tries++) {
    rmSync(`${cwd}/${name}.copy`, { recursive: true, force: true })
    try {
      cpSync(`${cwd}/${name}`, `${cwd}/${name}.copy`, { recursive: true, preserveTimestamps: true })
      return
    } catch (error) {
      // Locks and temporary files vanish while the home is copied.
      if (tries === MAX_COPIES) throw error
    }
  }
}

const MAX_COPIES = 50

/** Puts the home back as it was when it was copied. */
export function restoreHome({ cwd, name }: Agent): void {
  rmSync(`${cwd}/${name}`, { recursive: true })
  cpSync(`${cwd}/${name}.copy`, `${cwd}/${name}`, { recursive: true, preserveTimestamps: true })
}

/** Runs `inbox`, and gives what is new to this agent. */
export async function readInbox(who: Agent, clock: Clock): Promise<Item[]> {
  return newsIn((await runCommand(who, ['inbox', '--json'], clock)).stdout)
}

/** The items that a command has shown as new; none where it was killed before it had printed all. */
export function newsIn(stdout: string): Item[] {
  const answer = parseJson(stdout)
  return isRecord(answer) && Array.isArray(answer.new) ? answer.new : []
}

/** The whole transcript of a call, as an agent holds it. Rejects where its command fails. */
export async function readTranscript(who: Agent, call: string, clock: Clock): Promise<Transcript> {
  const args = ['transcript', call, '--max-chars', '0']
  return (await runJson<{ transcript: Transcript }>(who, args, clock)).transcript
}

/** Starts a command; it may be killed. */
export function startCommand({ cwd, env }: Agent, args: readonly string[], { ms }: Clock): RunningProcess {
  const clock = laterClock(ms)
  return startProcess(process.execPath, [...clock.flags, PROGRAM, ...args], { cwd, env: { ...env, ...clock.env } })
}

/** Runs a command to its end, whatever its exit code. */
export async function runCommand(who: Agent, args: readonly string[], clock: Clock): Promise<ProcessResult> {
  return await startCommand(who, args, clock).ended
}

async function runJson<T>(who: Agent, args: readonly string[], clock: Clock): Promise<T> {
  const ran = await runCommand(who, [...args, '--json'], clock)
  if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  return JSON.parse(ran.stdout)
}
