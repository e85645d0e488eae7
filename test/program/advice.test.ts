// Advice is followed to the letter, by agents more than by people. So every command that a hint names is run here, in the very
// state in which it was given: afterwards the agent is still the same one, and everything that it knew is still there.
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess } from '../../scripts/processes.ts'
import { startRun } from '../support/runs.ts'
import { type AgentPair, type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

/** The home of an agent that has had a call, spoiled; `home` is P2P_HOME. */
type Spoiled = { home: string; dir: string; identity: string; config: string; state: string; folder: string }

/**
 * `run`: what meets it, `status` where it does not say. `uid`: as whom, root where it does not say. `mends`: whether the same
 * command ends well once the hints were followed.
 */
type Case = {
  name: string
  spoil: (at: Spoiled) => void
  run?: string[]
  env?: Record<string, string>
  uid?: number
  mends?: true
}

const ALICE = 12_345
const NODE = process.execPath

const CASES: Case[] = [
  { name: 'an identity that others can read', spoil: ({ identity }) => chmodSync(identity, 0o644), mends: true },
  { name: 'an identity that is empty', spoil: ({ identity }) => writeFileSync(identity, '') },
  { name: 'an identity that is no JSON', spoil: ({ identity }) => writeFileSync(identity, '{"secretKey":"') },
  {
    name: 'an identity of another key',
    spoil: ({ identity }) => writeFileSync(identity, JSON.stringify({ secretKey: '01'.repeat(32) })),
  },
  {
    name: 'an identity that is a link',
    spoil: ({ identity }) => replace(identity, (path) => symlinkSync(`${path}.kept`, path)),
  },
  { name: 'an identity of somebody else', spoil: ({ identity }) => chownSync(identity, ALICE, ALICE) },
  {
    name: 'a folder where the identity was',
    spoil: ({ identity }) => replace(identity, mkdirSync),
  },
  { name: 'an identity of a later version', spoil: ({ identity }) => later(identity) },
  { name: 'a key in P2P_SECRET_KEY that is none', spoil: () => {}, env: { P2P_SECRET_KEY: 'x' } },
  { name: 'a key in P2P_SECRET_KEY that is another one', spoil: () => {}, env: { P2P_SECRET_KEY: '01'.repeat(32) } },
  { name: 'settings that are no JSON', spoil: ({ config }) => writeFileSync(config, '{"name": ') },
  {
    name: 'settings in Latin-1',
    spoil: ({ config }) => writeFileSync(config, Buffer.from('{"name": "Jos\u00e9"}', 'latin1')),
  },
  { name: 'a setting that is none', spoil: ({ config }) => edit(config, { call: { ring: 'long' } }), mends: true },
  {
    name: 'two settings that are none',
    spoil: ({ config }) => edit(config, { call: { ring: 'long' }, policy: { calls: 1 } }),
  },
  { name: 'settings of a later version', spoil: ({ config }) => later(config) },
  { name: 'contacts that are none', spoil: ({ config }) => edit(config, { contacts: [{ petname: 'bob' }] }) },
  { name: 'a state of a later version', spoil: ({ state }) => writeFileSync(state, '{"version": 99}') },
  { name: 'a state that is no JSON', spoil: ({ state }) => writeFileSync(state, 'x'), mends: true },
  { name: 'a home that everybody can change', spoil: ({ home }) => chmodSync(home, 0o777), mends: true },
  { name: 'p2p/ that everybody can change', spoil: ({ dir }) => chmodSync(dir, 0o777), mends: true },
  { name: 'settings that everybody can change', spoil: ({ config }) => chmodSync(config, 0o666), mends: true },
  { name: 'a home of another user, as root', spoil: ({ home }) => give(home) },
  { name: 'root\u2019s home, as another user', spoil: () => {}, uid: ALICE },
  {
    name: 'a home that its own user has closed',
    spoil: closeFolder,
    uid: ALICE,
    mends: true,
  },
  {
    name: 'a call file that its own user has closed',
    spoil: closeCalls,
    uid: ALICE,
    run: ['transcript', '--search', 'hello'],
    mends: true,
  },
  { name: 'p2p/ that is a file', spoil: ({ dir }) => replace(dir, (path) => writeFileSync(path, '')) },
  {
    name: 'calls/ that is a file',
    spoil: ({ dir }) => replace(join(dir, 'calls'), (path) => writeFileSync(path, '')),
  },
  {
    name: 'links in a circle',
    spoil: ({ config }) => replace(config, (path) => symlinkSync(path, path)),
  },
  {
    name: 'what doctor finds',
    spoil: loosen,
    run: ['doctor'],
    mends: true,
  },
]

test.skipIf(process.getuid?.() !== 0).each(CASES)(
  '$name',
  async ({ spoil, run = ['status'], env = {}, uid, mends }) => {
    await withPair({}, async (pair) => {
      const at = await used(pair)
      const before = kept(at)
      spoil(at)
      const setting = { env: { ...env, P2P_HOME: at.home }, cwd: '/', uid, relay: pair.relay.url }
      const first = await p2p([...run, '--json', '--timeout', '3'], setting)
      const hints = hintsIn(first)
      expect(hints.join('\n')).not.toMatch(/chown|\brm\b|\bmv\b|delete|begin|new agent/)
      expect([first.code === 0 || hints.length > 0, first.stderr]).toEqual([
        true,
        expect.not.stringContaining('fault of p2p'),
      ])
      for (const line of commandsIn(hints)) {
        const ran = await shell(line, setting)
        expect([line, ran.code, ran.stderr]).toEqual([line, 0, ''])
      }
      if (mends) expect((await p2p([...run, '--timeout', '3'], setting)).code).toBe(0)
      expectKept(at, before)
    })
  },
)

test.skipIf(process.getuid?.() !== 0)(
  'a lock that somebody holds who does nothing',
  async () => {
    await withPair({}, async (pair) => {
      const at = await used(pair)
      const before = kept(at)
      const holder = pair.ada.start(['wait', '60'])
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const hung = join(at.dir, 'lock', '00'.repeat(8))
      mkdirSync(hung, { recursive: true, mode: 0o700 })
      const { pid } = await sleeper()
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      const { readlinkSync } = await import('node:fs')
      const where = `${boot} ${readlinkSync('/proc/self/ns/pid')}`
      writeFileSync(
        join(hung, 'holder.json'),
        JSON.stringify({ pid, command: 'status', host: where, processStart: 'alive' }),
        {
          mode: 0o600,
        },
      )
      const setting = { env: { P2P_HOME: at.home }, cwd: '/', uid: undefined, relay: pair.relay.url }
      const first = await p2p(['config', 'set', 'name', 'Ada', '--json'], setting)
      expect([first.code, JSON.parse(first.stdout).error.code]).toEqual([5, 'LOCKED'])
      for (const line of commandsIn(hintsIn(first))) await shell(line, setting)
      expect((await p2p(['config', 'set', 'name', 'Ada'], setting)).code).toBe(0)
      expect(kept(at).secret).toBe(before.secret)
      holder.stop()
      await holder.ended
    })
  },
  60_000,
)

/** A process that waits to be ended. */
async function sleeper(): Promise<{ pid: number }> {
  const { spawn } = await import('node:child_process')
  const { onTestFinished } = await import('vitest')
  const child = spawn('sleep', ['60'])
  onTestFinished(() => void child.kill())
  return { pid: child.pid ?? 0 }
}

/** Two agents have had a call; the home of the first, which has a contact and settings. Made once, and copied for each case. */
async function used({ ada, folder }: AgentPair): Promise<Spoiled> {
  cpSync(made, ada.home, { recursive: true, preserveTimestamps: true })
  for (const path of [folder, ada.home]) chmodSync(path, 0o755)
  return placesOf(ada, folder)
}

let made = ''
/** A folder with the program by the name that it is typed by. */
let bin = ''
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'p2p-advice-'))
  bin = mkdtempSync(join(tmpdir(), 'p2p-bin-'))
  symlinkSync(PROGRAM, join(bin, 'p2p'))
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const { npub } = (await ben.json(['whoami'])).agent as { npub: string }
    await ada.json(['contacts', 'add', npub, 'ben'])
    await startCall(pair)
    await ada.json(['send', 'hello'])
    cpSync(ada.home, made, { recursive: true, preserveTimestamps: true })
  })
})
afterAll(() => {
  for (const folder of [made, bin]) rmSync(folder, { recursive: true, force: true })
})

