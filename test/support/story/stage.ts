// What a story happens on: a folder that is gone afterwards, agents with a home each, relays in this process, and the clock.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  agentEnv,
  PROGRAM,
  type ProcessOptions,
  type ProcessResult,
  type RunningProcess,
  startProcess,
  withTemporaryFolder,
} from '../../../scripts/processes.ts'
import { type EmbeddedRelay, startRelay } from '../../../scripts/relay.ts'
import { loadIdentity } from '../../../src/io/home/identity.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { toHex } from '../../../src/nostr/crypto.ts'
import { npubEncode } from '../../../src/nostr/nip19.ts'
import { wrongClock } from '../preloads.ts'
import { startRun } from '../runs.ts'
import { brokenPromise, containsSecret, leakyFile } from './promises.ts'
import { brokenAdvice, withShortName } from './typed-commands.ts'

/** `cwd` holds the program and nothing else; `ahead`: how wrong its clock is, in seconds. */
export type Actor = { name: string; home: string; cwd: string; ahead: number }

export type Stage = {
  folder: string
  actors: Map<string, Actor>
  relays: Map<string, EmbeddedRelay>
  vars: Map<string, string>
  /** Secret keys, as hex, that may stand nowhere but in identity files. */
  secrets: Set<string>
  /** How far everybody's clock, also the relays', is ahead of the real one, in seconds. */
  ahead: number
  /** Whether everybody uses the relays in the settings, and no P2P_RELAYS. */
  byConfig: boolean
  /** Whether every command is a process of its own. */
  byProcesses: boolean
  /** For the next command. */
  stdin: string
  env: Record<string, string>
  started: Map<string, { running: RunningProcess; args: string[]; heard: Map<EmbeddedRelay, number> }>
  /** The last command that has ended. */
  last: ProcessResult
}

/** Runs a story on a stage of its own, checks what must hold in its end, and clears everything away. */
export async function withStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const stage: Stage = {
      folder,
      actors: new Map(),
      relays: new Map(),
      vars: new Map([['FOLDER', folder]]),
      secrets: new Set(),
      ahead: 0,
      byConfig: false,
      byProcesses: false,
      stdin: '',
      env: {},
      started: new Map(),
      last: { code: 0, stdout: '', stderr: '', ms: 0 },
    }
    try {
      await body(stage)
      checkEnd(stage)
    } finally {
      for (const { running } of stage.started.values()) running.stop()
      await Promise.all([...stage.relays.values()].map((relay) => relay.close()))
    }
  })
}

/** Starts a relay on the story's clock; its address is `$NAME`. */
export async function addRelay(stage: Stage, name: string): Promise<void> {
  const relay = await startRelay({ now: () => Math.floor(Date.now() / 1000) + stage.ahead })
  stage.relays.set(name, relay)
  stage.vars.set(name.toUpperCase(), relay.url)
}

/** Gives an agent an empty home, and a folder with the program and nothing else. */
export function addActor(stage: Stage, name: string): void {
  const cwd = join(stage.folder, name, 'app')
  const home = join(stage.folder, name, 'home')
  for (const folder of [cwd, home]) mkdirSync(folder, { recursive: true })
  // With its time, by which its compiled code is found.
  cpSync(PROGRAM, programOf({ cwd }), { preserveTimestamps: true })
  stage.actors.set(name, { name, home, cwd, ahead: 0 })
}

function programOf({ cwd }: Pick<Actor, 'cwd'>): string {
  return join(cwd, 'p2p.js')
}

/** The npub of an actor; its identity is made when nobody has asked for it before. */
export function npubOf(stage: Stage, { home }: Actor): string {
  const keys = loadIdentity(homeOf(undefined, { HOME: home }), {})
  stage.secrets.add(toHex(keys.secret))
  return npubEncode(keys.pubkey)
}

/** Starts `p2p <args>` as an actor: a run of this process, or in a story of processes one of its own. */
export function startProgram(stage: Stage, actor: Actor, args: readonly string[]): RunningProcess {
  const clock = (stage.ahead + actor.ahead) * 1000
  const options = optionsFor(stage, actor, urls(stage))
  if (!stage.byProcesses) return startRun(args, { ...options, clock })
  const { flags, env } = wrongClock(clock)
  return startProcess(process.execPath, [...flags, programOf(actor), ...args], {
    ...options,
    env: { ...options.env, ...env },
  })
}

/** Gives a line to a shell, which has nothing but HOME and PATH. */
export function startShell(stage: Stage, actor: Actor, command: string): RunningProcess {
  return startProcess('/bin/sh', ['-c', command], optionsFor(stage, actor, []))
}

/**
 * Takes note of what a command did, with `p2p` for the name that it was started by. Throws what is wrong with it whatever the story
 * says.
 */
export async function checkResult(
  stage: Stage,
  actor: Actor,
  args: readonly string[],
  ran: ProcessResult,
): Promise<void> {
  const whole = `node "${programOf(actor)}"`
  stage.last = withShortName(ran, whole)
  for (const { home } of stage.actors.values()) learnSecrets(stage, home)
  const wrong = brokenPromise(args, ran, stage.secrets) ?? (await brokenAdvice(ran, whole))
  if (wrong !== undefined) throw new Error(wrong)
}

function optionsFor(stage: Stage, actor: Actor, relays: string[]): ProcessOptions {
  const { P2P_RELAYS, ...bare } = agentEnv(actor.home, relays)
  const env = { ...bare, ...(relays.length === 0 ? {} : { P2P_RELAYS: P2P_RELAYS ?? '' }), ...stage.env }
  const { stdin } = stage
  stage.stdin = ''
  stage.env = {}
  return { cwd: actor.cwd, env, stdin }
}

function urls(stage: Stage): string[] {
  if (stage.byConfig) return []
  return [...stage.relays.values()].map((relay) => relay.url)
}

function learnSecrets(stage: Stage, folder: string): void {
  const { identity, calls } = homeOf(undefined, { HOME: folder })
  const keys = existsSync(calls) ? readdirSync(calls).filter((name) => name.endsWith('.key')) : []
  for (const path of [identity, ...keys.map((name) => join(calls, name))]) {
    const secret = existsSync(path) ? /"secretKey": ?"([0-9a-f]{64})"/.exec(readFileSync(path, 'utf8'))?.[1] : undefined
    if (secret !== undefined) stage.secrets.add(secret)
  }
}

// What must hold at the end of every story.
function checkEnd(stage: Stage): void {
  const [name] = stage.started.keys()
  if (name !== undefined) throw new Error(`nobody has joined ${name}`)
  for (const { cwd } of stage.actors.values())
    if (readdirSync(cwd).join() !== 'p2p.js')
      throw new Error(`a command wrote into its working directory: ${readdirSync(cwd)}`)
  const secrets = [...stage.secrets]
  const leak = leakyFile(stage.folder, secrets)
  if (leak !== undefined) throw new Error(`a secret key stands in ${leak}`)
  for (const relay of stage.relays.values())
    if (containsSecret(JSON.stringify(relay.seen), ...secrets)) throw new Error('a relay was told a secret key')
}
