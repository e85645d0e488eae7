// The secret key: it comes in on stdin, goes out to one new file, and reaches nobody else, whatever goes wrong.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generateSecretKey, getPublicKey, nip19 } from 'nostr-tools'
import { expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { startRun } from '../support/runs.ts'
import { containsSecret, leakyFile } from '../support/story/promises.ts'
import { withPair } from '../support/two-programs.ts'

const key = generateSecretKey()
const hex = Buffer.from(key).toString('hex')
const nsec = nip19.nsecEncode(key)
const npub = nip19.npubEncode(getPublicKey(key))

/** `process`: as one of its own, so that also what it prints beside its streams is seen, and what programs inherit from it. */
type Options = { stdin?: string; env?: Record<string, string>; relays?: string[]; process?: boolean }

/** Runs a command in a home of its own; what it printed never has the key in it. */
async function p2p(home: string, args: readonly string[], options: Options = {}): Promise<ProcessResult> {
  const env = { ...agentEnv(home, options.relays ?? ['ws://127.0.0.1:1']), ...options.env }
  mkdirSync(home, { recursive: true })
  const setting = { cwd: home, env, stdin: options.stdin ?? '' }
  const running = options.process
    ? startProcess(process.execPath, [PROGRAM, ...args], setting)
    : startRun(args, setting)
  const ran = await running.ended
  if (containsSecret(ran.stdout + ran.stderr, hex)) throw new Error(`${args.join(' ')} printed the key`)
  return ran
}

test('a key is imported on stdin where there is none yet, and nowhere else', async () => {
  await withTemporaryFolder(async (folder) => {
    const [one, other] = [`${folder}/one`, `${folder}/other`]
    const imported = await p2p(one, ['whoami', '--import', '-', '--json'], { stdin: `  ${nsec}\n`, process: true })
    expect(JSON.parse(imported.stdout).agent.npub).toBe(npub)
    expect(statSync(`${one}/.openclaw/p2p-identity.json`).mode & 0o777).toBe(0o600)
    expect((await p2p(one, ['whoami'])).stdout).toContain(npub)
    // The same once more, as hex: nothing to do.
    const before = readFileSync(`${one}/.openclaw/p2p-identity.json`)
    expect((await p2p(one, ['whoami', '--import', '-'], { stdin: hex })).code).toBe(0)
    expect(readFileSync(`${one}/.openclaw/p2p-identity.json`)).toEqual(before)

    // Another agent's home stays its own.
    const held = JSON.parse((await p2p(other, ['whoami', '--json'])).stdout).agent.npub
    const refused = await p2p(other, ['whoami', '--import', '-', '--json'], { stdin: nsec })
    expect([refused.code, JSON.parse(refused.stdout).error.code]).toEqual([4, 'IDENTITY_EXISTS'])
    expect((await p2p(other, ['whoami'])).stdout).toContain(held)

    for (const stdin of ['', 'nsec1nonsense', hex.slice(1), `${hex} ${hex}`, 'x'.repeat(10_000)]) {
      const bad = await p2p(`${folder}/third`, ['whoami', '--import', '-', '--json'], { stdin })
      expect([bad.code, JSON.parse(bad.stdout).error.code]).toEqual([2, 'BAD_SECRET'])
    }
    expect(existsSync(`${folder}/third/.openclaw/p2p-identity.json`)).toBe(false)
  })
})

test('a key is no argument, and P2P_SECRET_KEY stands in nobody’s way', async () => {
  await withTemporaryFolder(async (folder) => {
    for (const args of [['--import', nsec], [`--import=${hex}`], ['--import', './key']]) {
      const ran = await p2p(folder, ['whoami', ...args])
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('whoami --import - <')])
    }
    const ran = await p2p(folder, ['whoami', '--import', '-', '--json'], { stdin: nsec, env: { P2P_SECRET_KEY: hex } })
    expect([ran.code, JSON.parse(ran.stdout).error.message]).toEqual([2, 'P2P_SECRET_KEY is set'])
    expect(existsSync(`${folder}/.openclaw/p2p-identity.json`)).toBe(false)
  })
})

test('a key is exported to a new file, 0600, and over nothing', async () => {
  await withTemporaryFolder(async (folder) => {
    const file = `${folder}/exported`
    const env = { P2P_SECRET_KEY: nsec }
    const ran = await p2p(folder, ['whoami', '--export', file, '--json'], { env, process: true })
    expect([ran.code, JSON.parse(ran.stdout).exported]).toEqual([0, file])
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([`${nsec}\n`, 0o600])
    // It is what --import takes.
    const imported = await p2p(`${folder}/next`, ['whoami', '--import', '-'], { stdin: readFileSync(file, 'utf8') })
    expect(imported.stdout).toContain(npub)

    writeFileSync(`${folder}/taken`, 'mine')
    symlinkSync(`${folder}/nowhere`, `${folder}/link`)
    for (const path of ['taken', 'link', 'exported']) {
      const refused = await p2p(folder, ['whoami', '--export', `${folder}/${path}`, '--json'], { env })
      expect([path, refused.code, JSON.parse(refused.stdout).error.code]).toEqual([path, 4, 'FILE_EXISTS'])
    }
    expect([readFileSync(`${folder}/taken`, 'utf8'), existsSync(`${folder}/nowhere`)]).toEqual(['mine', false])
    const nowhere = await p2p(folder, ['whoami', '--export', `${folder}/no/such/folder`, '--json'], { env })
    expect([nowhere.code, JSON.parse(nowhere.stdout).error.code]).toEqual([2, 'FILE_UNWRITABLE'])
  })
})