function placesOf({ home: user }: AgentProgram, folder: string): Spoiled {
  const home = join(user, '.openclaw')
  const dir = join(home, 'p2p')
  const identity = join(home, 'p2p-identity.json')
  return { home, dir, identity, config: join(dir, 'config.json'), state: join(dir, 'state.json'), folder }
}

type Kept = { secret: string; calls: string[]; contacts: unknown }

function kept({ identity, dir, config }: Spoiled): Kept {
  return {
    secret: stringField(JSON.parse(readFileSync(identity, 'utf8')), 'secretKey'),
    calls: readdirSync(join(dir, 'calls')).filter((name) => name.endsWith('.json')),
    contacts: JSON.parse(readFileSync(config, 'utf8')).contacts,
  }
}

/** What an agent is and knows lies where it lay, or where the spoiler has put it; and there is no second agent anywhere. */
function expectKept({ home, identity, folder }: Spoiled, before: Kept): void {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' })
  const calls = names.filter((name) => before.calls.some((call) => name.endsWith(call)))
  expect(calls).toHaveLength(before.calls.length)
  const identities = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^ada\/.*identity\.json/.test(name),
  )
  // Ours, and what a spoiler has kept of it.
  expect(identities.length).toBeLessThanOrEqual(existsSync(`${identity}.kept`) ? 2 : 1)
  const text = [`${identity}.kept`, identity].find((path) => existsSync(path) && statSync(path).isFile())
  const written = text === undefined ? '' : readFileSync(text, 'utf8')
  expect(written.includes(before.secret) || !/[0-9a-f]{64}/.test(written) || written.includes('01'.repeat(32))).toBe(
    true,
  )
}