test('hook, owner.command and OpenClaw are started without the key', async () => {
  await withPair({}, async (pair) => {
    const { ada, relay, folder } = pair
    const bin = `${folder}/bin`
    mkdirSync(bin)
    // Says what it was started with, wherever a program could find the key; each under its own name.
    writeFileSync(
      `${bin}/openclaw`,
      `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const own = { argv: process.argv, env: process.env, stdin: readFileSync(0, 'utf8') }
writeFileSync(${JSON.stringify(folder)} + '/told-' + (process.argv[2] ?? 'nobody'), JSON.stringify(own))
console.log('{"ok": true}')\n`,
      { mode: 0o755 },
    )
    const env = { P2P_SECRET_KEY: hex, PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}` }
    const cara = (...args: string[]) => p2p(`${folder}/cara`, args, { env, relays: [relay.url], process: true })
    const set = (name: string, value: string) => p2p(`${folder}/cara`, ['config', 'set', name, value], { env })
    await set('hook.command', JSON.stringify([`${bin}/openclaw`, 'hook']))
    await set('hook.unknown', 'true')
    await set('owner.command', JSON.stringify([`${bin}/openclaw`, 'command']))
    await set('owner.openclaw.target', 'owner')
    await ada.json(['call', npub, 'keys'])
    expect((await cara('announce')).code).toBe(0)
    expect((await cara('answer', 'accept')).code).toBe(0)
    expect((await cara('escalate', 'May I?', '--verbose')).code).toBe(0)
    for (const name of ['hook', 'command', 'message']) {
      const told = readFileSync(`${folder}/told-${name}`, 'utf8')
      expect(Object.keys(JSON.parse(told).env)).not.toContain('P2P_SECRET_KEY')
      expect(JSON.parse(told).env.HOME).toBe(`${folder}/cara`)
      expect(containsSecret(told, hex)).toBe(false)
    }
    expect(leakyFile(folder, [hex])).toBeUndefined()
  })
})

test('whatever goes wrong, --verbose and the errors keep the key to themselves', async () => {
  const relay = await startRelay({ auth: 'all' })
  try {
    await withTemporaryFolder(async (folder) => {
      const ada = `${folder}/ada`
      const identity = `${ada}/.openclaw/p2p-identity.json`
      const run = (args: string[], options: Options = {}) =>
        p2p(ada, [...args, '--verbose'], { relays: [relay.url], ...options })
      await run(['whoami', '--import', '-'], { stdin: nsec })
      const failing: [string[], Options?][] = [
        [['send', 'hello']],
        [['call', nsec, 'topic']],
        [['contacts', 'add', nsec, 'me']],
        [['config', 'set', 'owner.npub', nsec]],
        [[nsec]],
        [['status', '--timeout', nsec]],
        [['transcript', nsec]],
        [['status', '--call', nsec]],
        [['status', '--timeout', '1'], { relays: ['ws://127.0.0.1:1'] }],
        [['whoami'], { env: { P2P_SECRET_KEY: `${nsec.slice(0, -1)}?` } }],
      ]
      for (const [args, options] of failing) expect([args[0], (await run(args, options)).code]).not.toBe(0)
      for (const args of [['status'], ['announce'], ['doctor'], ['list'], ['inbox', '--deep']])
        expect([args[0], (await run([...args])).code]).toEqual([args[0], 0])
      chmodSync(identity, 0o644)
      expect((await run(['status'], { process: true })).code).toBe(4)
      chmodSync(identity, 0o600)
      const text = readFileSync(identity, 'utf8')
      for (const damaged of [
        text.slice(0, 80),
        text.replace('npub', '"npub'),
        JSON.stringify({ secretKey: nsec, pubkey: 'x' }),
      ]) {
        writeFileSync(identity, damaged, { mode: 0o600 })
        expect((await run(['status'])).code).toBe(4)
        expect((await run(['doctor'], { process: true })).code).not.toBe(0)
      }
    })
    expect(containsSecret(JSON.stringify(relay.seen), hex)).toBe(false)
  } finally {
    await relay.close()
  }
})

test('the guard of this file finds a key where there is one', () => {
  expect([containsSecret(`x${nsec}`, hex), containsSecret(hex.toUpperCase(), hex), containsSecret(npub, hex)]).toEqual([
    true,
    true,
    false,
  ])
})