/** All hints in what a command has printed as JSON, and in its notices. */
function hintsIn({ stdout }: ProcessResult): string[] {
  const { error, checks = [], notices = [] } = JSON.parse(stdout)
  const all: unknown[] = [error?.hint, ...checks.map((check: { hint?: string }) => check.hint), ...notices]
  return all.filter((hint): hint is string => typeof hint === 'string' && hint !== '')
}

/** What of the hints a shell can run as it stands. */
function commandsIn(hints: readonly string[]): string[] {
  const quoted = hints.flatMap((hint) => [...hint.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line))
  const bare = hints.flatMap((hint) => /: ((?:kill|chmod|p2p) [^`]*)$/.exec(hint)?.[1] ?? [])
  // An option alone is none, and what stands for something of the reader's cannot be run.
  return [...quoted, ...bare].filter((line) => !/[<>…]|\bDIR\b|\bFILE\b|^-|npub1|timedatectl/.test(line))
}

type Setting = { env: Record<string, string>; cwd: string; uid: number | undefined; relay: string }

/** A command; as another user it is a process, which spells out in full what is to be typed. */
async function p2p(args: readonly string[], setting: Setting): Promise<ProcessResult> {
  if (setting.uid === undefined) return await startRun(args, { env: envOf(setting) }).ended
  return await startAs([NODE, PROGRAM, ...args], setting)
}

async function shell(line: string, setting: Setting): Promise<ProcessResult> {
  return await startAs(['bash', '-c', line], setting)
}

function envOf({ env, relay }: Setting): Record<string, string> {
  const all = agentEnv('/nonexistent', [relay])
  return { ...all, PATH: `${bin}:${all.PATH}`, ...env }
}

async function startAs(words: readonly string[], setting: Setting): Promise<ProcessResult> {
  const { cwd, uid } = setting
  const as = uid === undefined ? [] : ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']
  const [file = '', ...args] = [...as, ...words]
  return await startProcess(file, args, { cwd, env: envOf(setting) }).ended
}

/** What was there lies beside it from now on. */
function replace(path: string, make: (path: string) => void): void {
  renameSync(path, `${path}.kept`)
  make(path)
}

function closeFolder({ home, dir }: Spoiled): void {
  give(home)
  chmodSync(dir, 0o500)
}

function loosen({ home, dir }: Spoiled): void {
  chmodSync(home, 0o775)
  chmodSync(dir, 0o755)
}

function edit(path: string, more: object): void {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...more }))
}

function later(path: string): void {
  edit(path, { version: 99 })
}

function give(home: string): void {
  for (const name of ['', ...readdirSync(home, { recursive: true, encoding: 'utf8' })])
    lchownSync(join(home, name), ALICE, ALICE)
}

function closeCalls({ home, dir }: Spoiled): void {
  give(home)
  for (const name of readdirSync(join(dir, 'calls'))) chmodSync(join(dir, 'calls', name), 0)
}
